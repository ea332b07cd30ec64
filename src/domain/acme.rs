//! Owns the words of certificates that an authority issues to this service (RFC 8555). Knows neither the authority nor TLS.

use crate::base::clock::UnixTime;

/// What is ordered: a certificate for these names, at that authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeSubject {
    /// The URL of the authority's directory.
    pub directory: String,
    /// The host names, in their order, separated by spaces.
    pub names: String,
}

/// What is kept of the orders for one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeRecord {
    /// For whom.
    pub subject: AcmeSubject,
    /// What was last issued.
    pub certificate: Option<SealedCertificate>,
    /// When to order next.
    pub due_at: UnixTime,
    /// Orders that failed since the last one that did not.
    pub failures: i64,
    /// When the last of them failed.
    pub failed_at: Option<UnixTime>,
    /// Why, in the authority's words where it had some.
    pub problem: Option<String>,
}

/// A certificate whose key is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedCertificate {
    /// PEM, the certificate itself first.
    pub chain: String,
    /// Its private key, PKCS#8, sealed.
    pub sealed_key: String,
    /// When it came.
    pub issued_at: UnixTime,
    /// When it expires.
    pub expires_at: UnixTime,
}

/// What an authority has to find when it connects for a name (RFC 8737 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeChallenge {
    /// The host name.
    pub name: String,
    /// SHA-256 of the key authorization.
    pub digest: [u8; 32],
}
