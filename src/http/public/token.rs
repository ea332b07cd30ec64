//! `POST /token` (RFC 6749 §4.4): client credentials in, access token out, for every OAuth library.

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::PRAGMA;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::{Error, Result};
use crate::base::json_writer::JsonObject;
use crate::domain::{ErrorCode, Scope};
use crate::http::AppState;
use crate::http::openapi::TokenErrors;
use crate::http::public::issue::TokenEndpoint;
use crate::http::request::client_authentication::{
    ClientAuthenticationForm, client_authentication,
};
use crate::http::request::params::Params;
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::request::token_request::TokenRequestForm;
use crate::http::response::{ROOM_BESIDE_JWT, WithLogContext};
use crate::jwt::AccessToken;

/// RFC 6749 §4.4.2.
#[derive(ToSchema)]
#[schema(as = TokenRequest)]
struct Form {
    #[schema(value_type = String, pattern = "^client_credentials$", example = "client_credentials")]
    grant_type: Option<String>,
    #[serde(flatten)]
    request: TokenRequestForm,
    #[serde(flatten)]
    client: ClientAuthenticationForm,
}

impl From<Params> for Form {
    fn from(mut params: Params) -> Self {
        Self {
            grant_type: params.take("grant_type"),
            request: TokenRequestForm::take(&mut params),
            client: ClientAuthenticationForm::take(&mut params),
        }
    }
}

/// RFC 6749 §5.1.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct Answer<'a> {
    /// `Bearer`, or `DPoP` for a token bound to the key of a proof
    token_type: &'a str,
    /// Seconds
    expires_in: i64,
    /// What was granted, space-separated
    #[schema(value_type = String)]
    scope: &'a Scope,
    /// A JWT (RFC 9068)
    access_token: &'a str,
}

impl<'a> Answer<'a> {
    fn of(token: &'a AccessToken<'_>) -> Self {
        Self {
            token_type: token.token_type,
            expires_in: token.expires_in,
            scope: &token.scope,
            access_token: &token.jwt,
        }
    }

    /// As serde writes it, in less time.
    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = JsonObject::with_capacity(ROOM_BESIDE_JWT + self.access_token.len());
        json.text("token_type", self.token_type)?;
        json.member("expires_in", &self.expires_in)?;
        json.text("scope", self.scope.as_str())?;
        json.plain("access_token", self.access_token);
        Ok(json.end())
    }
}

/// Gives a client a token, as every OAuth library expects it (RFC 6749 §4.4).
#[utoipa::path(post, path = "", tag = "Clients",
    request_body(content(
        (Form = "application/x-www-form-urlencoded"),
        (Form = "application/json"),
    )),
    params(ProofHeader),
    responses(
        (status = 200, description = "a token", body = Answer, headers(("cache-control"), ("pragma"),
            ("dpop-nonce"),
            ("ratelimit"),
            ("ratelimit-policy"))),
        TokenErrors,
    ),
    security(("client_secret_basic" = []), ("tls_client_auth" = []), ("self_signed_tls_client_auth" = []), ()),
)]
pub(in crate::http) async fn issue_token(
    State(app): State<AppState>,
    request: Request,
) -> WithLogContext {
    let mut noted = ENDPOINT.answer(app, request).await;
    // RFC 6749 §5.1 asks for it beside `no-store`.
    let no_cache = HeaderValue::from_static("no-cache");
    noted.response.headers_mut().insert(PRAGMA, no_cache);
    noted
}

static ENDPOINT: TokenEndpoint = TokenEndpoint {
    read: |headers, params, caller| {
        let form = Form::from(params);
        let client = client_authentication(headers, form.client, caller, "/token")?;
        check_grant_type(form.grant_type.as_deref())?;
        Ok((client, form.request.parse()?))
    },
    write_token: |token| Answer::of(token).to_json(),
    write_error: Error::into_response,
};

fn check_grant_type(grant_type: Option<&str>) -> Result<()> {
    match grant_type {
        Some("client_credentials") => Ok(()),
        Some(_) => Err(Error::new(
            ErrorCode::UnsupportedGrantType,
            "the grant_type of this server is client_credentials",
        )),
        None => Err(Error::invalid_request(
            "grant_type is missing; it has to be client_credentials",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_answered_as_serde_writes_it() {
        let answer = Answer {
            token_type: "DPoP",
            expires_in: 60,
            scope: &Scope::default(),
            access_token: "a-b_c.d.e",
        };
        assert_eq!(
            answer.to_json().unwrap(),
            serde_json::to_vec(&answer).unwrap()
        );
    }
}
