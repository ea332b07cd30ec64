//! `POST /introspect` (RFC 7662): a microservice that has proved itself, or sends a token of its own, asks about a token.
//! The answer is JSON, or a JWT when it asks for one (RFC 9701).

use std::borrow::Cow;

use axum::extract::{Request, State};
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::app::AuthenticatedClient;
use crate::app::error::{Error, TokenScheme};
use crate::domain::{Attempt, ErrorCode};
use crate::http::AppState;
use crate::http::openapi::IntrospectErrors;
use crate::http::public::client_form::{Form, require_token};
use crate::http::request::body::BodyParams;
use crate::http::request::caller::Caller;
use crate::http::request::client_authentication::find_client_authentication;
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::request::{authorization, proof_of_possession};
use crate::http::response;
use crate::http::response::WithLogContext;
use crate::jwt::AccessTokenClaims;

const ENDPOINT: &str = "/introspect";

const JWT: &str = "application/token-introspection+jwt";

/// RFC 7662 §2.2. An inactive token is `{"active":false}` and nothing else, whatever is wrong with it.
#[derive(Serialize)]
struct Answer<'a> {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'a str>,
    #[serde(flatten)]
    claims: Option<&'a AccessTokenClaims<'a>>,
}

/// The claims, of which none has to be there, and the members beside them.
impl PartialSchema for Answer<'_> {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut answer)) = AccessTokenClaims::schema() else {
            unreachable!("claims are an object")
        };
        answer.description =
            Some("Whether a token is active, and its claims only if it is".to_owned());
        answer.required = vec!["active".to_owned()];
        let own = [("active", bool::schema()), ("token_type", String::schema())];
        let own = own.map(|(name, schema)| (name.to_owned(), schema));
        answer.properties.extend(own);
        answer.into()
    }
}

impl ToSchema for Answer<'_> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Introspection")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        AccessTokenClaims::schemas(schemas);
    }
}

/// Returns the claims of a token to an authenticated client.
#[utoipa::path(post, path = "", tag = "Verification",
    request_body(content(
        (Form = "application/x-www-form-urlencoded"),
        (Form = "application/json"),
    )),
    params(
        ProofHeader,
        ("accept" = Option<String>, Header,
            description = "`application/token-introspection+jwt` for a signed answer (RFC 9701)"),
    ),
    responses(
        (status = 200, description = "whether it is active, and its claims", headers(
            ("dpop-nonce"),
        ), content(
            (Answer = "application/json"),
            (String = "application/token-introspection+jwt"),
        )),
        IntrospectErrors,
    ),
    security(
        ("client_secret_basic" = []), ("tls_client_auth" = []), ("self_signed_tls_client_auth" = []),
        ("access_token" = []), ("bound_access_token" = []), (),
    ),
)]
pub(in crate::http) async fn introspect_token(
    State(app): State<AppState>,
    request: Request,
) -> Result<WithLogContext, Error> {
    let (parts, body) = request.into_parts();
    let BodyParams(params) = BodyParams::read(&parts.headers, body, &app).await?;
    let peer = Caller::of(&parts, &app.config().proxies)?;
    let (source, form) = (peer.source, Form::from(params));
    let (caller, token) = match authorization::token(&parts.headers)? {
        Some(sent) => authorize(&app, &parts, peer, sent, form).await?,
        None => {
            let asked = form.authenticate(&app, peer, &parts.headers, ENDPOINT);
            asked.await?
        }
    };

    let introspected = app.tokens.introspect(&caller, &token).await?;

    let claims = introspected.as_ref().ok().map(|signed| &signed.claims);
    let answer = Answer {
        active: claims.is_some(),
        token_type: claims.map(AccessTokenClaims::token_type),
        claims,
    };
    let response = if wants_jwt(&parts.headers) {
        response::secret(
            StatusCode::OK,
            JWT,
            app.tokens
                .sign_introspection(&caller, &answer, source)
                .await?,
        )
    } else {
        response::json(StatusCode::OK, &answer)
    };
    // What is wrong with a token is the token's matter; that the caller may not see it is the caller's, and is kept.
    let error = introspected.err().map(|error| {
        if error.code == ErrorCode::UnauthorizedClient {
            return error.with_attempt(Attempt::of_client(&caller.client_id, source));
        }
        error
    });
    Ok(WithLogContext::about(&caller.client_id, response).without_saying(error))
}

/// The client whose token came with the request in place of a client authentication, and the token that it asks about.
async fn authorize(
    app: &AppState,
    parts: &Parts,
    peer: Caller,
    sent: (TokenScheme, &str),
    form: Form,
) -> Result<(AuthenticatedClient, String), Error> {
    let (source, (scheme, own)) = (peer.source, sent);
    let named = form.client.client_id().map(str::to_owned);
    let beside = find_client_authentication(&parts.headers, form.client, peer, ENDPOINT)?;
    if beside.is_some() {
        return Err(Error::invalid_request(
            "the request has a token in Authorization and a client authentication: send only one",
        ));
    }
    let verified = app.tokens.verify_introspector(own).await;
    let verified = verified.map_err(|error| error.with_scheme(scheme))?;
    let claims = &verified.claims;
    proof_of_possession::check_here(app, parts, sent, claims).await?;
    if named.is_some_and(|id| id != claims.client_id.as_str()) {
        return Err(Error::invalid_request(
            "the token in Authorization and the body name different clients",
        ));
    }
    let caller = app
        .authentication
        .authenticate_by_token(claims, source)
        .await
        .map_err(|error| error.with_scheme(proof_of_possession::scheme_of(claims, scheme)))?;
    Ok((caller, require_token(form.token)?))
}

/// Whether a JWT is preferred to JSON (RFC 9110 §12.5.1). Only its full name counts: `*/*` means JSON.
fn wants_jwt(headers: &HeaderMap) -> bool {
    let (mut jwt, mut json) = (0, 0);
    let values = headers.get_all(ACCEPT).iter();
    for range in values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts
            .find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")))
            .map_or(1_000, thousandths);
        match name.as_str() {
            JWT => jwt = jwt.max(quality),
            "application/json" => json = json.max(quality),
            _ => {}
        }
    }
    jwt > 0 && jwt >= json
}

/// `0` to `1` with up to three decimals; 0, which is "not at all", for what is no such number.
fn thousandths(text: &str) -> u16 {
    let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    match (whole, decimals.len()) {
        ("1", _) => 1_000,
        ("0", 1..=3) => format!("{decimals:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn wants(accept: &[&str]) -> bool {
        let values = accept
            .iter()
            .map(|text| HeaderValue::from_str(text).unwrap());
        wants_jwt(&values.map(|value| (ACCEPT, value)).collect())
    }

    #[test]
    fn a_jwt_is_given_to_who_names_it_and_does_not_prefer_json() {
        for accept in [
            &[JWT][..],
            &["Application/Token-Introspection+JWT; q=0.1"],
            &["text/html, application/token-introspection+jwt"],
            &["application/token-introspection+jwt, application/json;q=0.9"],
            &["application/json;q=0.5", JWT],
        ] {
            assert!(wants(accept), "{accept:?}");
        }
        for accept in [
            &[][..],
            &["*/*"],
            &["application/*"],
            &["application/json"],
            &["application/jwt"],
            &["application/token-introspection+jwt;q=0"],
            &["application/token-introspection+jwt;q=0.000"],
            &["application/token-introspection+jwt;q=x"],
            &["application/token-introspection+jwt;q=0.5, application/json;q=0.501"],
        ] {
            assert!(!wants(accept), "{accept:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_accept_never_panics(bytes in any::<Vec<u8>>(), text in "[a-z*/+;=q0-9., ]{0,40}") {
            for bytes in [bytes.as_slice(), format!("{JWT};q={text}").as_bytes()] {
                if let Ok(value) = HeaderValue::from_bytes(bytes) {
                    wants_jwt(&HeaderMap::from_iter([(ACCEPT, value)]));
                }
            }
        }
    }
}
