//! Every route of the service, on one screen, grouped by who calls it.

use axum::Router;
use axum::routing::{any, get, post};

use super::oauth::{introspect, jwks, metadata, revoke, token};
use super::simple::{authorize, verify};
use super::{AppState, error, health, home, middleware};

/// The whole service as one tower service.
pub fn router(state: AppState) -> Router {
    Router::new()
        // Clients.
        .route("/authorize", post(authorize::authorize))
        .route("/token", post(token::issue_token))
        .route("/revoke", post(revoke::revoke))
        // Microservices, and proxies in front of them.
        .route("/verify", get(verify::verify).post(verify::verify))
        .route("/introspect", post(introspect::introspect))
        .route(
            "/verify/requiring/{requirements}/",
            any(verify::verify_original),
        )
        .route(
            "/verify/requiring/{requirements}/{*original}",
            any(verify::verify_original),
        )
        // Those who verify by themselves.
        .route("/.well-known/jwks.json", get(jwks::show_jwks))
        // Libraries, which find everything else by it.
        .route(metadata::OAUTH, get(metadata::show))
        .route(metadata::OAUTH_OF_PATH, get(metadata::show))
        .route(metadata::OPENID, get(metadata::show))
        .route(metadata::OPENID_OF_PATH, get(metadata::show))
        // People.
        .route("/", get(home::show_home))
        .route("/assets/home.css", get(home::show_style))
        // Orchestrators.
        .route("/healthz", get(health::show_health))
        .route("/readyz", get(health::show_readiness))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(
            state.clone(),
            middleware::observe,
        ))
        .with_state(state)
}
