//! `/overview`: how the service is, as the portal's first page shows it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::COUNTING_PATIENCE;
use crate::app::error::Result;
use crate::http::admin_api::usage::totals::{ClientUse, SpanOfUse};
use crate::http::openapi::AdminListErrors;
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::{AppState, response};

/// How the service is, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = Overview)]
struct OverviewAnswer {
    at: i64,
    version: String,
    issuer: String,
    signing_alg: String,
    /// The product
    database: String,
    /// Those that were heard of in the last day
    replicas: Vec<ReplicaAnswer>,
    /// The last hour by the minute, all 60 of them
    minutes: Vec<SpanOfUse>,
    /// The last 30 days by the hour, all 720 of them
    hours: Vec<SpanOfUse>,
    /// When it was counted who does most: that is kept for about a minute; null: it is being counted, or could not be
    counted_at: Option<i64>,
    /// Whether it is being counted for the first time: ask again in some seconds
    counting: bool,
    most_active: Vec<ClientUse>,
    most_failing: Vec<ClientUse>,
    /// The 10 that end first within 30 days
    ending_secrets: Vec<EndingSecretAnswer>,
    /// Retired keys
    ending_keys: Vec<EndingKeyAnswer>,
    /// When the next key begins to sign; null: when somebody says so
    rotation_due: Option<i64>,
}

/// A replica, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = Replica)]
struct ReplicaAnswer {
    /// Another one with each start
    replica_id: String,
    /// Of its machine
    name: String,
    version: String,
    started_at: i64,
    /// It says every 5 seconds that it runs
    seen_at: i64,
    /// When it last read what others have changed
    changes_read_at: Option<i64>,
    /// Whether the database tells it of changes at once
    listening: bool,
    certificate_expires_at: Option<i64>,
}

/// A secret that ends soon, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = EndingSecret)]
struct EndingSecretAnswer {
    client_id: String,
    secret_id: String,
    hint: String,
    expires_at: i64,
    /// Whether its client has no other that is good for longer
    is_last: bool,
}

/// A retired key, for the document.
#[derive(Serialize, ToSchema)]
#[schema(as = EndingKey)]
struct EndingKeyAnswer {
    kid: String,
    alg: String,
    /// When nothing is left that it signed
    ends_at: i64,
}

/// Shows what the service did and does, what ends soon, who does most, and the replicas.
#[utoipa::path(get, path = "", tag = "Administration", params(ProofHeader), responses(
    (status = 200, description = "how it is", body = OverviewAnswer, headers(("cache-control" = String))),
    AdminListErrors,
))]
pub(in crate::http::admin_api) async fn show_overview(
    State(app): State<AppState>,
) -> Result<Response> {
    let overview = app.overview(COUNTING_PATIENCE).await?;
    Ok(response::json(StatusCode::OK, &overview))
}
