//! A workload with a JWT-SVID.

use serde_json::{Value, json};

use crate::app::issuers::paste;
use crate::app::issuers::preset::Preset;
use crate::domain::{ClientId, SpiffeId};

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
    fn name(&self) -> &'static str {
        "spiffe"
    }

    fn issuer(&self) -> Value {
        json!({
            "trust_domain": self.id.trust_domain().as_str(), "replay": "allow",
            "bundle_endpoint": self.bundle_endpoint, "bundle_file": self.bundle_file,
        })
    }

    fn subject(&self) -> Option<String> {
        Some(self.id.as_str().to_owned())
    }

    fn instructions(&self, issuer: &str, client_id: &ClientId) -> String {
        paste::spiffe(issuer, client_id)
    }
}
