//! A pod with a service account.

use serde_json::{Value, json};

use crate::app::error::{Error, Result};
use crate::app::issuers::paste;
use crate::app::issuers::preset::Preset;
use crate::domain::ClientId;

/// Where Kubernetes puts what a pod needs to call its API server.
const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The `iss` of a cluster whose operator set no other.
const DEFAULT_CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";

/// A pod with a service account.
#[derive(Clone, Debug)]
pub struct Kubernetes {
    /// Its namespace.
    pub namespace: String,
    /// Its service account.
    pub service_account: String,
    /// The uid of the service account: one that is made again under the same name is another.
    pub uid: Option<String>,
    /// The `iss` of a foreign cluster, whose discovery document is public; `None`: the cluster of this server.
    pub cluster: Option<String>,
}

impl Preset for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn check(&self) -> Result<()> {
        check_name(&self.namespace)?;
        check_name(&self.service_account)
    }

    fn issuer(&self) -> Value {
        match &self.cluster {
            Some(iss) => json!({"issuer": iss, "replay": "allow"}),
            None => json!({
                "issuer": DEFAULT_CLUSTER, "replay": "allow", "private_addresses": true,
                "jwks_uri": "https://kubernetes.default.svc/openid/v1/jwks",
                "ca_file": format!("{POD}/ca.crt"), "bearer_token_file": format!("{POD}/token"),
            }),
        }
    }

    fn subject(&self) -> Option<String> {
        let (namespace, account) = (&self.namespace, &self.service_account);
        Some(format!("system:serviceaccount:{namespace}:{account}"))
    }

    fn claims(&self) -> Vec<(&'static str, String)> {
        let uid = self.uid.iter().cloned();
        uid.map(|uid| ("/kubernetes.io/serviceaccount/uid", uid))
            .collect()
    }

    fn warning(&self) -> Option<&'static str> {
        self.uid.is_none().then_some(
            "a service account that is deleted and created again with the same name logs in as the same client; \
                --service-account-uid tells them apart",
        )
    }

    fn instructions(&self, issuer: &str, client_id: &ClientId) -> String {
        paste::kubernetes(issuer, client_id, &self.service_account)
    }
}

/// Names of objects (RFC 1123): anything else names nothing, and would be pasted into YAML.
fn check_name(name: &str) -> Result<()> {
    let is_good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    if (1..=253).contains(&name.len()) && name.bytes().all(is_good) {
        return Ok(());
    }
    Err(Error::invalid_request(format!(
        "`{name}` is no name of Kubernetes: these are of a-z, 0-9, `-` and `.`"
    )))
}
