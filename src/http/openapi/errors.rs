//! Owns which errors each endpoint answers with, for the document. Status and headers follow from the code, as they do
//! when the error is answered.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
};

use crate::app::error::{Error, TokenScheme};
use crate::domain::ErrorCode;
use crate::http::response::error;

/// A code, and when it is answered.
type Case = (ErrorCode, &'static str);
type Responses = BTreeMap<String, RefOr<Response>>;

const ANY: &[Case] = &[
    (ErrorCode::ContentTooLarge, "the body is over `MAX_BODY`"),
    (
        ErrorCode::HeaderFieldsTooLarge,
        "the head is over `MAX_HEAD`",
    ),
    (ErrorCode::ServerError, "our fault; the log says why"),
];

const BUSY: &[Case] = &[(
    ErrorCode::TemporarilyUnavailable,
    "`MAX_REQUESTS` of this route are being answered already",
)];

const BODY: &[Case] = &[
    (
        ErrorCode::RequestTimeout,
        "the body did not arrive within `BODY_TIMEOUT`",
    ),
    (
        ErrorCode::UnsupportedMediaType,
        "a body that is neither JSON nor a form",
    ),
];

const PARAMETERS: Case = (
    ErrorCode::InvalidRequest,
    "a parameter is missing, repeated or malformed",
);

const REQUIREMENTS: Case = (
    ErrorCode::InvalidRequest,
    "a parameter is unknown, repeated, empty or malformed, or there is more than one token",
);

const CLIENT: &[Case] = &[
    PARAMETERS,
    (
        ErrorCode::InvalidClient,
        "no client authentication, or one that is wrong: unknown client, disabled client and wrong credentials answer the same",
    ),
    (
        ErrorCode::RateLimited,
        "too many failures from this source, or the client has had all its tokens of this hour",
    ),
    (
        ErrorCode::TemporarilyUnavailable,
        "the database does not answer, or too many logins wait",
    ),
];

const REQUEST: &[Case] = &[
    (
        ErrorCode::InvalidScope,
        "the scope is malformed or not among the client's",
    ),
    (
        ErrorCode::InvalidTarget,
        "`audience` or `resource` is malformed or not among the client's",
    ),
];

const PROOF: &[Case] = &[
    (
        ErrorCode::InvalidDpopProof,
        "the DPoP proof is missing, malformed, forged, old, used before, or of another request or key",
    ),
    (
        ErrorCode::UseDpopNonce,
        "the DPoP proof needs the nonce in `DPoP-Nonce`",
    ),
];

const TOKEN: &[Case] = &[
    REQUIREMENTS,
    (
        ErrorCode::InvalidToken,
        "no token; or expired, malformed, forged, revoked, from another issuer or for another audience",
    ),
    (
        ErrorCode::InsufficientScope,
        "the token lacks a required scope; `WWW-Authenticate` names all that is required",
    ),
    (
        ErrorCode::TemporarilyUnavailable,
        "the database does not answer, so that the proof of a DPoP-bound token cannot be used up",
    ),
];

/// Makes a type that stands for the errors of an endpoint.
macro_rules! errors {
    ($($name:ident: $shape:expr, $cases:expr;)*) => {$(
        pub(in crate::http) struct $name;

        impl IntoResponses for $name {
            fn responses() -> Responses {
                describe($shape, &$cases)
            }
        }
    )*};
}

const GRANT: &[Case] = &[(
    ErrorCode::UnsupportedGrantType,
    "`grant_type` is not `client_credentials`",
)];
const SIGNED: &[Case] = &[(
    ErrorCode::NotAcceptable,
    "a JWT was asked for and the server signs with HS256",
)];
const FOREIGN: &[Case] = &[(
    ErrorCode::UnauthorizedClient,
    "the token was issued to another client; it stays good",
)];
const ISSUER: &[Case] = &[(
    ErrorCode::NotFound,
    "the path behind it is not the issuer's",
)];
const NO_CLIENTS: &[Case] = &[(
    ErrorCode::TemporarilyUnavailable,
    "no client can be served: the database has not answered for `STALE_LIMIT`, or the start is not over",
)];

const ADMIN: &[Case] = &[
    PARAMETERS,
    (
        ErrorCode::InvalidToken,
        "no token; or one that is no good, is for another audience than this server's `ISSUER`, or came without what it \
         is bound to",
    ),
    (
        ErrorCode::InsufficientScope,
        "the token lacks the scope; `WWW-Authenticate` names it",
    ),
    (
        ErrorCode::TemporarilyUnavailable,
        "the database does not answer",
    ),
];
const ONE: &[Case] = &[(ErrorCode::NotFound, "there is no such thing")];
const CHANGE: &[Case] = &[
    (
        ErrorCode::AccessDenied,
        "it gives a client a reserved scope (`admin:…`, `token:introspect`, `revocations:read`), or concerns a client that \
         has one: only an owner at the portal, or the command line, can do that",
    ),
    (
        ErrorCode::Conflict,
        "there is one already, there are too many, somebody else was quicker, or the `Idempotency-Key` was used for \
         another request",
    ),
];
const VERSION: &[Case] = &[
    (
        ErrorCode::PreconditionFailed,
        "it is not as `If-Match` says: look at it again",
    ),
    (ErrorCode::PreconditionRequired, "there is no `If-Match`"),
];

errors! {
    AdminListErrors: Shape::Resource, [ANY, BUSY, ADMIN, PROOF];
    AdminItemErrors: Shape::Resource, [ANY, BUSY, ADMIN, PROOF, ONE];
    AdminCreateErrors: Shape::Resource, [ANY, BUSY, BODY, ADMIN, PROOF, CHANGE];
    AdminActionErrors: Shape::Resource, [ANY, BUSY, BODY, ADMIN, PROOF, ONE, CHANGE];
    AdminChangeErrors: Shape::Resource, [ANY, BUSY, BODY, ADMIN, PROOF, ONE, CHANGE, VERSION];
    AdminRemoveErrors: Shape::Resource, [ANY, BUSY, ADMIN, PROOF, ONE, CHANGE];
    AdminDeleteErrors: Shape::Resource, [ANY, BUSY, ADMIN, PROOF, ONE, CHANGE, VERSION];
    AnyErrors: Shape::Standard, [ANY, BUSY];
    HealthErrors: Shape::Standard, [ANY];
    ReadinessErrors: Shape::Standard, [ANY, NO_CLIENTS];
    MetadataErrors: Shape::Standard, [ANY, BUSY, ISSUER];
    TokenErrors: Shape::Standard, [ANY, BUSY, BODY, CLIENT, REQUEST, GRANT, PROOF];
    IntrospectErrors: Shape::Standard, [ANY, BUSY, BODY, CLIENT, SIGNED];
    RevokeErrors: Shape::Standard, [ANY, BUSY, BODY, CLIENT, FOREIGN];
    AuthorizeErrors: Shape::Simple, [ANY, BUSY, BODY, CLIENT, REQUEST, PROOF];
    VerifyErrors: Shape::Verification, [ANY, BUSY, BODY, TOKEN, PROOF];
    VerifyOriginalErrors: Shape::Verification, [ANY, BUSY, TOKEN, PROOF];
}

/// How an endpoint's own errors are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Standard,
    /// The same, of a token's resource: the `DPoP` proof is a token's.
    Resource,
    /// With `"success": false`.
    Simple,
    /// The same, and the `DPoP` proof it judges is a token's (RFC 9449 §7.1) rather than a client's (§5).
    Verification,
}

impl Shape {
    fn example(self, code: ErrorCode) -> Error {
        let scheme = match self {
            Self::Standard | Self::Simple => TokenScheme::Bearer,
            Self::Resource | Self::Verification => TokenScheme::Dpop,
        };
        Error::new(code, "").under(scheme)
    }
}

fn describe(shape: Shape, lists: &[&[Case]]) -> Responses {
    let mut by_status: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in lists.iter().copied().flatten() {
        let status = error::status(&shape.example(case.0)).as_str().to_owned();
        by_status.entry(status).or_default().push(*case);
    }
    by_status
        .into_iter()
        .map(|(status, cases)| (status, RefOr::T(response(shape, &cases))))
        .collect()
}

fn response(shape: Shape, cases: &[Case]) -> Response {
    let (first, _) = cases[0];
    // What is refused before an endpoint is reached has the standard's shape at all of them.
    let is_own = !ANY
        .iter()
        .chain(BUSY)
        .chain(BODY)
        .any(|(code, _)| *code == first);
    let lines: Vec<String> = cases
        .iter()
        .map(|(code, when)| format!("`{}`: {when}", code.as_str()))
        .collect();
    let content = ContentBuilder::new()
        .schema(Some(body(
            cases,
            is_own && matches!(shape, Shape::Simple | Shape::Verification),
        )))
        .build();
    let mut response = ResponseBuilder::new()
        .description(lines.join("\n\n"))
        .header("cache-control", header("`no-store`"))
        .content("application/json", content);
    if error::has_challenge(&shape.example(first)) {
        response = response.header(
            "www-authenticate",
            header("RFC 6749 §5.2 for a client, RFC 6750 §3 or RFC 9449 §7.1 for a token"),
        );
    }
    if cases.contains(&PROOF[0]) {
        response = response.header(
            "dpop-nonce",
            header("for the next DPoP proof, if there was one"),
        );
    }
    if matches!(
        first,
        ErrorCode::RateLimited | ErrorCode::TemporarilyUnavailable
    ) {
        response = response.header("retry-after", header("seconds"));
    }
    response.build()
}

fn header(description: &str) -> utoipa::openapi::Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(description))
        .build()
}

/// The common shape, with the codes that may be in it.
fn body(cases: &[Case], with_success: bool) -> Schema {
    let mut codes: Vec<&str> = cases.iter().map(|(code, _)| code.as_str()).collect();
    codes.dedup();
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(codes));
    let mut narrower = ObjectBuilder::new().property("error", code);
    if with_success {
        narrower = narrower.required("success");
    }
    AllOfBuilder::new()
        .item(Ref::from_schema_name("Error"))
        .item(narrower)
        .build()
        .into()
}
