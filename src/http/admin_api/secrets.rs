//! `/clients/{client_id}/secrets`: a second one for a rotation that overlaps, when each was last used, and their ends.

#![expect(
    clippy::option_option,
    reason = "a member may be left out, be null, or have a value"
)]

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::Operator;
use crate::app::error::{Error, Result};
use crate::app::{AddedSecret, ListedSecret};
use crate::base::clock::UnixTime;
use crate::base::secret::Secret;
use crate::domain::{ClientId, IdleExpiry, SecretId};
use crate::http::admin_api::request::{IdempotencyKey, InPath, Json, given};
use crate::http::{AppState, response};

/// A new secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSecret)]
pub(super) struct NewSecretBody {
    /// A chosen secret of at least `MIN_SECRET_LENGTH` characters; by default the server generates one
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    client_secret: Option<String>,
    /// When it expires, in seconds since 1970; null: never
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    expires_at: Option<UnixTime>,
}

/// The new expiry of a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecretEnd)]
pub(super) struct EndBody {
    /// Seconds since 1970; now by default, or if past
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, nullable = false)]
    expires_at: Option<UnixTime>,
    /// Instead, idle expiry: this many seconds after its last use, 3600 to 31536000; null removes it
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    unused_for: Option<Option<i64>>,
}

/// A client's secrets, oldest first; never the secrets themselves.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientSecrets)]
struct Secrets<'a> {
    secrets: Vec<ListedSecret<'a>>,
}

/// Lists a client's secrets: their dates and when they were last used.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the list", body = Secrets),
))]
pub(super) async fn list_client_secrets(
    State(app): State<AppState>,
    InPath(id): InPath<ClientId>,
) -> Result<Response> {
    let record = app.clients.find(&id).await?;
    let uses = app.usage.find_of_client(&id).await?;
    let secrets = ListedSecret::list(&record, &uses, None);
    Ok(response::ok(&Secrets { secrets }))
}

/// Adds a secret; the others stay valid. Only this response contains it.
#[utoipa::path(post, path = "", params(IdempotencyKey), request_body = NewSecretBody, responses(
    (status = 201, description = "the new secret", body = AddedSecret),
))]
pub(super) async fn add_client_secret(
    Operator {
        app, by, client_id, ..
    }: Operator,
    id: Result<InPath<ClientId>>,
    body: Result<Json<NewSecretBody>>,
) -> Result<Response> {
    let (InPath(id), body) = (id?, body?);
    let once = body.once(&client_id);
    let chosen = body.value.client_secret.map(Secret::new);
    let new = app.secrets.new_secret(chosen, body.value.expires_at)?;

    let added = app.secrets.add_once(&by, &id, new, once.as_ref(), |added| {
        let text = serde_json::to_string(added);
        text.map(Secret::new).map_err(Error::internal)
    });

    let text = added.await?;
    Ok(response::json_bytes(
        StatusCode::CREATED,
        text.expose().clone(),
    ))
}

/// Deletes a secret at once.
#[utoipa::path(delete, path = "", responses(
    (status = 204, description = "the secret is deleted"),
))]
pub(super) async fn delete_client_secret(
    Operator { app, by, .. }: Operator,
    InPath((id, secret_id)): InPath<(ClientId, SecretId)>,
) -> Result<Response> {
    app.secrets.delete(&by, &id, &secret_id).await?;
    Ok(response::nothing())
}

/// The expiry of a secret.
#[derive(Serialize, ToSchema)]
#[schema(as = SecretExpiry)]
struct Ended {
    secret_id: SecretId,
    /// Null: `unused_for` was set
    expires_at: Option<UnixTime>,
    /// Null: no idle expiry, or `expires_at` was set
    unused_for: Option<IdleExpiry>,
}

/// Expires a secret: now, later, or some time after its last use.
#[utoipa::path(post, path = "", request_body = EndBody, responses(
    (status = 200, description = "the new expiry", body = Ended),
))]
pub(super) async fn expire_client_secret(
    Operator { app, by, .. }: Operator,
    ids: Result<InPath<(ClientId, SecretId)>>,
    body: Result<Json<EndBody>>,
) -> Result<Response> {
    let InPath((id, secret_id)) = ids?;
    let body = body?.value;
    let (expires_at, unused_for) = match (body.expires_at, body.unused_for) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid_request(
                "set the expiry of a secret by `expires_at` or by `unused_for`, not by both",
            ));
        }
        (None, Some(seconds)) => {
            let unused_for = seconds.map(IdleExpiry::from_seconds).transpose()?;
            app.secrets
                .set_idle_expiry(&by, &id, &secret_id, unused_for)
                .await?;
            (None, unused_for)
        }
        (at, None) => {
            let now = app.clock().now();
            let at = at.map_or(now, |at| at.max(now));
            app.secrets.expire(&by, &id, &secret_id, at).await?;
            (Some(at), None)
        }
    };

    let ended = Ended {
        secret_id,
        expires_at,
        unused_for,
    };
    Ok(response::ok(&ended))
}
