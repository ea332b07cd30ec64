//! `POST /verify` and `GET /verify`: token in, claims out; as it stands a backend for nginx
//! `auth_request`, Traefik ForwardAuth, Caddy `forward_auth` and Envoy `ext_authz`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::TokenRequirements;
use crate::domain::{Audience, ErrorCode, Scope};
use crate::error::{Error, TokenScheme};
use crate::http::answer::{self, Noted};
use crate::http::error::SimpleError;
use crate::http::openapi::{VerifyErrors, VerifyOriginalErrors};
use crate::http::params::{BodyParams, Params};
use crate::http::sender::{self, ProofHeader};
use crate::http::token_request::OneOrMore;
use crate::http::{AppState, credentials};
use crate::token::{AccessTokenClaims, SignedClaims};

/// What the token has to be good for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what `Params` are read from, for the document")]
struct Requirements {
    /// Space-separated; all of it must have been granted
    scope: Option<String>,
    /// Must be among the token's
    audience: Option<String>,
}

/// The token, if it is not in the header.
#[derive(ToSchema)]
#[schema(as = TokenToVerify)]
#[expect(dead_code, reason = "what `Params` are read from, for the document")]
struct Form {
    token: Option<String>,
}

/// The claims of the token (RFC 9068 §2.2).
#[derive(Serialize, ToSchema)]
#[schema(as = Claims)]
struct Answer {
    success: bool,
    iss: String,
    sub: String,
    client_id: String,
    aud: OneOrMore,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    scope: String,
    /// The client's authorization metadata
    #[schema(value_type = Object)]
    metadata: (),
    /// What its sender has to show beside it; not there when it is bound to nothing
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cnf: Option<sender::Confirmation>,
}

/// Says whether a token is good, and what it says.
#[utoipa::path(method(get, post), path = "", tag = "Verification",
    params(Requirements, ProofHeader),
    request_body(content(
        (Form = "application/x-www-form-urlencoded"),
        (Form = "application/json"),
    )),
    responses(
        (status = 200, description = "the token is good", body = Answer, headers(
            ("cache-control" = String),
            ("x-token-client-id" = String), ("x-token-scope" = String),
            ("x-token-audience" = String, description = "several are separated by spaces"),
            ("x-token-expires" = i64, description = "seconds since 1970"),
            ("dpop-nonce" = String, description = "for the next DPoP proof, if there was one"),
        )),
        VerifyErrors,
    ),
    security(("access_token" = []), ("bound_access_token" = []), ()),
)]
pub(in crate::http) async fn verify(State(app): State<AppState>, request: Request) -> Noted {
    let (parts, body) = request.into_parts();
    let required = Params::from_query(&parts.uri).and_then(requirements);
    let answered = match (required, credentials::token(&parts.headers)) {
        (Ok(required), Ok(Some(token))) => judge(&app, &parts, token.into(), &required).await,
        (Ok(required), Ok(None)) => match token_in_body(&parts.headers, body, &app).await {
            Ok(text) => judge(&app, &parts, PresentedToken::in_body(&text), &required).await,
            Err(error) => Err(error),
        },
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    answer(&app, &parts, answered)
}

/// For Envoy, whose `ext_authz` asks in the method of the request it has before it, and appends that request's
/// path and query to a prefix. So the requirements are a segment of the path, and query and body, which
/// are the caller's, are not looked at.
#[utoipa::path(get, path = "", tag = "Verification",
    summary = "The same with the requirements in the path and in any method, for Envoy.",
    params(ProofHeader),
    responses(
        (status = 200, description = "the token is good", body = Answer, headers(
            ("cache-control" = String),
            ("x-token-client-id" = String), ("x-token-scope" = String),
            ("x-token-audience" = String, description = "several are separated by spaces"),
            ("x-token-expires" = i64, description = "seconds since 1970"),
            ("dpop-nonce" = String, description = "for the next DPoP proof, if there was one"),
        )),
        VerifyOriginalErrors,
    ),
    security(("access_token" = []), ("bound_access_token" = []), ()),
)]
pub(in crate::http) async fn verify_original(
    State(app): State<AppState>,
    request: Request,
) -> Noted {
    let (parts, _) = request.into_parts();
    let required = requirements_in_path(parts.uri.path());
    let answered = match (required, credentials::token(&parts.headers)) {
        (Ok(required), Ok(Some(token))) => judge(&app, &parts, token.into(), &required).await,
        (Ok(_), Ok(None)) => Err(missing_token()),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    answer(&app, &parts, answered)
}

/// A token, and how it was sent; in a body there is no scheme.
struct PresentedToken<'a> {
    text: &'a str,
    scheme: Option<TokenScheme>,
}

impl<'a> PresentedToken<'a> {
    fn in_body(text: &'a str) -> Self {
        Self { text, scheme: None }
    }
}

impl<'a> From<(TokenScheme, &'a str)> for PresentedToken<'a> {
    fn from((scheme, text): (TokenScheme, &'a str)) -> Self {
        Self {
            text,
            scheme: Some(scheme),
        }
    }
}

async fn judge(
    app: &AppState,
    parts: &Parts,
    token: PresentedToken<'_>,
    required: &TokenRequirements,
) -> Result<Noted, Error> {
    let scheme = token.scheme.unwrap_or_default();
    let verified = app
        .verify_presented_token(token.text, required)
        .await
        .map_err(|error| error.under(scheme))?;
    if verified.claims.cnf.is_some() || scheme == TokenScheme::Dpop {
        check_possession(app, parts, &token, &verified.claims)
            .await
            .map_err(|error| error.under(sender::scheme_of(&verified.claims, scheme)))?;
    }
    app.count_verified(&verified.claims.client_id);
    Ok(approve(&verified))
}

async fn check_possession(
    app: &AppState,
    parts: &Parts,
    token: &PresentedToken<'_>,
    claims: &AccessTokenClaims<'_>,
) -> Result<(), Error> {
    let as_bearer = token.scheme == Some(TokenScheme::Bearer);
    let shown = sender::of_token(app, parts, as_bearer)?;
    sender::require_proof(token.scheme, &shown)?;
    app.check_possession(token.text, claims, &shown).await
}

fn answer(app: &AppState, parts: &Parts, answered: Result<Noted, Error>) -> Noted {
    let mut noted =
        answered.unwrap_or_else(|error| SimpleError::from(error).into_response().into());
    sender::offer_nonce(app, sender::has_proof(&parts.headers), &mut noted.response);
    noted
}

fn approve(verified: &SignedClaims) -> Noted {
    let claims = &verified.claims;
    let mut response = answer::json_bytes(StatusCode::OK, answer_json(&verified.json));
    identify(response.headers_mut(), claims);
    Noted::about(&claims.client_id, response)
}

/// `"success": true`, and the claims beside it as they were signed.
fn answer_json(claims: &str) -> String {
    let members = claims.strip_prefix('{').unwrap_or(claims);
    [r#"{"success":true,"#, members].concat()
}

async fn token_in_body(headers: &HeaderMap, body: Body, app: &AppState) -> Result<String, Error> {
    let BodyParams(mut params) = BodyParams::read(headers, body, app).await?;
    params.take("token").ok_or_else(missing_token)
}

fn missing_token() -> Error {
    Error::new(ErrorCode::MissingToken, "there is no token in the request")
}

/// `/verify/requiring/{requirements}/…`: spelled as in a query. There a misspelled name requires nothing; here,
/// where no caller can have added any, it is an error.
fn requirements_in_path(path: &str) -> Result<TokenRequirements, Error> {
    let segment = path.split('/').nth(3).unwrap_or_default();
    let is_understood = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => ["scope", "audience"].contains(&name) && !value.is_empty(),
        None => false,
    };
    if !segment.split('&').all(is_understood) {
        return Err(Error::invalid_request(
            "what is required in the path is scope=… or audience=… or both",
        ));
    }
    requirements(Params::from_form(segment.as_bytes())?)
}

fn requirements(mut query: Params) -> Result<TokenRequirements, Error> {
    Ok(TokenRequirements {
        scope: query
            .take("scope")
            .map(|text| Scope::parse(&text))
            .transpose()?,
        audience: query
            .take("audience")
            .map(|text| Audience::parse(&text))
            .transpose()?,
    })
}

/// What a proxy hands on to the service behind it.
fn identify(headers: &mut HeaderMap, claims: &AccessTokenClaims<'_>) {
    const CLIENT_ID: HeaderName = HeaderName::from_static("x-token-client-id");
    const SCOPE: HeaderName = HeaderName::from_static("x-token-scope");
    const AUDIENCE: HeaderName = HeaderName::from_static("x-token-audience");
    const EXPIRES: HeaderName = HeaderName::from_static("x-token-expires");
    let audience = claims.aud.to_text();
    for (name, text) in [
        (CLIENT_ID, claims.client_id.as_str()),
        (SCOPE, claims.scope.as_str()),
        (AUDIENCE, &*audience),
    ] {
        // All three are printable ASCII by their types.
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
    headers.insert(EXPIRES, HeaderValue::from(claims.exp.0));
}
