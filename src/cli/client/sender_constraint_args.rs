//! What `client create` and `client update` may say about in whose hands a client's tokens are good, and how
//! `client show` prints it.

use clap::Args;

use crate::domain::{SenderConstraint, SenderConstraintChanges};

#[derive(Args)]
pub(in crate::cli) struct SenderConstraintArgs {
    /// Bind its tokens to the certificate it connects with, which it then must have (RFC 8705)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Bind its tokens to the key of a `DPoP` proof, which it then must send (RFC 9449)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dpop_bound_access_tokens: Option<bool>,
}

impl SenderConstraintArgs {
    /// The changes.
    pub(in crate::cli) fn changes(&self) -> SenderConstraintChanges {
        SenderConstraintChanges {
            tls_client_certificate_bound_access_tokens: self
                .tls_client_certificate_bound_access_tokens,
            dpop_bound_access_tokens: self.dpop_bound_access_tokens,
        }
    }
}

/// The lines of `client show`.
pub(in crate::cli) fn lines(constraint: SenderConstraint) -> [(&'static str, String); 2] {
    [
        (
            "tls_client_certificate_bound_access_tokens",
            constraint
                .tls_client_certificate_bound_access_tokens
                .to_string(),
        ),
        (
            "dpop_bound_access_tokens",
            constraint.dpop_bound_access_tokens.to_string(),
        ),
    ]
}

/// What the tokens must be bound to, in a word or two for `client list`.
pub(in crate::cli) fn words(constraint: SenderConstraint) -> String {
    let bound = [
        (
            constraint.tls_client_certificate_bound_access_tokens,
            "certificate",
        ),
        (constraint.dpop_bound_access_tokens, "dpop"),
    ];
    let words = bound.iter().filter(|(is, _)| *is).map(|(_, word)| *word);
    words.collect::<Vec<_>>().join(" ")
}
