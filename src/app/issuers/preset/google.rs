//! A service account of Google Cloud, by the identity tokens of the metadata server. They have no `jti`.

use serde_json::{Value, json};

use crate::app::error::{Error, Result};
use crate::app::issuers::paste;
use crate::app::issuers::preset::Preset;
use crate::domain::ClientId;

/// A service account of Google Cloud.
#[derive(Clone, Debug)]
pub struct Google {
    /// Its unique ID, a number of some 21 digits: an email address can be given to another one.
    pub account_id: String,
}

impl Preset for Google {
    fn name(&self) -> &'static str {
        "google"
    }

    fn check(&self) -> Result<()> {
        let id = self.account_id.as_bytes();
        if (1..=40).contains(&id.len()) && id.iter().all(u8::is_ascii_digit) {
            return Ok(());
        }
        Err(Error::invalid_request(format!(
            "`{}` is not the unique ID of a service account, which is a number",
            self.account_id
        )))
    }

    /// The discovery document names a JWK set at another host.
    fn issuer(&self) -> Value {
        json!({"issuer": "https://accounts.google.com", "replay": "allow", "allowed_hosts": ["www.googleapis.com"]})
    }

    fn subject(&self) -> Option<String> {
        Some(self.account_id.clone())
    }

    fn instructions(&self, issuer: &str, client_id: &ClientId) -> String {
        paste::google(issuer, client_id)
    }
}
