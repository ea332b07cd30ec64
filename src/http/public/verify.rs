//! `POST /verify`, `GET /verify` and `/verify/requiring/…`: token in, claims out. nginx `auth_request`, Traefik
//! ForwardAuth, Caddy `forward_auth` and Envoy `ext_authz` can call it directly. A requirement that the server does
//! not understand is refused: ignored, it would let a token pass that the caller meant to exclude.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::error::{Error, TokenScheme};
use crate::app::{RequestedClaims, TokenRequirements};
use crate::domain::{Audience, ClientId, Scope};
use crate::http::AppState;
use crate::http::openapi::{VerifyErrors, VerifyOriginalErrors};
use crate::http::public::claim_headers;
use crate::http::request::authorization;
use crate::http::request::authorization::{PresentedToken, TokenSource};
use crate::http::request::body::BodyParams;
use crate::http::request::params::Params;
use crate::http::request::proof_of_possession;
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::response;
use crate::http::response::WithLogContext;
use crate::http::response::error::{is_about_a_token, respond_simply};
use crate::jwt::{AccessTokenClaims, SignedClaims};

/// The requirements that the server understands. Any other parameter is refused.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
struct Requirements {
    /// Space-separated; the token must have all of them
    #[schema(nullable = false)]
    scope: Option<String>,
    /// Must be one of the token's audiences
    #[schema(nullable = false)]
    audience: Option<String>,
    /// Must be the client that acts for the subject: the outermost `act` of an exchanged token (RFC 8693)
    #[schema(nullable = false)]
    actor: Option<String>,
    /// Names of claims or of members of `metadata`, separated by commas: the token must have each, and each is answered as
    /// `X-Token-Claim-NAME`
    #[param(pattern = "^[a-z0-9_]{1,64}(,[a-z0-9_]{1,64})*$")]
    #[schema(nullable = false, pattern = "^[a-z0-9_]{1,64}(,[a-z0-9_]{1,64})*$")]
    claims: Option<String>,
    /// `true`: the answer has `X-Token-Metadata`
    #[param(pattern = "^true$")]
    #[schema(nullable = false, pattern = "^true$")]
    metadata: Option<String>,
}

/// The same, understood.
struct Required {
    of_token: TokenRequirements,
    claims: RequestedClaims,
}

/// A token that is not in the header, under one of its two names.
#[derive(ToSchema)]
struct TokenInBody {
    #[schema(nullable = false)]
    token: Option<String>,
    /// The token, under the name of RFC 6750 §2.2
    #[schema(nullable = false)]
    access_token: Option<String>,
}

/// The token, if it is not in the header; and requirements that are not in the query.
#[derive(ToSchema)]
#[schema(as = TokenToVerify)]
struct Form {
    #[serde(flatten)]
    token: TokenInBody,
    #[serde(flatten)]
    requirements: Requirements,
}

/// The claims of a valid token (RFC 9068 §2.2).
#[derive(Serialize, ToSchema)]
#[schema(as = Claims)]
struct Answer<'a> {
    success: bool,
    #[serde(flatten)]
    claims: &'a AccessTokenClaims<'a>,
}

/// Verifies a token and returns its claims. A GET is judged by its head alone; of a POST the body is read too.
#[utoipa::path(method(get, post), path = "", tag = "Verification",
    summary = "Verifies a token and returns its claims.",
    description = "Any parameter but the documented ones, a repeated one, an empty one and a second token are 400. Each \
                   claim in `claims` is a header `X-Token-Claim-NAME` of the answer, with hyphens for underscores: visible \
                   ASCII as it is, any other value as `b64:` and base64url. The token may also be the whole value of `Authorization`, without a scheme, unless it has `cnf`.",
    params(Requirements, ProofHeader),
    request_body(content(
        (Form = "application/x-www-form-urlencoded"),
        (Form = "application/json"),
    )),
    responses(
        (status = 200, description = "the token is valid", body = Answer, headers(
            ("x-token-client-id"), ("x-token-scope"),
            ("x-token-audience"),
            ("x-token-expires"),
            ("x-token-metadata"),
            ("x-token-subject"), ("x-token-actor"),
            ("dpop-nonce"),
        )),
        VerifyErrors,
    ),
    security(("access_token" = []), ("bound_access_token" = []), ()),
)]
pub(in crate::http) async fn verify(
    State(app): State<AppState>,
    request: Request,
) -> WithLogContext {
    let (parts, body) = request.into_parts();
    let answered = if parts.method == Method::POST {
        judge_with_body(&app, &parts, body).await
    } else {
        let required = Params::from_query(&parts.uri).and_then(requirements);
        judge_head(&app, &parts, required).await
    };
    answer(answered)
}

/// For Envoy: its `ext_authz` asks in the method of the caller's request, and appends that request's path and query
/// to a prefix. So the requirements are one segment of the path; query and body are the caller's, and never read.
#[utoipa::path(get, path = "", tag = "Verification",
    summary = "Verifies a token in any method, with the requirements in the path, for Envoy.",
    description = "The first segment is written like the query of `/verify`, with at least one requirement. The server \
                   reads neither the path behind it, nor query and body: they are the original caller's.",
    params(ProofHeader),
    responses(
        (status = 200, description = "the token is valid", body = Answer, headers(
            ("x-token-client-id"), ("x-token-scope"),
            ("x-token-audience"),
            ("x-token-expires"),
            ("x-token-metadata"),
            ("x-token-subject"), ("x-token-actor"),
            ("dpop-nonce"),
        )),
        VerifyOriginalErrors,
    ),
    security(("access_token" = []), ("bound_access_token" = []), ()),
)]
pub(in crate::http) async fn verify_original(
    State(app): State<AppState>,
    request: Request,
) -> WithLogContext {
    let (parts, _) = request.into_parts();
    let required = requirements_in_path(parts.uri.path());
    let answered = judge_head(&app, &parts, required).await;
    answer(answered)
}

/// Judges the token in the header. The body is not looked at.
async fn judge_head(
    app: &AppState,
    parts: &Parts,
    required: Result<Required, Error>,
) -> Result<WithLogContext, Error> {
    let required = required?;
    let token = authorization::token_or_bare(&parts.headers)?;
    judge(app, parts, token, &required).await
}

/// Judges the token in the header or in the body, by the requirements in the query and in the body.
async fn judge_with_body(
    app: &AppState,
    parts: &Parts,
    body: Body,
) -> Result<WithLogContext, Error> {
    let query = Params::from_query(&parts.uri)?;
    let in_header = authorization::token_or_bare(&parts.headers)?;
    let BodyParams(body) = BodyParams::read(&parts.headers, body, app).await?;
    let form = Form::read(query, body)?;
    let in_body = form.token.only()?;
    let required = form.requirements.parse()?;
    let token = match (in_header, in_body) {
        (Some(_), Some(_)) => return Err(second_token()),
        (Some(token), None) => Some(token),
        (None, in_body) => in_body.map(|text| PresentedToken {
            text,
            source: TokenSource::Body,
        }),
    };
    judge(app, parts, token, &required).await
}

async fn judge(
    app: &AppState,
    parts: &Parts,
    token: Option<PresentedToken<'_>>,
    required: &Required,
) -> Result<WithLogContext, Error> {
    let judged = match token {
        Some(token) => judge_token(app, parts, token, required).await,
        None => Err(Error::missing_token()),
    };
    match (judged, &required.of_token.audience) {
        // Whose token it should be is told who comes without a good one (RFC 9728 §5.1).
        (Err(error), Some(audience)) if is_about_a_token(&error) => {
            let url = Box::pin(app.tokens.find_resource_metadata(audience)).await;
            Err(error.with_resource_metadata(url))
        }
        (judged, _) => judged,
    }
}

async fn judge_token(
    app: &AppState,
    parts: &Parts,
    token: PresentedToken<'_>,
    required: &Required,
) -> Result<WithLogContext, Error> {
    let scheme = token.source.scheme().unwrap_or_default();
    let verified = app
        .tokens
        .verify_presented(token.text, &required.of_token)
        .await
        .map_err(|error| error.with_scheme(scheme))?;
    if verified.claims.cnf.is_some() || scheme == TokenScheme::Dpop {
        check_possession(app, parts, &token, &verified.claims)
            .await
            .map_err(|error| {
                error.with_scheme(proof_of_possession::scheme_of(&verified.claims, scheme))
            })?;
    }
    let headers = claim_headers::headers(app, &verified, &required.claims)
        .map_err(|error| error.with_scheme(scheme))?;
    app.usage.count_verified(&verified.claims.client_id);
    let mut answer = approve(&verified);
    for (name, value) in headers {
        answer.response.headers_mut().insert(name, value);
    }
    Ok(answer)
}

async fn check_possession(
    app: &AppState,
    parts: &Parts,
    token: &PresentedToken<'_>,
    claims: &AccessTokenClaims<'_>,
) -> Result<(), Error> {
    let scheme = token.source.scheme();
    if token.source == TokenSource::Bare {
        return Err(Error::invalid_token(
            "the token is sender-constrained: send it with the scheme Bearer or DPoP",
        ));
    }
    let proofs = proof_of_possession::of_token(app, parts, scheme == Some(TokenScheme::Bearer))?;
    proof_of_possession::require_proof(scheme, &proofs)?;
    app.tokens
        .check_possession(token.text, claims, &proofs)
        .await
}

fn answer(answered: Result<WithLogContext, Error>) -> WithLogContext {
    answered.unwrap_or_else(|error| respond_simply(error).into())
}

fn approve(verified: &SignedClaims) -> WithLogContext {
    let claims = &verified.claims;
    let mut response = response::json_bytes(StatusCode::OK, answer_json(&verified.json));
    claim_headers::identify(response.headers_mut(), claims);
    WithLogContext::about(&claims.client_id, response)
}

/// [`Answer`] with the claims as they were signed: what serde writes of it, in less time.
fn answer_json(claims: &str) -> String {
    let members = claims.strip_prefix('{').unwrap_or(claims);
    [r#"{"success":true,"#, members].concat()
}

impl Form {
    /// The body, and the requirements in the query with it.
    fn read(mut query: Params, mut body: Params) -> Result<Self, Error> {
        // Before the two are put together: in the query a token is an unknown parameter.
        let token = TokenInBody {
            token: body.take_nonempty("token")?,
            access_token: body.take_nonempty("access_token")?,
        };
        query.append(body)?;
        let requirements = Requirements::read(query)?;
        Ok(Self {
            token,
            requirements,
        })
    }
}

impl TokenInBody {
    /// The token, under the one or the other name.
    fn only(&self) -> Result<Option<&str>, Error> {
        match (&self.token, &self.access_token) {
            (Some(_), Some(_)) => Err(second_token()),
            (token, access_token) => Ok(token.as_deref().or(access_token.as_deref())),
        }
    }
}

impl Requirements {
    fn read(mut params: Params) -> Result<Self, Error> {
        let requirements = Self {
            scope: params.take_nonempty("scope")?,
            audience: params.take_nonempty("audience")?,
            claims: params.take_nonempty("claims")?,
            metadata: params.take_nonempty("metadata")?,
            actor: params.take_nonempty("actor")?,
        };
        params.refuse_others()?;
        Ok(requirements)
    }

    fn parse(&self) -> Result<Required, Error> {
        let (scope, audience) = (self.scope.as_deref(), self.audience.as_deref());
        Ok(Required {
            of_token: TokenRequirements {
                scope: scope.map(required_scope).transpose()?,
                audience: audience.map(Audience::parse).transpose()?,
                actor: self.actor.as_deref().map(ClientId::parse).transpose()?,
            },
            claims: claim_headers::parse(self.claims.as_deref(), self.metadata.as_deref())?,
        })
    }
}

/// RFC 6750 §2: a token is sent in one way.
fn second_token() -> Error {
    Error::invalid_request("the request has more than one token")
}

/// `/verify/requiring/{requirements}/…`: the one segment, written like a query. An empty one, or an empty part, is what
/// a variable that was never set leaves in a configuration.
fn requirements_in_path(path: &str) -> Result<Required, Error> {
    let segment = path.split('/').nth(3).unwrap_or_default();
    if segment.split('&').any(str::is_empty) {
        return Err(Error::invalid_request(
            "the path segment after /verify/requiring/ must contain requirements such as scope=VALUE and \
                audience=VALUE, joined by &",
        ));
    }
    requirements(Params::from_form(segment.as_bytes())?)
}

fn requirements(params: Params) -> Result<Required, Error> {
    Requirements::read(params)?.parse()
}

/// Spaces alone make an empty scope, which would require nothing.
fn required_scope(text: &str) -> Result<Scope, Error> {
    let scope = Scope::parse(text)?;
    if scope.is_empty() {
        return Err(Params::empty("scope"));
    }
    Ok(scope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json;

    #[test]
    fn claims_are_answered_as_serde_writes_them() {
        let signed = r#"{"iss":"https://a.example","sub":"a","aud":["x","y"],"client_id":"a","iat":1,"nbf":1,"exp":2,"jti":"00000000000000000000000000000000","scope":"read","gen":7,"metadata":{"a":1.50}}"#;
        let claims: AccessTokenClaims<'_> = json::from_str(signed).unwrap();
        let answer = Answer {
            success: true,
            claims: &claims,
        };

        let value = |text: &str| json::from_str::<serde_json::Value>(text).unwrap();
        let written = serde_json::to_string(&answer).unwrap();
        assert_eq!(value(&answer_json(signed)), value(&written));
    }
}
