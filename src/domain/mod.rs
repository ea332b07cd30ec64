//! The words of OAuth as this service speaks them. Owns what each may look like: every type here
//! is made by parsing, so that nothing further in has to check again.
//! No I/O, no async, no framework.

mod acme;
mod admins;
pub(crate) mod audit;
mod authentication;
mod clients;
mod error_code;
mod keys;
mod replication;
mod rights;
mod secrets;
mod text;
mod tokens;
mod usage;

pub use acme::{AcmeChallenge, AcmeRecord, AcmeSubject, SealedCertificate};
pub use admins::admin::{Admin, AdminName, AdminRole, AdminSession, AdminStatus, SessionId};
pub use admins::passkey::{Passkey, PasskeyId};
pub use audit::event::{Action, Actor, AuditEvent, NewEvent, Origin, Stamp, Target};
pub use audit::rejected_request::{Attempt, RefusedRequest};
pub use authentication::allowed_networks::AllowedNetworks;
pub use authentication::auth_method::{AuthMethod, AuthMethods};
pub use authentication::certificate_subject::CertificateSubject;
pub use authentication::distinguished_name::DistinguishedName;
pub use authentication::jwk::{Curve, Jwk, PublicKey};
pub use authentication::jwk_set::{JwkSet, SkippedKey};
pub use authentication::jwks_uri::JwksUri;
pub use authentication::settings::{AuthenticationChanges, AuthenticationSettings, ClientKeys};
pub use clients::client::{Client, ClientChanges, ClientId, ClientRecord, ClientStatus, TokenTtl};
pub use clients::metadata::Metadata;
pub use clients::version::{ClientVersion, ExpectedVersion};
pub use error_code::ErrorCode;
pub use keys::{JWKS_MAX_AGE, KeyId, KeyRecord, KeyState, RETIRED_KEY_TTL, SigningAlg};
pub use replication::change::{Change, ChangeId};
pub use replication::replica::Replica;
pub use rights::{
    ADMIN_EXPORT_SCOPE, ADMIN_READ_SCOPE, ADMIN_WRITE_SCOPE, AccessDenied, ClientEffect,
    INTROSPECT_SCOPE, REVOCATIONS_SCOPE,
};
pub use secrets::client_secret::{
    ClientSecret, EndingSecret, GeneratedSecret, MAX_LIVE_SECRETS, SecretId, SecretOrigin,
    chosen_secret,
};
pub use secrets::idle_expiry::UnusedFor;
pub use secrets::retirement_advice::{SecretAdvice, UNUSED_AFTER};
pub use text::{Description, ManagedBy, Name};
pub use tokens::audience::{Audience, Audiences, Issuer};
pub use tokens::http_uri::HttpUri;
pub use tokens::revocation::{ClientCutoff, Revocation, RevocationId, Revoked};
pub use tokens::scope::Scope;
pub use tokens::sender_constraint::{SenderConstraint, SenderConstraintChanges};
pub use tokens::thumbprint::Thumbprint;
pub use tokens::token_id::TokenId;
pub use tokens::token_quota::{QUOTA_WINDOW, QuotaState, TokenQuota};
pub use usage::{
    ClientUses, LastUse, SecretUses, TokenWaste, UsageCounts, UsageIn, UsageOf, UsageSpan,
};

/// Why a text is not the thing it should be: one sentence for the person who wrote it, redacted, since it may quote the
/// text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(pub String);

impl ParseError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(crate::base::redact::redact_string(message.into()))
    }
}

/// Gives a parsed text type its common traits: it prints, serializes and compares as its text, and
/// deserializes only through its parser.
macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::ParseError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
use text_type;
