//! Owns what is registered of a client about whose hands its tokens are good in. Knows nothing of how it is checked.

use serde::Serialize;

/// To what the tokens of a client must be bound; the names are those of client metadata in the RFCs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SenderConstraint {
    /// To the certificate with which it asks for them (RFC 8705 §3.4).
    pub tls_client_certificate_bound_access_tokens: bool,
    /// To the key of a `DPoP` proof, which it must send (RFC 9449 §5.2).
    pub dpop_bound_access_tokens: bool,
}

/// What to change of it; `None` leaves a thing as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderConstraintChanges {
    /// To its certificate.
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    /// To the key of a `DPoP` proof.
    pub dpop_bound_access_tokens: Option<bool>,
}

impl SenderConstraint {
    /// This with the changes made.
    #[must_use]
    pub fn changed(self, changes: SenderConstraintChanges) -> Self {
        Self {
            tls_client_certificate_bound_access_tokens: changes
                .tls_client_certificate_bound_access_tokens
                .unwrap_or(self.tls_client_certificate_bound_access_tokens),
            dpop_bound_access_tokens: changes
                .dpop_bound_access_tokens
                .unwrap_or(self.dpop_bound_access_tokens),
        }
    }
}
