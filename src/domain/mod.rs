//! The words of OAuth as this service speaks them. Owns what each may look like: every type here
//! is made by parsing, so that nothing further in has to check again.
//! No I/O, no async, no framework.

mod acme;
mod admin;
mod allowed_networks;
mod audience;
mod audit;
mod auth_method;
mod certificate_subject;
mod change;
mod client;
mod client_authentication;
mod client_secret;
mod client_version;
mod distinguished_name;
mod error_code;
mod http_uri;
mod jwk;
mod jwk_set;
mod jwks_uri;
mod key;
mod metadata;
mod passkey;
mod refused_request;
mod replica;
mod revocation;
mod rights;
mod scope;
mod secret_advice;
mod sender_constraint;
mod text;
mod thumbprint;
mod token_id;
mod token_quota;
mod unused_end;
mod usage;

pub use acme::{AcmeChallenge, AcmeRecord, AcmeSubject, SealedCertificate};
pub use admin::{Admin, AdminName, AdminRole, AdminSession, AdminStatus, SessionId};
pub use allowed_networks::AllowedNetworks;
pub use audience::{Audience, Audiences, Issuer};
pub use audit::{Action, Actor, AuditEvent, NewEvent, Origin, Stamp, Target};
pub use auth_method::{AuthMethod, AuthMethods};
pub use certificate_subject::CertificateSubject;
pub use change::{Change, ChangeId};
pub use client::{Client, ClientChanges, ClientId, ClientRecord, ClientStatus, TokenTtl};
pub use client_authentication::{AuthenticationChanges, AuthenticationSettings, ClientKeys};
pub use client_secret::{
    ClientSecret, EndingSecret, GeneratedSecret, MAX_LIVE_SECRETS, SecretId, SecretOrigin,
    chosen_secret,
};
pub use client_version::{ClientVersion, ExpectedVersion};
pub use distinguished_name::DistinguishedName;
pub use error_code::ErrorCode;
pub use http_uri::HttpUri;
pub use jwk::{Curve, Jwk, PublicKey};
pub use jwk_set::{JwkSet, SkippedKey};
pub use jwks_uri::JwksUri;
pub use key::{JWKS_MAX_AGE, KeyId, KeyRecord, KeyState, RETIRED_KEY_TTL, SigningAlg};
pub use metadata::Metadata;
pub use passkey::{Passkey, PasskeyId};
pub use refused_request::{Attempt, RefusedRequest};
pub use replica::Replica;
pub use revocation::{ClientCutoff, Revocation, RevocationId, Revoked};
pub use rights::{
    ADMIN_EXPORT_SCOPE, ADMIN_READ_SCOPE, ADMIN_WRITE_SCOPE, AccessDenied, ClientEffect,
    INTROSPECT_SCOPE, REVOCATIONS_SCOPE,
};
pub use scope::Scope;
pub use secret_advice::{SecretAdvice, UNUSED_AFTER};
pub use sender_constraint::{SenderConstraint, SenderConstraintChanges};
pub use text::{Description, ManagedBy, Name};
pub use thumbprint::Thumbprint;
pub use token_id::TokenId;
pub use token_quota::{QUOTA_WINDOW, QuotaState, TokenQuota};
pub use unused_end::UnusedFor;
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
