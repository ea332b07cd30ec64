//! Why a token is rejected, and how often each reason came up.

use crate::app::error::Error;
use crate::base::metrics::Counter;
use crate::jwt::VerifyError;

/// Why a token is not good for what it is shown for.
pub(in crate::app) enum Rejection {
    Unfit(VerifyError),
    Revoked,
    WrongAudience,
    InsufficientScope { missing: String, required: String },
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
            Rejection::Revoked => Self::invalid_token("the token is revoked"),
            Rejection::WrongAudience => Self::invalid_token("the token is for another audience"),
            Rejection::InsufficientScope { missing, required } => {
                Self::insufficient_scope(&missing, &required)
            }
        }
    }
}

/// How many tokens were rejected, by reason.
#[derive(Debug, Default)]
pub(in crate::app) struct Rejections {
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

impl Rejections {
    pub(in crate::app) fn count(&self, rejection: &Rejection) {
        let counter = match rejection {
            Rejection::Unfit(VerifyError::Malformed) => &self.malformed,
            Rejection::Unfit(VerifyError::UnknownKey) => &self.unknown_key,
            Rejection::Unfit(VerifyError::BadSignature) => &self.bad_signature,
            Rejection::Unfit(VerifyError::Expired) => &self.expired,
            Rejection::Unfit(VerifyError::NotYetValid) => &self.not_yet_valid,
            Rejection::Unfit(VerifyError::WrongIssuer) => &self.wrong_issuer,
            Rejection::Unfit(VerifyError::WrongLifetime) => &self.wrong_lifetime,
            Rejection::Revoked => &self.revoked,
            Rejection::WrongAudience => &self.wrong_audience,
            Rejection::InsufficientScope { .. } => &self.insufficient_scope,
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
