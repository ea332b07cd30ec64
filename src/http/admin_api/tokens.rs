//! `/tokens`: what a token says and whether it is good, and ending one before its time. A token is in the body, for
//! paths get into logs.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::Operator;
use crate::app::TokenInspection;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{ClientId, ErrorCode};
use crate::http::admin_api::request::Json;
use crate::http::{AppState, response};

/// A token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenToInspect)]
pub(super) struct TokenBody {
    token: String,
}

/// A revoked token.
#[derive(Serialize, ToSchema)]
struct RevokedToken {
    jti: String,
    client_id: ClientId,
    /// When it would have expired
    exp: UnixTime,
}

/// Shows the claims of a token, and whether it is valid.
#[utoipa::path(post, path = "", request_body = TokenBody, responses(
    (status = 200, description = "header, claims and verdict", body = TokenInspection),
))]
pub(super) async fn inspect_token(
    State(app): State<AppState>,
    body: Result<Json<TokenBody>>,
) -> Result<Response> {
    let token = body?.value.token;
    let inspection = app.tokens.inspect(token.trim()).await?;
    Ok(response::ok(&inspection))
}

/// Revokes a token of any client.
#[utoipa::path(post, path = "", request_body = TokenBody, responses(
    (status = 200, description = "the token is revoked", body = RevokedToken),
))]
pub(super) async fn revoke_token(
    Operator { app, by, .. }: Operator,
    body: Result<Json<TokenBody>>,
) -> Result<Response> {
    let token = body?.value.token;
    let revoked = app.tokens.revoke(&by, token.trim()).await;
    let claims = revoked.map_err(about_the_body)?;
    let revoked = RevokedToken {
        jti: claims.jti.to_string(),
        client_id: claims.client_id.into_owned(),
        exp: claims.exp,
    };
    Ok(response::ok(&revoked))
}

/// A 401 would say that the caller's own token is no good.
fn about_the_body(error: Error) -> Error {
    if error.code == ErrorCode::InvalidToken {
        return Error::invalid_request(format!(
            "the token in the body is not valid: {}",
            error.description
        ));
    }
    error
}
