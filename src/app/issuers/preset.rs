//! Owns what is registered for a workload of a known platform: the issuer and the identity.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::app::error::{Error, Result};
use crate::app::issuers::instructions::{self, Instructions};
use crate::base::json;
use crate::domain::{Identities, IssuerName, IssuerSpec, IssuerUrl, SpiffeId};

/// How a workload is named at a platform.
pub trait Preset: Send + Sync {
    /// What is known of the workload. Refuses what names none of the platform.
    fn workload(&self) -> Result<Workload>;
}

/// A workload of a platform.
#[derive(Debug)]
pub struct Workload {
    /// What the issuer is called unless the operator says otherwise.
    platform: &'static str,
    /// The issuer, as a document without its name.
    issuer: Value,
    /// The exact `sub`, if that names the workload.
    subject: Option<String>,
    /// Claims by their pointers, and the value of each.
    claims: Vec<(&'static str, String)>,
    warning: Option<&'static str>,
    instructions: Instructions,
}

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

/// Where Kubernetes puts what a pod needs to call its API server.
const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The `iss` of a cluster whose operator set no other.
const DEFAULT_CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";

impl Preset for Kubernetes {
    fn workload(&self) -> Result<Workload> {
        let (namespace, account) = (&self.namespace, &self.service_account);
        check_name(namespace)?;
        check_name(account)?;
        let uid = self.uid.iter().cloned();
        Ok(Workload {
            platform: "kubernetes",
            issuer: match &self.cluster {
                Some(iss) => json!({"issuer": iss, "replay": "allow"}),
                None => json!({
                    "issuer": DEFAULT_CLUSTER, "replay": "allow", "private_addresses": true,
                    "jwks_uri": "https://kubernetes.default.svc/openid/v1/jwks",
                    "ca_file": format!("{POD}/ca.crt"), "bearer_token_file": format!("{POD}/token"),
                }),
            },
            subject: Some(format!("system:serviceaccount:{namespace}:{account}")),
            claims: uid
                .map(|uid| ("/kubernetes.io/serviceaccount/uid", uid))
                .collect(),
            warning: self.uid.is_none().then_some(
                "a service account that is deleted and created again with the same name logs in as the same client; \
                    --service-account-uid tells them apart",
            ),
            instructions: Instructions::new(
                instructions::KUBERNETES.replace("SERVICE_ACCOUNT", account),
                "@/var/run/secrets/token-server/token",
            ),
        })
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

/// A job of GitHub Actions. Never by its `sub`, whose form has changed and can be chosen.
#[derive(Clone, Debug)]
pub struct GitHub {
    /// The number of its repository.
    pub repository_id: u64,
    /// The number of the repository's owner.
    pub owner_id: u64,
    /// What of the repository: the pointer to a claim and its value; `None`: every workflow.
    pub narrowed: Option<(&'static str, String)>,
    /// The enterprise whose tokens have an `iss` of their own.
    pub enterprise: Option<String>,
    /// The host of a GitHub Enterprise Server.
    pub host: Option<String>,
}

impl Preset for GitHub {
    fn workload(&self) -> Result<Workload> {
        let issuer = match (&self.host, &self.enterprise) {
            (Some(host), _) => format!("https://{host}/_services/token"),
            (None, Some(slug)) => format!("https://token.actions.githubusercontent.com/{slug}"),
            (None, None) => "https://token.actions.githubusercontent.com".to_owned(),
        };
        let mut claims = vec![
            ("/repository_id", self.repository_id.to_string()),
            ("/repository_owner_id", self.owner_id.to_string()),
        ];
        claims.extend(self.narrowed.clone());
        Ok(Workload {
            platform: "github",
            issuer: json!({"issuer": issuer, "replay": "once"}),
            subject: None,
            claims,
            warning: self.narrowed.is_none().then_some(
                "every workflow of the repository gets tokens, even one that a pull request changes",
            ),
            instructions: Instructions::new(instructions::GITHUB, "=$assertion"),
        })
    }
}

/// A job of GitLab CI. A job has one token, so the issuer allows that it is presented again.
#[derive(Clone, Debug)]
pub struct GitLab {
    /// The number of its project.
    pub project_id: u64,
    /// Whether jobs of unprotected branches and tags count too.
    pub any_ref: bool,
    /// The environment that it deploys to.
    pub environment: Option<String>,
    /// The host of another instance than gitlab.com.
    pub host: Option<String>,
}

impl Preset for GitLab {
    fn workload(&self) -> Result<Workload> {
        let host = self.host.as_deref().unwrap_or("gitlab.com");
        let is_protected = (!self.any_ref).then(|| ("/ref_protected", "true".to_owned()));
        let environment = self.environment.clone().map(|it| ("/environment", it));
        let claims = [("/project_id", self.project_id.to_string())].into_iter();
        Ok(Workload {
            platform: "gitlab",
            issuer: json!({"issuer": format!("https://{host}"), "replay": "allow"}),
            subject: None,
            claims: claims.chain(is_protected).chain(environment).collect(),
            warning: self.any_ref.then_some(
                "jobs of every branch get tokens, even of branches that nobody has reviewed",
            ),
            instructions: Instructions::new(instructions::GITLAB, "=$ASSERTION"),
        })
    }
}

/// A workload with a JWT-SVID.
#[derive(Clone, Debug)]
pub struct Spiffe {
    /// Its SPIFFE ID.
    pub id: SpiffeId,
    /// The URL of the bundle of the trust domain, where the issuer is to be registered.
    pub bundle_endpoint: Option<String>,
    /// A file with the bundle.
    pub bundle_file: Option<String>,
}

impl Preset for Spiffe {
    fn workload(&self) -> Result<Workload> {
        Ok(Workload {
            platform: "spiffe",
            issuer: json!({
                "trust_domain": self.id.trust_domain().as_str(), "replay": "allow",
                "bundle_endpoint": self.bundle_endpoint, "bundle_file": self.bundle_file,
            }),
            subject: Some(self.id.as_str().to_owned()),
            claims: Vec::new(),
            warning: None,
            instructions: Instructions {
                assertion_type: "jwt-spiffe",
                ..Instructions::new(instructions::SPIFFE, "=$assertion")
            },
        })
    }
}

/// A role or user of AWS IAM, by outbound identity federation (`sts:GetWebIdentityToken`).
#[derive(Clone, Debug)]
pub struct Aws {
    /// The issuer of its account: every account has one of its own.
    pub issuer: IssuerUrl,
    /// Its ARN. A session of a role has another ARN each time; the token names the role.
    pub principal: String,
}

/// Who asked for the token, below the claim `https://sts.amazonaws.com/`. The `sub` may be somebody on whose behalf it asked.
const PRINCIPAL: &str = "/https:~1~1sts.amazonaws.com~1/principal_id";

impl Preset for Aws {
    fn workload(&self) -> Result<Workload> {
        let principal = &self.principal;
        let parts: Vec<&str> = principal.splitn(6, ':').collect();
        let is_good = match parts.as_slice() {
            ["arn", partition, "iam", "", account, name] => {
                let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
                let is_named = name.starts_with("role/") || name.starts_with("user/");
                partition.starts_with("aws") && is_account && is_named
            }
            _ => false,
        };
        if !is_good {
            return Err(Error::invalid_request(format!(
                "`{principal}` is not the ARN of a role or user, such as arn:aws:iam::123456789012:role/billing"
            )));
        }
        Ok(Workload {
            platform: "aws",
            issuer: json!({"issuer": self.issuer.as_str(), "replay": "once"}),
            subject: Some(principal.clone()),
            claims: vec![(PRINCIPAL, principal.clone())],
            warning: None,
            instructions: Instructions::new(instructions::AWS, "=$assertion"),
        })
    }
}

/// A service account of Google Cloud, by the identity tokens of the metadata server. They have no `jti`.
#[derive(Clone, Debug)]
pub struct Google {
    /// Its unique ID, a number of some 21 digits: an email address can be given to another one.
    pub account_id: String,
}

impl Preset for Google {
    fn workload(&self) -> Result<Workload> {
        let id = &self.account_id;
        if !(1..=40).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::invalid_request(format!(
                "`{id}` is not the unique ID of a service account, which is a number"
            )));
        }
        Ok(Workload {
            platform: "google",
            // The discovery document names a JWK set at another host.
            issuer: json!({
                "issuer": "https://accounts.google.com", "replay": "allow", "allowed_hosts": ["www.googleapis.com"],
            }),
            subject: Some(id.clone()),
            claims: Vec::new(),
            warning: None,
            instructions: Instructions::new(instructions::GOOGLE, "=$assertion"),
        })
    }
}

/// What a preset registers.
#[derive(Clone, Debug)]
pub struct PresetPlan {
    /// The issuer, as it is registered unless there is one of its name.
    pub issuer: IssuerSpec,
    /// The identity of the client.
    pub identities: Identities,
    /// What the operator should know.
    pub warning: Option<&'static str>,
    /// What is to be pasted on the platform.
    pub instructions: Instructions,
}

impl PresetPlan {
    /// What is registered, with this name for the issuer or that of the platform.
    pub fn new(preset: &dyn Preset, name: Option<IssuerName>) -> Result<Self> {
        let mut workload = preset.workload()?;
        let name = match name {
            Some(name) => name,
            None => IssuerName::parse(workload.platform)?,
        };
        workload.issuer["name"] = name.as_str().into();
        let issuer = json::from_str(&workload.issuer.to_string())
            .map_err(|error| Error::invalid_request(error.to_string()))?;
        let claims: BTreeMap<_, _> = workload.claims.into_iter().collect();
        let identity =
            json!({"issuer": name.as_str(), "subject": workload.subject, "claims": claims});
        Ok(Self {
            issuer,
            identities: Identities::from_values(&[identity])?,
            warning: workload.warning,
            instructions: workload.instructions,
        })
    }
}
