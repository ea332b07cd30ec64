//! A job of GitLab CI. A job has one token, so the issuer allows that it is presented again.

use serde_json::{Value, json};

use crate::app::issuers::paste;
use crate::app::issuers::preset::Preset;
use crate::domain::ClientId;

/// A job of GitLab CI.
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
    fn name(&self) -> &'static str {
        "gitlab"
    }

    fn issuer(&self) -> Value {
        let host = self.host.as_deref().unwrap_or("gitlab.com");
        json!({"issuer": format!("https://{host}"), "replay": "allow"})
    }

    fn claims(&self) -> Vec<(&'static str, String)> {
        let mut claims = vec![("/project_id", self.project_id.to_string())];
        if !self.any_ref {
            claims.push(("/ref_protected", "true".to_owned()));
        }
        let environment = self.environment.iter().cloned();
        claims.extend(environment.map(|it| ("/environment", it)));
        claims
    }

    fn warning(&self) -> Option<&'static str> {
        self.any_ref
            .then_some("jobs of every branch get tokens, even of branches that nobody has reviewed")
    }

    fn instructions(&self, issuer: &str, client_id: &ClientId) -> String {
        paste::gitlab(issuer, client_id)
    }
}
