//! Why a token is rejected, and how often each reason came up.

use crate::app::error::Error;
use crate::app::tokens::revoke::revocation_set::RevokedBy;
use crate::base::metrics::Counter;
use crate::domain::{ClaimName, ClientId, ErrorCode};
use crate::jwt::VerifyError;

/// Why a token is not good for what it is shown for.
pub(crate) enum Rejection {
    Unfit(VerifyError),
    Revoked(RevokedBy),
    WrongAudience,
    InsufficientScope {
        missing: String,
        required: String,
    },
    /// A proxy asked for it.
    MissingClaim(ClaimName),
    /// What a proxy asked for takes more room than its headers may have.
    OversizedClaims,
    /// Another client acts, or none does.
    WrongActor(ClientId),
    /// Of an introspection: none of the audiences is an identifier of the caller.
    MissingIdentifier {
        audiences: String,
    },
}

impl From<VerifyError> for Rejection {
    fn from(error: VerifyError) -> Self {
        Self::Unfit(error)
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Unfit(error) => error.into(),
            Rejection::Revoked(by) => Self::invalid_token("the token is revoked").with_source(by),
            Rejection::WrongAudience => Self::invalid_token("the token is for another audience"),
            Rejection::InsufficientScope { missing, required } => {
                Self::insufficient_scope(&missing, &required)
            }
            Rejection::MissingClaim(name) => Self::new(
                ErrorCode::InsufficientScope,
                format!("the token lacks the claim `{name}`"),
            ),
            Rejection::OversizedClaims => Self::new(
                ErrorCode::InsufficientScope,
                "the requested claims are too large for headers",
            ),
            Rejection::WrongActor(actor) => Self::new(
                ErrorCode::InsufficientScope,
                format!("`{actor}` is not the client that acts with the token"),
            ),
            Rejection::MissingIdentifier { audiences } => Self::unauthorized_client(format!(
                "the token was not issued to this client, and its audience `{audiences}` is not one of the client's \
                    identifiers"
            )),
        }
    }
}

impl Rejection {
    /// By number of the reason.
    const REASONS: [&'static str; 15] = [
        "malformed",
        "unknown_key",
        "bad_signature",
        "expired",
        "not_yet_valid",
        "wrong_issuer",
        "wrong_lifetime",
        "revoked",
        "wrong_audience",
        "insufficient_scope",
        "missing_identifier",
        "missing_claim",
        "oversized_claims",
        "foreign",
        "wrong_actor",
    ];

    fn number(&self) -> usize {
        match self {
            Self::Unfit(VerifyError::Malformed) => 0,
            Self::Unfit(VerifyError::UnknownKey) => 1,
            Self::Unfit(VerifyError::BadSignature) => 2,
            Self::Unfit(VerifyError::Expired) => 3,
            Self::Unfit(VerifyError::NotYetValid) => 4,
            Self::Unfit(VerifyError::WrongIssuer) => 5,
            Self::Unfit(VerifyError::WrongLifetime) => 6,
            Self::Revoked(_) => 7,
            Self::WrongAudience => 8,
            Self::InsufficientScope { .. } => 9,
            Self::MissingIdentifier { .. } => 10,
            Self::MissingClaim(_) => 11,
            Self::OversizedClaims => 12,
            Self::Unfit(VerifyError::Foreign) => 13,
            Self::WrongActor(_) => 14,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Rejections([Counter; Rejection::REASONS.len()]);

impl Rejections {
    pub(crate) fn count(&self, rejection: &Rejection) {
        self.0[rejection.number()].inc();
    }

    pub(crate) fn read(&self) -> Vec<(&'static str, u64)> {
        let counters = Rejection::REASONS.into_iter().zip(&self.0);
        counters
            .map(|(reason, counter)| (reason, counter.value()))
            .collect()
    }
}
