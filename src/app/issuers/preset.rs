//! Owns what is registered for a workload of a known platform: the issuer and the identity.

use serde_json::{Map, Value, json};

use crate::app::error::{Error, Result};
use crate::app::issuers::{Issuers, paste};
use crate::base::json;
use crate::domain::{
    ClientId, Identities, IssuerName, IssuerSpec, Origin, SpiffeId, TrustedIssuer,
};

/// Where Kubernetes puts what a pod needs to call its API server.
const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The `iss` of a cluster whose operator set no other.
const DEFAULT_CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";

/// The platform of a workload, and how it is named there.
#[derive(Clone, Debug)]
pub enum Preset {
    /// A pod with a service account.
    Kubernetes {
        /// Its namespace.
        namespace: String,
        /// Its service account.
        service_account: String,
        /// The uid of the service account: one that is made again under the same name is another.
        uid: Option<String>,
        /// The `iss` of a foreign cluster, whose discovery document is public; `None`: the cluster of this server.
        cluster: Option<String>,
    },
    /// A job of GitHub Actions.
    GitHub {
        /// The number of its repository.
        repository_id: u64,
        /// The number of the repository's owner.
        owner_id: u64,
        /// What of the repository: a claim and its value; `None`: every workflow.
        narrowed: Option<(&'static str, String)>,
        /// The enterprise whose tokens have an `iss` of their own.
        enterprise: Option<String>,
        /// The host of a GitHub Enterprise Server.
        host: Option<String>,
    },
    /// A job of GitLab CI.
    GitLab {
        /// The number of its project.
        project_id: u64,
        /// Whether jobs of unprotected branches and tags count too.
        any_ref: bool,
        /// The environment that it deploys to.
        environment: Option<String>,
        /// The host of another instance than gitlab.com.
        host: Option<String>,
    },
    /// A workload with a JWT-SVID.
    Spiffe {
        /// Its SPIFFE ID.
        id: SpiffeId,
        /// The URL of the bundle of the trust domain, where the issuer is to be registered.
        bundle_endpoint: Option<String>,
        /// A file with the bundle.
        bundle_file: Option<String>,
    },
}

/// What a preset registers.
#[derive(Clone, Debug)]
pub struct PresetPlan {
    /// The issuer, as it is registered unless there is one of its name.
    pub issuer: IssuerSpec,
    /// The identity of the client.
    pub identities: Identities,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

impl Preset {
    /// What is registered, with this name for the issuer or that of the platform.
    pub fn plan(&self, name: Option<IssuerName>) -> Result<PresetPlan> {
        if let Self::Kubernetes {
            namespace,
            service_account,
            ..
        } = self
        {
            check_kubernetes_name(namespace)?;
            check_kubernetes_name(service_account)?;
        }
        let (default_name, mut issuer) = self.issuer();
        let name = match name {
            Some(name) => name,
            None => IssuerName::parse(default_name)?,
        };
        issuer.insert("name".to_owned(), name.as_str().into());
        let text = Value::Object(issuer).to_string();
        let issuer =
            json::from_str(&text).map_err(|error| Error::invalid_request(error.to_string()))?;
        let (subject, claims) = self.identity();
        let identity = json!({"issuer": name.as_str(), "subject": subject, "claims": claims});
        Ok(PresetPlan {
            issuer,
            identities: Identities::from_values(&[identity])?,
            warnings: self.warnings(),
        })
    }

    fn issuer(&self) -> (&'static str, Map<String, Value>) {
        let (name, document) = match self {
            Self::Kubernetes { cluster: None, .. } => (
                "kubernetes",
                json!({
                    "issuer": DEFAULT_CLUSTER, "replay": "allow", "private_addresses": true,
                    "jwks_uri": "https://kubernetes.default.svc/openid/v1/jwks",
                    "ca_file": format!("{POD}/ca.crt"), "bearer_token_file": format!("{POD}/token"),
                }),
            ),
            Self::Kubernetes {
                cluster: Some(iss), ..
            } => ("kubernetes", json!({"issuer": iss, "replay": "allow"})),
            Self::GitHub {
                enterprise, host, ..
            } => (
                "github",
                json!({"issuer": github_issuer(enterprise.as_deref(), host.as_deref()), "replay": "once"}),
            ),
            Self::GitLab { host, .. } => {
                let host = host.as_deref().unwrap_or("gitlab.com");
                (
                    "gitlab",
                    json!({"issuer": format!("https://{host}"), "replay": "allow"}),
                )
            }
            Self::Spiffe {
                id,
                bundle_endpoint,
                bundle_file,
            } => (
                "spiffe",
                json!({
                    "trust_domain": id.trust_domain().as_str(), "replay": "allow",
                    "bundle_endpoint": bundle_endpoint, "bundle_file": bundle_file,
                }),
            ),
        };
        let members = document.as_object().cloned().unwrap_or_default();
        (name, members)
    }

    /// The subject, and the claims by their pointers.
    fn identity(&self) -> (Option<String>, Map<String, Value>) {
        let mut claims = Map::new();
        let mut ask = |pointer: &str, value: String| {
            claims.insert(pointer.to_owned(), value.into());
        };
        let subject = match self {
            Self::Kubernetes {
                namespace,
                service_account,
                uid,
                ..
            } => {
                if let Some(uid) = uid {
                    ask("/kubernetes.io/serviceaccount/uid", uid.clone());
                }
                Some(format!(
                    "system:serviceaccount:{namespace}:{service_account}"
                ))
            }
            Self::GitHub {
                repository_id,
                owner_id,
                narrowed,
                ..
            } => {
                ask("/repository_id", repository_id.to_string());
                ask("/repository_owner_id", owner_id.to_string());
                if let Some((claim, value)) = narrowed {
                    ask(&format!("/{claim}"), value.clone());
                }
                None
            }
            Self::GitLab {
                project_id,
                any_ref,
                environment,
                ..
            } => {
                ask("/project_id", project_id.to_string());
                if !any_ref {
                    ask("/ref_protected", "true".to_owned());
                }
                if let Some(environment) = environment {
                    ask("/environment", environment.clone());
                }
                None
            }
            Self::Spiffe { id, .. } => Some(id.as_str().to_owned()),
        };
        (subject, claims)
    }

    fn warnings(&self) -> Vec<String> {
        let warning = match self {
            Self::GitHub { narrowed: None, .. } => {
                "every workflow of the repository gets tokens, also one that a pull request changes"
            }
            Self::GitLab { any_ref: true, .. } => {
                "jobs of every branch get tokens, also of those that nobody has reviewed"
            }
            Self::Kubernetes { uid: None, .. } => {
                "a service account that is deleted and made again under its name is the same client; say --service-account-uid \
                 to tell them apart"
            }
            Self::Kubernetes { .. }
            | Self::GitHub { .. }
            | Self::GitLab { .. }
            | Self::Spiffe { .. } => return Vec::new(),
        };
        vec![warning.to_owned()]
    }

    /// What is to be pasted on the platform. `issuer`: this server.
    pub fn instructions(&self, issuer: &str, client_id: &ClientId) -> String {
        match self {
            Self::Kubernetes {
                service_account, ..
            } => paste::kubernetes(issuer, client_id, service_account),
            Self::GitHub { .. } => paste::github(issuer, client_id),
            Self::GitLab { .. } => paste::gitlab(issuer, client_id),
            Self::Spiffe { .. } => paste::spiffe(issuer, client_id),
        }
    }
}

fn github_issuer(enterprise: Option<&str>, host: Option<&str>) -> String {
    match (host, enterprise) {
        (Some(host), _) => format!("https://{host}/_services/token"),
        (None, Some(slug)) => format!("https://token.actions.githubusercontent.com/{slug}"),
        (None, None) => "https://token.actions.githubusercontent.com".to_owned(),
    }
}

/// Names of objects (RFC 1123): anything else names nothing, and would be pasted into YAML.
fn check_kubernetes_name(name: &str) -> Result<()> {
    let is_good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    if (1..=253).contains(&name.len()) && name.bytes().all(is_good) {
        return Ok(());
    }
    Err(Error::invalid_request(format!(
        "`{name}` is no name of Kubernetes: these are of a-z, 0-9, `-` and `.`"
    )))
}

impl Issuers {
    /// The issuer of a plan: the one of its name, which has to be the same in what tokens say; else it is added.
    pub async fn ensure(&self, by: &Origin, spec: IssuerSpec) -> Result<(TrustedIssuer, bool)> {
        let wanted = spec.clone();
        let name = wanted.name.clone();
        let found = match &name {
            Some(name) => self.core.store.find_issuer(name).await?,
            None => None,
        };
        let Some(found) = found else {
            return Ok((self.add(by, spec).await?, true));
        };
        let same = IssuerSpec::from(&found);
        if same.issuer == wanted.issuer && same.trust_domain == wanted.trust_domain {
            return Ok((found, false));
        }
        Err(Error::conflict(format!(
            "there is an issuer `{}` of {} already; say --issuer-name for another one",
            found.name, found.anchor
        )))
    }
}
