//! Owns what is registered of a client about whose hands its tokens are good in. Knows nothing of how it is checked.

use serde::Serialize;

use crate::domain::with_changes;

with_changes! {
    /// To what the tokens of a client must be bound; the names are those of client metadata in the RFCs.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
    pub struct SenderConstraint, SenderConstraintChanges {
        /// To the certificate with which it asks for them (RFC 8705 §3.4).
        tls_client_certificate_bound_access_tokens: bool,
        /// To the key of a `DPoP` proof, which it must send (RFC 9449 §5.2).
        dpop_bound_access_tokens: bool,
    }
}
