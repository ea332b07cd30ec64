//! A job of GitHub Actions. Never by its `sub`, whose form has changed and can be chosen.

use serde_json::{Value, json};

use crate::app::issuers::paste;
use crate::app::issuers::preset::Preset;
use crate::domain::ClientId;

/// A job of GitHub Actions.
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
    fn name(&self) -> &'static str {
        "github"
    }

    fn issuer(&self) -> Value {
        let issuer = match (&self.host, &self.enterprise) {
            (Some(host), _) => format!("https://{host}/_services/token"),
            (None, Some(slug)) => format!("https://token.actions.githubusercontent.com/{slug}"),
            (None, None) => "https://token.actions.githubusercontent.com".to_owned(),
        };
        json!({"issuer": issuer, "replay": "once"})
    }

    fn claims(&self) -> Vec<(&'static str, String)> {
        let mut claims = vec![
            ("/repository_id", self.repository_id.to_string()),
            ("/repository_owner_id", self.owner_id.to_string()),
        ];
        claims.extend(self.narrowed.clone());
        claims
    }

    fn warning(&self) -> Option<&'static str> {
        self.narrowed.is_none().then_some(
            "every workflow of the repository gets tokens, even one that a pull request changes",
        )
    }

    fn instructions(&self, issuer: &str, client_id: &ClientId) -> String {
        paste::github(issuer, client_id)
    }
}
