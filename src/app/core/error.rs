//! Owns the one error type of the use cases: a code and a sentence for the caller, and a cause for
//! the operator only. Knows the small errors of `domain`, `token` and `store`; no HTTP, so that the
//! command line prints the same error.

use std::borrow::Cow;
use std::fmt;

use crate::base::crypto::CryptoError;
use crate::base::redact::redact_string;
use crate::domain::{AccessDenied, Attempt, ClientId, ErrorCode, ParseError};
use crate::jwt::{DpopError, IssueError, KeyError, VerifyError};
use crate::store::StoreError;

/// An error that answers a caller. `description` is public, `cause` is private.
#[derive(Debug)]
pub struct Error {
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// What went wrong and what to mend, for people.
    pub description: Cow<'static, str>,
    /// The true reason, for the log only.
    pub cause: Option<anyhow::Error>,
    /// Seconds after which trying again makes sense.
    pub retry_after: Option<u32>,
    /// The scope that was required and is lacking (RFC 6750 §3).
    pub required_scope: Option<String>,
    /// The URL of the metadata of the resource that the token was to be for (RFC 9728 §5.1).
    pub resource_metadata: Option<Box<str>>,
    /// How the token that it is about has to be sent.
    pub scheme: TokenScheme,
    /// Who asked, where that is to be kept together with the true reason.
    pub attempt: Option<Box<Attempt>>,
    /// The client that it is about, for the log only.
    pub client_id: Option<Box<ClientId>>,
}

/// How a token is sent: what `WWW-Authenticate` asks for when one is no good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenScheme {
    /// RFC 6750.
    #[default]
    Bearer,
    /// RFC 9449 §7.
    Dpop,
}

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What serde says of what it cannot read, without the value that it names: it may be a secret.
pub(crate) fn explain(text: &str) -> String {
    for kind in ["invalid type", "invalid value"] {
        if text.starts_with(kind)
            && let Some((_, expected)) = text.rsplit_once(", expected ")
        {
            return shown(&format!("{kind}, expected {expected}"));
        }
    }
    shown(text)
}

/// Names that others wrote must not steer a terminal.
fn shown(text: &str) -> String {
    text.replace('\n', " ")
        .replace(char::is_control, "\u{fffd}")
}

impl Error {
    /// An error of this code, for the codes without a constructor of their own. A description that quotes the request is
    /// redacted: a caller may have sent a secret in the wrong field.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            description: match description.into() {
                Cow::Owned(text) => Cow::Owned(redact_string(text)),
                literal @ Cow::Borrowed(_) => literal,
            },
            cause: None,
            retry_after: None,
            required_scope: None,
            resource_metadata: None,
            scheme: TokenScheme::default(),
            attempt: None,
            client_id: None,
        }
    }

    /// Client authentication failed. One answer, whatever the reason: only the log learns it.
    pub fn invalid_client(reason: impl fmt::Display) -> Self {
        let description = "the client is unknown or its credentials are wrong";
        Self::invalid_authentication(description).with_source(anyhow::anyhow!("{reason}"))
    }

    /// A token is needed, and there is none.
    pub fn missing_token() -> Self {
        Self::new(ErrorCode::MissingToken, "there is no token in the request")
    }

    /// The token is good, but lacks `scope`.
    pub fn insufficient_scope(missing: &str, required: &str) -> Self {
        let description = format!("the token lacks the scope `{missing}`");
        Self {
            required_scope: Some(redact_string(required.to_owned())),
            ..Self::new(ErrorCode::InsufficientScope, description)
        }
    }

    /// The same about a token that is to be sent with a `DPoP` proof.
    #[must_use]
    pub fn with_scheme(mut self, scheme: TokenScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Says where the metadata of the resource is.
    #[must_use]
    pub fn with_resource_metadata(mut self, url: Option<String>) -> Self {
        self.resource_metadata = url.map(String::into_boxed_str);
        self
    }

    /// No such thing.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no {what}"))
    }

    /// Too many failed attempts.
    pub fn rate_limited(retry_after: u32) -> Self {
        let description = "too many failed attempts; wait before the next one";
        Self::new(ErrorCode::RateLimited, description).with_retry_after(retry_after)
    }

    /// The client has had all that it may have for now.
    pub fn over_quota(retry_after: u32) -> Self {
        Self::new(
            ErrorCode::RateLimited,
            "the client has used its quota of this hour; use a token until it expires before you request another",
        )
        .with_retry_after(retry_after)
    }

    /// Not now.
    pub fn temporarily_unavailable(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::TemporarilyUnavailable, description).with_retry_after(1)
    }

    /// The database cannot be asked.
    pub fn database_unavailable() -> Self {
        Self::temporarily_unavailable("the database does not answer; try again shortly")
    }

    /// Without the revocations no token can be judged.
    pub fn without_revocations() -> Self {
        Self::temporarily_unavailable(
            "the server has not read the revocations yet; try again shortly",
        )
    }

    /// Our fault; the caller learns no more than that.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        let description = "the server failed; its log has the cause";
        Self::new(ErrorCode::ServerError, description).with_source(cause)
    }

    /// Signing keys that cannot be used; the description names them, and is for the operator.
    pub fn unusable_keys(description: String) -> Self {
        Self::new(ErrorCode::ServerError, description)
    }

    /// Says after how many seconds trying again makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Says who was refused.
    #[must_use]
    pub fn with_attempt(mut self, attempt: Attempt) -> Self {
        self.attempt = Some(Box::new(attempt));
        self
    }

    /// Says which client it is about, for the log only.
    #[must_use]
    pub fn with_client(mut self, id: &ClientId) -> Self {
        self.client_id = Some(Box::new(id.clone()));
        self
    }

    /// Whether the caller was rejected: neither did the server fail, nor does it ask for the next step.
    pub fn is_rejection(&self) -> bool {
        !matches!(
            self.code,
            ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable | ErrorCode::UseDpopNonce
        )
    }

    /// No client has this id.
    pub fn unknown_client(id: &ClientId) -> Self {
        Self::not_found(format_args!("client `{id}`"))
    }

    /// The client is not as its caller expects.
    pub fn client_changed(id: &ClientId) -> Self {
        let description = format!("the client `{id}` has changed since; look at it again");
        Self::new(ErrorCode::PreconditionFailed, description)
    }

    /// The true reason where there is one, else the description; redacted. For the log only.
    pub fn reason(&self) -> String {
        match &self.cause {
            Some(cause) => redact_string(format!("{cause:#}")),
            None => self.description.to_string(),
        }
    }

    /// Adds the true reason, for the log only.
    #[must_use]
    pub fn with_source(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

/// A constructor for each of these codes.
macro_rules! constructors {
    ($($(#[$doc:meta])+ $name:ident: $code:ident,)+) => {
        impl Error {
            $($(#[$doc])+
            pub fn $name(description: impl Into<Cow<'static, str>>) -> Self {
                Self::new(ErrorCode::$code, description)
            })+
        }
    };
}

constructors! {
    /// A parameter is missing, repeated or malformed.
    invalid_request: InvalidRequest,
    /// Client authentication is missing, or wrong in itself, whoever sent it: this much may be told.
    invalid_authentication: InvalidClient,
    /// The scope exceeds what the client may ask for.
    invalid_scope: InvalidScope,
    /// The client may not do this.
    unauthorized_client: UnauthorizedClient,
    /// The audience is not among the client's.
    invalid_target: InvalidTarget,
    /// The token is no good.
    invalid_token: InvalidToken,
    /// The `DPoP` proof is missing or no good (RFC 9449 §5).
    invalid_dpop_proof: InvalidDpopProof,
    /// The `DPoP` proof needs the nonce that comes with the answer (RFC 9449 §8).
    use_dpop_nonce: UseDpopNonce,
    /// The thing exists already.
    conflict: Conflict,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(AsRef::as_ref)
    }
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::invalid_request(error.0)
    }
}

impl From<AccessDenied> for Error {
    fn from(denied: AccessDenied) -> Self {
        Self::new(ErrorCode::AccessDenied, denied.0)
    }
}

impl From<VerifyError> for Error {
    fn from(error: VerifyError) -> Self {
        Self::invalid_token(error.to_string())
    }
}

impl From<DpopError> for Error {
    fn from(error: DpopError) -> Self {
        Self::invalid_dpop_proof(error.to_string())
    }
}

impl From<CryptoError> for Error {
    fn from(cause: CryptoError) -> Self {
        Self::internal(cause)
    }
}

impl From<KeyError> for Error {
    fn from(cause: KeyError) -> Self {
        Self::internal(cause)
    }
}

impl From<IssueError> for Error {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::NoKey => {
                Self::temporarily_unavailable("there is no signing key yet; try again shortly")
                    .with_source(error)
            }
            IssueError::Signing(cause) => cause.into(),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::conflict("it exists already"),
            StoreError::Contradiction(why) => Self::conflict(why),
            StoreError::Denied(denied) => denied.into(),
            StoreError::Unavailable(cause) => Self::database_unavailable().with_source(cause),
            StoreError::Unreachable { .. } => Self::database_unavailable().with_source(error),
            StoreError::StalePlan(_) => {
                Self::temporarily_unavailable("a table of the database was changed; try again")
                    .with_source(error)
            }
            StoreError::Faulty(..) => Self::temporarily_unavailable(
                "the database cannot do this at the moment; try again shortly",
            )
            .with_source(error),
            StoreError::Database(cause) => Self::internal(cause),
            StoreError::Migration(cause) => Self::internal(cause),
            StoreError::MissingFile(_)
            | StoreError::PreRelease
            | StoreError::ChangedMigration(_)
            | StoreError::Corrupt(_)
            | StoreError::AuditTrail(_) => Self::internal(error),
        }
    }
}
