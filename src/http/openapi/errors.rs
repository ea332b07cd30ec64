//! Owns the error responses of the document: which errors an operation answers with, and how they are put together
//! into responses that operations share. Status and headers follow from the code, as they do when the error is answered.

use std::collections::BTreeMap;

use axum::http::header::IF_MATCH;
use utoipa::IntoResponses;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Header, Ref, RefOr, Response, ResponseBuilder, Schema};

use crate::app::error::{Error, TokenScheme};
use crate::domain::ErrorCode;
use crate::http::response::error;

/// A code, and when it is answered.
type Case = (ErrorCode, &'static str);
type Responses = BTreeMap<String, RefOr<Response>>;

/// Errors that belong together. The name of a response that has these alone begins with the first text; it is empty for
/// what is refused before an endpoint is reached.
struct Cases(&'static str, &'static [Case]);

/// Makes lists of errors.
macro_rules! cases {
    ($($name:ident $prefix:literal { $($code:ident: $when:literal;)* })*) => {
        $(const $name: Cases = Cases($prefix, &[$((ErrorCode::$code, $when)),*]);)*
    };
}

cases! {
    ANY "" {
        ContentTooLarge: "the body is over `MAX_BODY`";
        HeaderFieldsTooLarge: "the head is over `MAX_HEAD`";
        ServerError: "an internal error; the log has the cause";
    }

    BUSY "" {
        TemporarilyUnavailable: "`MAX_REQUESTS` requests of this route are in flight";
    }

    BODY "" {
        RequestTimeout: "the body did not arrive within `BODY_TIMEOUT`";
        UnsupportedMediaType: "a body that is neither JSON nor a form";
    }

    CLIENT "Client" {
        InvalidRequest: "a parameter is missing, repeated or malformed";
        InvalidClient: "no client authentication, or one that is wrong: unknown client, disabled client and wrong \
            credentials answer the same";
        RateLimited: "too many failures from this source, or the client has used its quota of this hour";
        TemporarilyUnavailable: "the database does not answer, or too many logins wait";
    }

    REQUEST "Request" {
        InvalidScope: "the scope is malformed or not one of the client's";
        InvalidTarget: "`audience` or `resource` is malformed or not one of the client's";
        InvalidDpopProof: "the DPoP proof is missing, malformed, forged, old, used before, or of another request or key";
        UseDpopNonce: "the DPoP proof needs the nonce in `DPoP-Nonce`";
    }

    TOKEN "Verify" {
        InvalidRequest: "a parameter is unknown, repeated, empty or malformed, or there is more than one token";
        InvalidToken: "no token; or one that is expired, malformed, forged, revoked, from another issuer or for \
            another audience";
        InvalidDpopProof: "the DPoP proof is missing, malformed, forged, old, used before, or of another request or key";
        UseDpopNonce: "the DPoP proof needs the nonce in `DPoP-Nonce`";
        InsufficientScope: "the token lacks a required scope (`WWW-Authenticate` names all of them) or a requested \
            claim, or the requested claims are larger than `MAX_CLAIM_HEADERS`";
        TemporarilyUnavailable: "the database does not answer, so the server cannot record the use of a DPoP proof";
    }

    GRANT "Grant" {
        UnsupportedGrantType: "`grant_type` is not `client_credentials`";
    }

    CALLER "Introspect" {
        InvalidToken: "the caller's own token, in place of its authentication, is invalid or not for `ISSUER`, or came without \
            what it is bound to";
        InvalidDpopProof: "the DPoP proof is missing, malformed, forged, old, used before, or of another request or key";
        UseDpopNonce: "the DPoP proof needs the nonce in `DPoP-Nonce`";
        InsufficientScope: "the caller's own token lacks the scope `token:introspect`";
    }

    SIGNED "Introspect" {
        NotAcceptable: "the caller asked for a JWT, and the server signs with HS256";
    }

    FOREIGN "Foreign" {
        UnauthorizedClient: "the token was issued to another client; it stays valid";
    }

    ISSUER "Issuer" {
        NotFound: "the path behind it is not the issuer's; of `openid-configuration` also: the server signs with HS256";
    }

    NO_CLIENTS "Readiness" {
        TemporarilyUnavailable: "the server cannot serve clients: the database has not answered for `STALE_LIMIT`, or \
            the server is still starting";
    }

    ADMIN "Admin" {
        InvalidRequest: "a parameter is missing, repeated or malformed";
        InvalidToken: "no token; or one that is invalid, is for another audience than this server's `ISSUER`, or came \
            without what it is bound to";
        InvalidDpopProof: "the DPoP proof is missing, malformed, forged, old, used before, or of another request or key";
        UseDpopNonce: "the DPoP proof needs the nonce in `DPoP-Nonce`";
        InsufficientScope: "the token lacks the scope; `WWW-Authenticate` names it";
        TemporarilyUnavailable: "the database does not answer";
    }

    ONE "" {
        NotFound: "it does not exist";
    }

    CHANGE "AdminChange" {
        AccessDenied: "it gives a client a reserved scope (`admin:…`, `token:introspect`, `revocations:read`), \
            changes a client's identifiers, or concerns a client with a reserved scope: only an owner at the portal \
            or the command line can do that";
        Conflict: "it exists already, there are too many, somebody changed it meanwhile, or the `Idempotency-Key` was \
            used for another request";
    }

    VERSION "" {
        PreconditionFailed: "it does not match `If-Match`: read it again";
        PreconditionRequired: "`If-Match` is missing";
    }
}

/// Makes a type that stands for the errors of an endpoint.
macro_rules! errors {
    ($($name:ident: $prefix:literal $shape:expr, $cases:expr;)*) => {$(
        pub(in crate::http) struct $name;

        impl IntoResponses for $name {
            fn responses() -> Responses {
                describe($prefix, $shape, &$cases)
            }
        }
    )*};
}

errors! {
    AnyErrors: "" Shape::Standard, [ANY, BUSY];
    HealthErrors: "" Shape::Standard, [ANY];
    ReadinessErrors: "" Shape::Standard, [ANY, NO_CLIENTS];
    MetadataErrors: "" Shape::Standard, [ANY, BUSY, ISSUER];
    TokenErrors: "Token" Shape::Standard, [ANY, BUSY, BODY, CLIENT, REQUEST, GRANT];
    IntrospectErrors: "Introspect" Shape::Resource, [ANY, BUSY, BODY, CLIENT, CALLER, SIGNED];
    RevokeErrors: "Revoke" Shape::Standard, [ANY, BUSY, BODY, CLIENT, FOREIGN];
    AuthorizeErrors: "Authorize" Shape::Simple, [ANY, BUSY, BODY, CLIENT, REQUEST];
    VerifyErrors: "Verify" Shape::Verification, [ANY, BUSY, BODY, TOKEN];
    VerifyOriginalErrors: "Verify" Shape::Verification, [ANY, BUSY, TOKEN];
    NotFoundError: "" Shape::Resource, [ONE];
}

/// The errors of an operation of the admin API, which follow from what it takes.
pub(in crate::http) fn of_admin_operation(
    operation: &Operation,
    path: &str,
    writes: bool,
) -> Responses {
    let mut cases = vec![ANY, BUSY, ADMIN];
    if operation.request_body.is_some() {
        cases.push(BODY);
    }
    if path.contains('{') {
        cases.push(ONE);
    }
    if writes {
        cases.push(CHANGE);
    }
    let mut parameters = operation.parameters.iter().flatten();
    if parameters.any(|it| matches!(it, RefOr::T(it) if it.name == IF_MATCH.as_str())) {
        cases.push(VERSION);
    }
    describe("AdminChange", Shape::Resource, &cases)
}

/// How an endpoint's own errors are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Standard,
    /// At a resource of a token: the `DPoP` proof is the token's (RFC 9449 §7.1) and not a client's (§5).
    Resource,
    /// With `"success": false`.
    Simple,
    /// A resource, with `"success": false`.
    Verification,
}

impl Shape {
    fn example(self, code: ErrorCode) -> Error {
        let scheme = match self {
            Self::Standard | Self::Simple => TokenScheme::Bearer,
            Self::Resource | Self::Verification => TokenScheme::Dpop,
        };
        Error::new(code, "").with_scheme(scheme)
    }

    fn has_success(self) -> bool {
        matches!(self, Self::Simple | Self::Verification)
    }
}

/// The responses to errors, by status. Each has its name in `summary`, which OpenAPI 3.1 does not know: the response
/// goes to the components under this name.
fn describe(prefix: &str, shape: Shape, lists: &[Cases]) -> Responses {
    let mut by_status: BTreeMap<_, (Vec<&str>, Vec<Case>)> = BTreeMap::new();
    for Cases(name, cases) in lists {
        for case in *cases {
            let status = error::status(&shape.example(case.0));
            let (names, found) = by_status.entry(status).or_default();
            names.push(name);
            found.push(*case);
        }
    }
    let responses = by_status.into_iter().map(|(status, (mut names, cases))| {
        // What is refused before an endpoint is reached has the standard's shape at all of them.
        let is_own = !names.contains(&"");
        let has_success = is_own && shape.has_success();
        names.retain(|name| !name.is_empty());
        names.dedup();
        let prefix = match names.as_slice() {
            [] => "",
            [name] if !has_success => name,
            _ => prefix,
        };
        let reason = status.canonical_reason().unwrap_or_default();
        let name = format!("{prefix}{}", reason.replace(' ', ""));
        let response = response(shape, &cases, has_success).summary(Some(name));
        (status.as_str().to_owned(), RefOr::T(response.build()))
    });
    responses.collect()
}

fn response(shape: Shape, cases: &[Case], has_success: bool) -> ResponseBuilder {
    let (first, _) = cases[0];
    let lines: Vec<String> = cases
        .iter()
        .map(|(code, when)| format!("`{}`: {when}", code.as_str()))
        .collect();
    let content = ContentBuilder::new().schema(Some(body(cases, has_success)));
    let mut response = ResponseBuilder::new()
        .description(lines.join("\n\n"))
        .content("application/json", content.build());
    if error::challenge(&shape.example(first)).is_some() {
        response = response.header("www-authenticate", Header::default());
    }
    if cases
        .iter()
        .any(|case| case.0 == ErrorCode::InvalidDpopProof)
    {
        response = response.header("dpop-nonce", Header::default());
    }
    if matches!(
        first,
        ErrorCode::RateLimited | ErrorCode::TemporarilyUnavailable
    ) {
        response = response.header("retry-after", Header::default());
    }
    response
}

/// The common shape, with the codes that may be in it.
fn body(cases: &[Case], has_success: bool) -> Schema {
    let mut codes: Vec<&str> = cases.iter().map(|(code, _)| code.as_str()).collect();
    codes.dedup();
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(codes));
    let mut narrower = ObjectBuilder::new().property("error", code);
    if has_success {
        narrower = narrower.required("success");
    }
    AllOfBuilder::new()
        .item(Ref::from_schema_name("Error"))
        .item(narrower)
        .build()
        .into()
}
