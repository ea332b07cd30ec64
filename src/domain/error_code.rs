//! Owns the codes an error answer may carry: the RFCs' names, and a few of ours where no RFC has one.

/// What went wrong, as the `error` member of an answer names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// RFC 6749 §5.2: a parameter is missing, repeated or malformed.
    InvalidRequest,
    /// RFC 6749 §5.2: client authentication failed.
    InvalidClient,
    /// RFC 6749 §5.2: the scope is malformed or exceeds what the client may ask for.
    InvalidScope,
    /// RFC 6749 §5.2: the grant type is not one this server knows.
    UnsupportedGrantType,
    /// RFC 6749 §5.2: the client may not do this, here to a token of another (RFC 7009 §2.1).
    UnauthorizedClient,
    /// RFC 8707 §2: the audience is not among the client's.
    InvalidTarget,
    /// RFC 6750 §3.1: the token is expired, malformed, revoked or not ours.
    InvalidToken,
    /// RFC 6750 §3.1, for a request that brought no token: the answer carries no code at all there.
    MissingToken,
    /// RFC 6750 §3.1: the token lacks a scope that was required.
    InsufficientScope,
    /// RFC 9449 §5: the `DPoP` proof is missing or no good.
    InvalidDpopProof,
    /// RFC 9449 §8: the `DPoP` proof needs the nonce that comes with the answer.
    UseDpopNonce,
    /// RFC 6749 §4.1.2.1: whoever asks may not do this.
    AccessDenied,
    /// No such path, or no such thing.
    NotFound,
    /// The thing exists already, or was changed meanwhile.
    Conflict,
    /// RFC 9110 §13.1.1: the thing is not as the change expects it.
    PreconditionFailed,
    /// RFC 6585 §3: the change does not say as what it expects the thing.
    PreconditionRequired,
    /// The path does not take this method.
    MethodNotAllowed,
    /// The answer cannot be given in the form that was asked for.
    NotAcceptable,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is too large.
    ContentTooLarge,
    /// The content type is not one we read.
    UnsupportedMediaType,
    /// The request head is too large.
    HeaderFieldsTooLarge,
    /// Too many failed attempts.
    RateLimited,
    /// RFC 6749 §4.1.2.1: overloaded, or the database does not answer.
    TemporarilyUnavailable,
    /// RFC 6749 §4.1.2.1: our fault. The last one, from which their number follows.
    ServerError,
}

impl ErrorCode {
    /// Every one, in the order of their numbers.
    pub const ALL: [Self; Self::ServerError as usize + 1] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidScope,
        Self::UnsupportedGrantType,
        Self::UnauthorizedClient,
        Self::InvalidTarget,
        Self::InvalidToken,
        Self::MissingToken,
        Self::InsufficientScope,
        Self::InvalidDpopProof,
        Self::UseDpopNonce,
        Self::AccessDenied,
        Self::NotFound,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::PreconditionRequired,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::RequestTimeout,
        Self::ContentTooLarge,
        Self::UnsupportedMediaType,
        Self::HeaderFieldsTooLarge,
        Self::RateLimited,
        Self::TemporarilyUnavailable,
        Self::ServerError,
    ];

    /// The text of the `error` member.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidToken | Self::MissingToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::AccessDenied => "access_denied",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition_failed",
            Self::PreconditionRequired => "precondition_required",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotAcceptable => "not_acceptable",
            Self::RequestTimeout => "request_timeout",
            Self::ContentTooLarge => "content_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::HeaderFieldsTooLarge => "header_fields_too_large",
            Self::RateLimited => "rate_limited",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stands_at_its_number() {
        for (number, code) in ErrorCode::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, number, "{code:?}");
        }
    }
}
