//! `POST /token`, for every OAuth library: client credentials in, access token out (RFC 6749 §4.4); and one token in the
//! place of another (RFC 8693).

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::PRAGMA;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::error::{Error, Result};
use crate::app::{ExchangeForm, ExchangeRequest, GrantRequest, TargetParameters};
use crate::base::json::writer::JsonObject;
use crate::base::secret::Secret;
use crate::domain::{ErrorCode, Scope, TokenType};
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

const CLIENT_CREDENTIALS: &str = "client_credentials";

/// RFC 8693 §2.1.
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The grants of this server.
pub(super) const GRANT_TYPES: [&str; 2] = [CLIENT_CREDENTIALS, TOKEN_EXCHANGE];

/// RFC 6749 §4.4.2, RFC 8693 §2.1.
#[derive(ToSchema)]
#[schema(as = TokenRequest)]
struct Form {
    #[serde(flatten)]
    grant: GrantForm,
    #[serde(flatten)]
    client: ClientAuthenticationForm,
}

/// The grant, and the requested scope and audience.
#[derive(ToSchema)]
#[schema(as = RequestedGrant)]
struct GrantForm {
    #[schema(value_type = String, pattern = "^(client_credentials|urn:ietf:params:oauth:grant-type:token-exchange)$",
        example = "client_credentials")]
    grant_type: Option<String>,
    #[serde(flatten)]
    request: TokenRequestForm,
    #[serde(flatten)]
    exchange: ExchangeForm,
}

fn take_exchange(params: &mut Params) -> ExchangeForm {
    ExchangeForm {
        subject_token: params.take("subject_token").map(Secret::new),
        subject_token_type: params.take("subject_token_type"),
        actor_token: params.take("actor_token").map(Secret::new),
        actor_token_type: params.take("actor_token_type"),
        requested_token_type: params.take("requested_token_type"),
    }
}

impl GrantForm {
    /// A grant reads its own parameters and no others.
    fn parse(self) -> Result<GrantRequest> {
        match self.grant_type.as_deref() {
            Some(CLIENT_CREDENTIALS) => Ok(self.request.parse()?.into()),
            Some(TOKEN_EXCHANGE) => {
                let scope = self.request.scope.as_deref();
                let target = TargetParameters {
                    audiences: &self.request.audience,
                    resources: &self.request.resource,
                };
                let parsed = ExchangeRequest::parse(self.exchange, scope, target);
                Ok(GrantRequest::TokenExchange(Box::new(parsed?)))
            }
            Some(_) => Err(Error::new(
                ErrorCode::UnsupportedGrantType,
                format!("the grant_type must be {}", GRANT_TYPES.join(" or ")),
            )),
            None => Err(Error::invalid_request(format!(
                "grant_type is missing; it must be {}",
                GRANT_TYPES.join(" or ")
            ))),
        }
    }
}

impl From<Params> for Form {
    fn from(mut params: Params) -> Self {
        Self {
            grant: GrantForm {
                grant_type: params.take("grant_type"),
                request: TokenRequestForm::take(&mut params),
                exchange: take_exchange(&mut params),
            },
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
    /// The granted scopes, space-separated
    #[schema(value_type = String)]
    scope: &'a Scope,
    /// A JWT (RFC 9068)
    access_token: &'a str,
    /// Of an exchange (RFC 8693 §2.2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    issued_token_type: Option<&'a str>,
}

impl<'a> Answer<'a> {
    fn of(token: &'a AccessToken<'_>) -> Self {
        Self {
            token_type: token.token_type,
            expires_in: token.expires_in,
            scope: &token.scope,
            access_token: &token.jwt,
            issued_token_type: token.issued_token_type.map(TokenType::as_str),
        }
    }

    /// As serde writes it, in less time.
    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = JsonObject::with_capacity(ROOM_BESIDE_JWT + self.access_token.len());
        json.text("token_type", self.token_type)?;
        json.member("expires_in", &self.expires_in)?;
        json.text("scope", self.scope.as_str())?;
        json.plain("access_token", self.access_token);
        if let Some(issued_token_type) = self.issued_token_type {
            json.text("issued_token_type", issued_token_type)?;
        }
        Ok(json.end())
    }
}

/// Issues a token to a client (RFC 6749 §4.4), or exchanges one (RFC 8693).
#[utoipa::path(post, path = "", tag = "Clients",
    request_body(content(
        (Form = "application/x-www-form-urlencoded"),
        (Form = "application/json"),
    )),
    params(ProofHeader),
    responses(
        (status = 200, description = "a token", body = Answer, headers(("pragma"),
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
        Ok((client, form.grant.parse()?))
    },
    write_token: |token| Answer::of(token).to_json(),
    write_error: Error::into_response,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_answered_as_serde_writes_it() {
        for issued_token_type in [None, Some(TokenType::Jwt.as_str())] {
            let answer = Answer {
                token_type: "DPoP",
                expires_in: 60,
                scope: &Scope::default(),
                access_token: "a-b_c.d.e",
                issued_token_type,
            };
            assert_eq!(
                answer.to_json().unwrap(),
                serde_json::to_vec(&answer).unwrap()
            );
        }
    }
}
