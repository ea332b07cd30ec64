//! Owns what is registered for a workload of a known platform: the issuer and the identity. One file for each platform.

mod aws;
mod github;
mod gitlab;
mod google;
mod kubernetes;
mod spiffe;

use serde_json::{Map, Value, json};

pub use aws::Aws;
pub use github::GitHub;
pub use gitlab::GitLab;
pub use google::Google;
pub use kubernetes::Kubernetes;
pub use spiffe::Spiffe;

use crate::app::error::{Error, Result};
use crate::app::issuers::Issuers;
use crate::base::json;
use crate::domain::{ClientId, Identities, IssuerName, IssuerSpec, Origin, TrustedIssuer};

/// A platform, and how a workload is named there.
pub trait Preset: Send + Sync {
    /// What its issuer is called unless the operator says otherwise.
    fn name(&self) -> &'static str;

    /// Refuses what names no workload of the platform.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The issuer, as a document without its name.
    fn issuer(&self) -> Value;

    /// The exact `sub`, if that names the workload.
    fn subject(&self) -> Option<String> {
        None
    }

    /// Claims by their pointers, and the value of each.
    fn claims(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What the operator should know.
    fn warning(&self) -> Option<&'static str> {
        None
    }

    /// What is to be pasted on the platform. `issuer`: this server.
    fn instructions(&self, issuer: &str, client_id: &ClientId) -> String;
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
}

impl PresetPlan {
    /// What is registered, with this name for the issuer or that of the platform.
    pub fn new(preset: &dyn Preset, name: Option<IssuerName>) -> Result<Self> {
        preset.check()?;
        let name = match name {
            Some(name) => name,
            None => IssuerName::parse(preset.name())?,
        };
        let mut issuer = preset.issuer();
        issuer["name"] = name.as_str().into();
        let issuer = json::from_str(&issuer.to_string())
            .map_err(|error| Error::invalid_request(error.to_string()))?;
        let claims = preset.claims().into_iter();
        let claims: Map<String, Value> = claims
            .map(|(pointer, value)| (pointer.to_owned(), value.into()))
            .collect();
        let identity =
            json!({"issuer": name.as_str(), "subject": preset.subject(), "claims": claims});
        Ok(Self {
            issuer,
            identities: Identities::from_values(&[identity])?,
            warning: preset.warning(),
        })
    }
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
            "the issuer `{}` exists already for {}; give another name with --issuer-name",
            found.name, found.anchor
        )))
    }
}
