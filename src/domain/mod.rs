//! The words of OAuth as this service speaks them. Owns what each may look like: every type here
//! is made by parsing, so that nothing further in has to check again.
//! No I/O, no async, no framework.

mod acme;
mod admins;
pub(crate) mod audit;
mod authentication;
mod clients;
mod error_code;
mod issuers;
mod keys;
mod parse;
mod replication;
mod rights;
mod secrets;
mod tokens;
mod usage;

pub use acme::{AcmeChallenge, AcmeRecord, AcmeSubject, SealedCertificate};
pub use admins::{
    Admin, AdminName, AdminRole, AdminSession, AdminStatus, Passkey, PasskeyId, SessionId,
};
pub use audit::event::{Action, AuditEvent, NewEvent, Target};
pub use audit::origin::{Actor, Origin, Stamp};
pub use audit::rejected_request::{Attempt, RejectedRequest};
pub use authentication::allowed_networks::AllowedNetworks;
pub use authentication::auth_method::{AuthMethod, AuthMethods};
pub use authentication::certificate_subject::CertificateSubject;
pub use authentication::distinguished_name::DistinguishedName;
pub use authentication::identity::{ClientIdentity, Identities, IdentityRule};
pub use authentication::identity_use::{IdentityDigest, IdentityUse};
pub use authentication::json_pointer::JsonPointer;
pub use authentication::jwk::{Curve, Jwk, PublicKey};
pub use authentication::jwk_set::{JwkSet, SkippedKey};
pub use authentication::jwks_uri::JwksUri;
pub use authentication::settings::{AuthenticationChanges, AuthenticationSettings, ClientKeys};
pub use authentication::subject::Subject;
pub use clients::client::{
    Client, ClientChanges, ClientId, ClientRecord, ClientStatus, NewClient, TokenTtl,
};
pub use clients::exchange_rules::{ExchangeRule, ExchangeRules};
pub use clients::identifiers::Identifiers;
pub use clients::metadata::Metadata;
pub use clients::version::{ClientVersion, ExpectedVersion};
pub use error_code::ErrorCode;
pub use issuers::bundle::SpiffeBundle;
pub use issuers::names::{IssuerName, IssuerUrl, SpiffeId, TrustAnchor, TrustDomain};
pub use issuers::settings::{FilePath, IssuerAlgorithms, IssuerStatus, MaxLifetime, Replay};
pub use issuers::spec::IssuerSpec;
pub use issuers::trusted_issuer::{FetchRules, KeySource, MAX_ISSUERS, TrustedIssuer};
pub use keys::{JWKS_MAX_AGE, KeyId, KeyRecord, KeyState, RETIRED_KEY_TTL, SigningAlg};
pub use parse::ParseError;
pub use parse::text::{Description, ManagedBy, Name};
use parse::{base62_id, ensure, list_type, seconds_type, text_type, with_changes};
pub(crate) use parse::{text_traits, word_enum};
pub use replication::{Change, ChangeId, Installation, Replica};
pub use rights::{
    ADMIN_EXPORT_SCOPE, ADMIN_ISSUERS_SCOPE, ADMIN_READ_SCOPE, ADMIN_WRITE_SCOPE, AccessDenied,
    ClientEffect, INTROSPECT_SCOPE, REVOCATIONS_SCOPE,
};
pub use secrets::client_secret::{
    ClientSecret, EndingSecret, GeneratedSecret, MAX_LIVE_SECRETS, SecretId, SecretOrigin,
    chosen_secret,
};
pub use secrets::idle_expiry::{IdleExpiry, OldSecrets};
pub(crate) use secrets::retirement_advice::span_in_words;
pub use secrets::retirement_advice::{SecretAdvice, UNUSED_AFTER};
pub use secrets::strength::{MIN_STRONG_BITS, MIN_STRONG_LENGTH, is_strong};
pub use tokens::audience::{Audience, Audiences, Issuer};
pub use tokens::claim_name::ClaimName;
pub use tokens::http_uri::HttpUri;
pub use tokens::resource_url::{PROTECTED_RESOURCE, ResourcePlace};
pub use tokens::revocation::{Generation, Revocation, RevocationId, Revoked, RevokedToken};
pub use tokens::scope::Scope;
pub use tokens::sender_constraint::{SenderConstraint, SenderConstraintChanges};
pub use tokens::thumbprint::Thumbprint;
pub use tokens::token_id::TokenId;
pub use tokens::token_quota::{QUOTA_WINDOW, QuotaState, TokenQuota};
pub use tokens::token_type::{TokenTyp, TokenType};
pub use usage::{
    ClientUses, ExcessTokens, ExchangeUsage, LastUsed, SecretUses, UsageCounts, UsageIn, UsageOf,
    UsageSpan,
};
