//! `/keys`: the key pairs that sign tokens when `SIGNING_ALG` is not HS256.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::Operator;
use crate::app::error::{Error, Result};
use crate::app::{KeyStatus, Rotation};
use crate::domain::{KeyId, SigningAlg};
use crate::http::admin_api::request::{InPath, Json};
use crate::http::openapi::{
    AdminActionErrors, AdminCreateErrors, AdminListErrors, AdminRemoveErrors,
};
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::{AppState, response};

/// The keys, in the order in which they were made.
#[derive(Serialize, ToSchema)]
struct Keys<'a> {
    /// With HS256 tokens are signed with `SECRET`, not with one of these
    #[schema(value_type = String)]
    signing_alg: SigningAlg,
    #[schema(value_type = Vec<KeyAnswer>)]
    keys: &'a [KeyStatus],
}

/// A key, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = SigningKey)]
struct KeyAnswer {
    kid: String,
    alg: String,
    /// `next`, `active` or `retired`
    state: String,
    created_at: i64,
    activated_at: Option<i64>,
    retired_at: Option<i64>,
    /// When it is deleted, once it is retired
    verifies_until: Option<i64>,
    /// Live tokens under it, at most: all that was issued in the last 24 hours while it may have signed
    live_tokens_at_most: u64,
    /// `SECRET` or `SECRET_PREVIOUS`; null when neither opens it
    sealed_under: Option<String>,
    /// Why it cannot be used
    problem: Option<String>,
}

/// How to rotate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeyRotation)]
pub(super) struct RotateBody {
    /// Also when verifiers may not know the next key yet: some may refuse tokens for a while
    #[serde(default)]
    now: bool,
}

/// What a rotation did.
#[derive(Serialize, ToSchema)]
struct Rotated {
    /// The key that signs from now on
    #[schema(value_type = Option<String>)]
    active: Option<KeyId>,
    /// The one that signed until now
    #[schema(value_type = Option<String>)]
    retired: Option<KeyId>,
    /// The one that is published ahead
    #[schema(value_type = Option<String>)]
    next: Option<KeyId>,
}

impl From<Rotation> for Rotated {
    fn from(done: Rotation) -> Self {
        Self {
            active: done.active,
            retired: done.retired,
            next: done.next,
        }
    }
}

/// What to prepare for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeyPreparation)]
pub(super) struct PrepareBody {
    /// `ES256`, `EdDSA`, `RS256` or `PS256`
    #[schema(value_type = String)]
    alg: SigningAlg,
}

/// A key that is published ahead.
#[derive(Serialize, ToSchema)]
struct Prepared {
    #[schema(value_type = String)]
    next: KeyId,
}

/// Lists the keys: their states and dates, never the keys.
#[utoipa::path(get, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 200, description = "all of them", body = Keys, headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(super) async fn list_keys(State(app): State<AppState>) -> Result<Response> {
    let keys = &app.keys.list().await?;
    let signing_alg = app.config().keys.signing_alg;
    Ok(response::json(StatusCode::OK, &Keys { signing_alg, keys }))
}

/// Makes the next key sign, retires the one that does, and publishes a new next one.
#[utoipa::path(post, path = "", tag = "Administration", params(ProofHeader),
    request_body(content = RotateBody, content_type = "application/json"),
    responses(
        (status = 200, description = "what was done", body = Rotated, headers(("cache-control" = String))),
        AdminCreateErrors,
    ),
)]
pub(super) async fn rotate_keys(
    State(app): State<AppState>,
    operator: Operator,
    body: Result<Json<RotateBody>, Error>,
) -> Result<Response> {
    let forced = body?.value.now;
    let done = app.keys.rotate(&operator.origin, forced).await?;
    Ok(response::json(StatusCode::OK, &Rotated::from(done)))
}

/// Publishes a key of another algorithm ahead, before `SIGNING_ALG` becomes that. Asked again it makes no second one.
#[utoipa::path(post, path = "", tag = "Administration", params(ProofHeader),
    request_body(content = PrepareBody, content_type = "application/json"),
    responses(
        (status = 200, description = "the key", body = Prepared, headers(("cache-control" = String))),
        AdminCreateErrors,
    ),
)]
pub(super) async fn prepare_key(
    State(app): State<AppState>,
    operator: Operator,
    body: Result<Json<PrepareBody>, Error>,
) -> Result<Response> {
    let alg = body?.value.alg;
    let next = app.keys.prepare(&operator.origin, alg).await?;
    Ok(response::json(StatusCode::OK, &Prepared { next }))
}

/// Ends a next key, or the active one of an algorithm that is not `SIGNING_ALG`.
#[utoipa::path(post, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 204, description = "it signs nothing, now or later", headers(("cache-control" = String))),
    AdminActionErrors,
))]
pub(super) async fn retire_key(
    State(app): State<AppState>,
    operator: Operator,
    kid: Result<InPath<KeyId>, Error>,
) -> Result<Response> {
    let InPath(kid) = kid?;
    app.keys.retire(&operator.origin, &kid).await?;
    Ok(response::nothing())
}

/// Deletes a key that does not sign: every token under it is refused from now on.
#[utoipa::path(delete, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 204, description = "it is gone", headers(("cache-control" = String))),
    AdminRemoveErrors,
))]
pub(super) async fn delete_key(
    State(app): State<AppState>,
    operator: Operator,
    kid: Result<InPath<KeyId>, Error>,
) -> Result<Response> {
    let InPath(kid) = kid?;
    app.keys.delete(&operator.origin, &kid).await?;
    Ok(response::nothing())
}
