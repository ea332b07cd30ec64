//! Why a token is refused, and how often each reason came up.

use crate::app::error::Error;
use crate::base::metrics::Counter;
use crate::jwt::VerifyError;

/// Why a token is not good for what it is shown for.
pub(in crate::app) enum Refusal {
    Unfit(VerifyError),
    Revoked,
    WrongAudience,
    InsufficientScope { missing: String, required: String },
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        Self::Unfit(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unfit(error) => error.into(),
            Refusal::Revoked => Self::invalid_token("the token is revoked"),
            Refusal::WrongAudience => Self::invalid_token("the token is for another audience"),
            Refusal::InsufficientScope { missing, required } => {
                Self::insufficient_scope(&missing, &required)
            }
        }
    }
}

/// How many tokens were refused, by reason.
#[derive(Debug, Default)]
pub(in crate::app) struct RefusedTokens {
    malformed: Counter,
    unknown_key: Counter,
    bad_signature: Counter,
    expired: Counter,
    not_yet_valid: Counter,
    wrong_issuer: Counter,
    wrong_lifetime: Counter,
    revoked: Counter,
    wrong_audience: Counter,
    insufficient_scope: Counter,
}

impl RefusedTokens {
    pub(in crate::app) fn count(&self, refusal: &Refusal) {
        let counter = match refusal {
            Refusal::Unfit(VerifyError::Malformed) => &self.malformed,
            Refusal::Unfit(VerifyError::UnknownKey) => &self.unknown_key,
            Refusal::Unfit(VerifyError::BadSignature) => &self.bad_signature,
            Refusal::Unfit(VerifyError::Expired) => &self.expired,
            Refusal::Unfit(VerifyError::NotYetValid) => &self.not_yet_valid,
            Refusal::Unfit(VerifyError::WrongIssuer) => &self.wrong_issuer,
            Refusal::Unfit(VerifyError::WrongLifetime) => &self.wrong_lifetime,
            Refusal::Revoked => &self.revoked,
            Refusal::WrongAudience => &self.wrong_audience,
            Refusal::InsufficientScope { .. } => &self.insufficient_scope,
        };
        counter.count();
    }

    /// How many there were for each reason.
    pub(in crate::app) fn read(&self) -> Vec<(&'static str, u64)> {
        let counters = [
            ("malformed", &self.malformed),
            ("unknown_key", &self.unknown_key),
            ("bad_signature", &self.bad_signature),
            ("expired", &self.expired),
            ("not_yet_valid", &self.not_yet_valid),
            ("wrong_issuer", &self.wrong_issuer),
            ("wrong_lifetime", &self.wrong_lifetime),
            ("revoked", &self.revoked),
            ("wrong_audience", &self.wrong_audience),
            ("insufficient_scope", &self.insufficient_scope),
        ];
        let read = counters.map(|(reason, counter)| (reason, counter.value()));
        read.into()
    }
}
