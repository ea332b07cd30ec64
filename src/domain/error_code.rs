//! Owns the codes an error answer may carry: the RFCs' names, and a few of ours where no RFC has one.

use crate::domain::word_enum;

word_enum! {
    /// What went wrong, as the `error` member of an answer names it.
    pub enum ErrorCode, "an error code" {
        /// RFC 6749 §5.2: a parameter is missing, repeated or malformed.
        InvalidRequest = "invalid_request",
        /// RFC 6749 §5.2: client authentication failed.
        InvalidClient = "invalid_client",
        /// RFC 6749 §5.2: the scope is malformed or exceeds what the client may ask for.
        InvalidScope = "invalid_scope",
        /// RFC 6749 §5.2: the grant type is not one this server knows.
        UnsupportedGrantType = "unsupported_grant_type",
        /// RFC 6749 §5.2: the client may not do this, here to a token of another (RFC 7009 §2.1).
        UnauthorizedClient = "unauthorized_client",
        /// RFC 8707 §2: the audience is not among the client's.
        InvalidTarget = "invalid_target",
        /// RFC 6750 §3.1: the token is expired, malformed, revoked or not ours.
        InvalidToken = "invalid_token",
        /// RFC 6750 §3.1, for a request that brought no token: the answer carries no code at all there.
        // Its word is that of `InvalidToken`, which `parse` gives.
        MissingToken = "invalid_token",
        /// RFC 6750 §3.1: the token lacks a scope that was required.
        InsufficientScope = "insufficient_scope",
        /// RFC 9449 §5: the `DPoP` proof is missing or no good.
        InvalidDpopProof = "invalid_dpop_proof",
        /// RFC 9449 §8: the `DPoP` proof needs the nonce that comes with the answer.
        UseDpopNonce = "use_dpop_nonce",
        /// RFC 6749 §4.1.2.1: whoever asks may not do this.
        AccessDenied = "access_denied",
        /// No such path, or no such thing.
        NotFound = "not_found",
        /// The thing exists already, or was changed meanwhile.
        Conflict = "conflict",
        /// RFC 9110 §13.1.1: the thing is not as the change expects it.
        PreconditionFailed = "precondition_failed",
        /// RFC 6585 §3: the change does not say as what it expects the thing.
        PreconditionRequired = "precondition_required",
        /// The path does not take this method.
        MethodNotAllowed = "method_not_allowed",
        /// The answer cannot be given in the form that was asked for.
        NotAcceptable = "not_acceptable",
        /// The body did not arrive in time.
        RequestTimeout = "request_timeout",
        /// The body is too large.
        ContentTooLarge = "content_too_large",
        /// The content type is not one we read.
        UnsupportedMediaType = "unsupported_media_type",
        /// The request head is too large.
        HeaderFieldsTooLarge = "header_fields_too_large",
        /// Too many failed attempts.
        RateLimited = "rate_limited",
        /// RFC 6749 §4.1.2.1: overloaded, or the database does not answer.
        TemporarilyUnavailable = "temporarily_unavailable",
        /// RFC 6749 §4.1.2.1: our fault.
        ServerError = "server_error",
    }
}
