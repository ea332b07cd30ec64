//! `/issuers`: whose tokens prove who a client is.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::Operator;
use crate::app::error::Result;
use crate::app::{IssuerCheck, ListedIssuer, RevokedAtIssuer};
use crate::domain::{IssuerName, IssuerSpec, IssuerStatus};
use crate::http::admin_api::request::{InPath, Json};
use crate::http::{AppState, response};

/// The issuers, by name.
#[derive(Serialize, ToSchema)]
#[schema(as = TrustedIssuers)]
struct Issuers {
    issuers: Vec<ListedIssuer>,
}

/// The options of disabling an issuer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IssuerDisabling)]
pub(super) struct DisableBody {
    /// Also revoke all tokens of every client with an identity there
    #[serde(default)]
    revoke_tokens: bool,
}

/// Lists the trusted issuers.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the list", body = Issuers),
))]
pub(super) async fn list_issuers(State(app): State<AppState>) -> Result<Response> {
    let issuers = app.issuers.list().await?;
    Ok(response::ok(&Issuers { issuers }))
}

/// Shows a trusted issuer.
#[utoipa::path(get, path = "", responses(
    (status = 200, description = "the issuer", body = ListedIssuer),
))]
pub(super) async fn show_issuer(
    State(app): State<AppState>,
    InPath(name): InPath<IssuerName>,
) -> Result<Response> {
    Ok(response::ok(&app.issuers.find(&name).await?))
}

/// Adds a trusted issuer: clients with an identity there log in with its tokens.
#[utoipa::path(post, path = "", request_body = IssuerSpec, responses(
    (status = 201, description = "the issuer", body = IssuerSpec),
))]
pub(super) async fn add_issuer(
    Operator { app, by, .. }: Operator,
    body: Result<Json<IssuerSpec>>,
) -> Result<Response> {
    let issuer = app.issuers.add(&by, body?.value).await?;
    Ok(response::json(StatusCode::CREATED, &issuer))
}

/// Changes the given members of an issuer.
#[utoipa::path(patch, path = "", request_body = IssuerSpec, responses(
    (status = 200, description = "the issuer", body = IssuerSpec),
))]
pub(super) async fn update_issuer(
    Operator { app, by, .. }: Operator,
    InPath(name): InPath<IssuerName>,
    body: Result<Json<IssuerSpec>>,
) -> Result<Response> {
    let spec = body?.value;
    let issuer = app.issuers.update(&by, &name, spec).await?;
    Ok(response::ok(&issuer))
}

/// Removes a trusted issuer. While a client has an identity there, the response is 409.
#[utoipa::path(delete, path = "", responses(
    (status = 204, description = "the issuer is removed"),
))]
pub(super) async fn remove_issuer(
    Operator { app, by, .. }: Operator,
    InPath(name): InPath<IssuerName>,
) -> Result<Response> {
    app.issuers.remove(&by, &name).await?;
    Ok(response::nothing())
}

/// Enables an issuer: clients can log in through it again.
#[utoipa::path(post, path = "", responses(
    (status = 200, description = "the issuer", body = IssuerSpec),
))]
pub(super) async fn enable_issuer(
    Operator { app, by, .. }: Operator,
    InPath(name): InPath<IssuerName>,
) -> Result<Response> {
    let enabled = app.issuers.set_status(&by, &name, IssuerStatus::Enabled);
    Ok(response::ok(&enabled.await?))
}

/// Disables an issuer: no client can log in through it; the identities stay.
#[utoipa::path(post, path = "", request_body = DisableBody, responses(
    (status = 200, description = "the number of clients whose tokens are revoked", body = RevokedAtIssuer),
))]
pub(super) async fn disable_issuer(
    Operator { app, by, .. }: Operator,
    InPath(name): InPath<IssuerName>,
    body: Result<Json<DisableBody>>,
) -> Result<Response> {
    let revoked = if body?.value.revoke_tokens {
        app.issuers.disable_and_revoke(&by, &name).await?
    } else {
        let disabled = IssuerStatus::Disabled;
        app.issuers.set_status(&by, &name, disabled).await?;
        RevokedAtIssuer::default()
    };
    Ok(response::ok(&revoked))
}

/// Fetches the keys of an issuer now, and shows them, or the exact reason why the fetch failed.
#[utoipa::path(post, path = "", responses(
    (status = 200, description = "the result", body = IssuerCheck),
))]
pub(super) async fn check_issuer(
    State(app): State<AppState>,
    InPath(name): InPath<IssuerName>,
) -> Result<Response> {
    Ok(response::ok(&app.issuers.check(&name).await?))
}
