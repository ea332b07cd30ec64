//! `/keys`: the key pairs that sign tokens when `SIGNING_ALG` is not HS256.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::Operator;
use crate::app::error::Result;
use crate::app::{KeyStatus, Rotation};
use crate::domain::{KeyId, SigningAlg};
use crate::http::admin_api::request::{InPath, Json};
use crate::http::{AppState, response};

/// The keys, in the order of their creation.
#[derive(Serialize, ToSchema)]
#[schema(as = SigningKeys)]
struct Keys<'a> {
    /// Under HS256 the server signs tokens with `SECRET`, not with one of these keys
    signing_alg: SigningAlg,
    keys: &'a [KeyStatus],
}

/// The options of a rotation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeyRotation)]
pub(super) struct RotateBody {
    /// Rotate even if verifiers may not know the next key yet: some may refuse tokens for a while
    #[serde(default)]
    now: bool,
}

/// The algorithm to prepare.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeyPreparation)]
pub(super) struct PrepareBody {
    /// `ES256`, `EdDSA`, `RS256` or `PS256`
    alg: SigningAlg,
}

/// A published next key.
#[derive(Serialize, ToSchema)]
#[schema(as = PreparedKey)]
struct Prepared {
    next: KeyId,
}

/// Lists the keys: their states and dates, never the keys.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the list", body = Keys),
))]
pub(super) async fn list_keys(State(app): State<AppState>) -> Result<Response> {
    let keys = &app.keys.list().await?;
    let signing_alg = app.config().keys.signing_alg;
    Ok(response::ok(&Keys { signing_alg, keys }))
}

/// Rotates the keys: the next key signs, the active one retires, and a new next key is published.
#[utoipa::path(post, path = "", request_body = RotateBody, responses(
    (status = 200, description = "the result of the rotation", body = Rotation),
))]
pub(super) async fn rotate_keys(
    Operator { app, by, .. }: Operator,
    body: Result<Json<RotateBody>>,
) -> Result<Response> {
    let done = app.keys.rotate(&by, body?.value.now).await?;
    Ok(response::ok(&done))
}

/// Publishes a key of another algorithm, before you set `SIGNING_ALG` to it. A second request creates no second key.
#[utoipa::path(post, path = "", request_body = PrepareBody, responses(
    (status = 200, description = "the key", body = Prepared),
))]
pub(super) async fn prepare_key(
    Operator { app, by, .. }: Operator,
    body: Result<Json<PrepareBody>>,
) -> Result<Response> {
    let next = app.keys.prepare(&by, body?.value.alg).await?;
    Ok(response::ok(&Prepared { next }))
}

/// Retires a next key, or the active key of an algorithm that is not `SIGNING_ALG`.
#[utoipa::path(post, path = "", responses(
    (status = 204, description = "the key no longer signs"),
))]
pub(super) async fn retire_key(
    Operator { app, by, .. }: Operator,
    InPath(kid): InPath<KeyId>,
) -> Result<Response> {
    app.keys.retire(&by, &kid).await?;
    Ok(response::nothing())
}

/// Deletes a key that does not sign: the server refuses its tokens from then on.
#[utoipa::path(delete, path = "", responses(
    (status = 204, description = "the key is deleted"),
))]
pub(super) async fn delete_key(
    Operator { app, by, .. }: Operator,
    InPath(kid): InPath<KeyId>,
) -> Result<Response> {
    app.keys.delete(&by, &kid).await?;
    Ok(response::nothing())
}
