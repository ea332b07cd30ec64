//! Every route of the service, on one screen, grouped by who calls it; and the document that describes all of them.

use std::sync::LazyLock;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::any;
use tokio::runtime::Handle;
use tower::layer::layer_fn;
use utoipa_axum::router::UtoipaMethodRouterExt;
use utoipa_axum::routes;

use super::openapi::{AnyErrors, Routes, named};
use super::{AppState, admin_api, response};
use crate::http::fast_path::HttpService;
use crate::http::middleware::observe::Observe;
use crate::http::ops::health;
use crate::http::portal;
use crate::http::public::home;
use crate::http::public::{authorization_page, protected_resource};
use crate::http::public::{authorize, verify};
use crate::http::public::{introspect, jwks, metadata, revoke, token};
use crate::http::response::error;
use crate::http::server::runtimes::apart;

/// The document as JSON. It depends on nothing but the code.
static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| admin_api::describe(routes(Routes::described())).to_json());

/// Adds routes: the path, the handlers.
macro_rules! table {
    ($routes:ident { $($path:expr => $handlers:expr;)* }) => {
        $routes$(.at($path, $handlers))*
    };
}

/// The routes, and the document that describes them. Methods and answers are said beside each handler.
fn routes(routes: Routes) -> Routes {
    let verify = |ids| named(ids, routes!(verify::verify));
    let verify_original = |id| {
        let original = routes!(verify::verify_original).map(|_| any(verify::verify_original));
        named([id], original)
    };
    let metadata = |id| named([id], routes!(metadata::show));
    let openid = |id| named([id], routes!(metadata::show_openid));
    let resource = |id| named([id], routes!(protected_resource::show));
    table! { routes {
        // Clients.
        "/authorize" => routes!(authorize::authorize_client);
        "/token" => routes!(token::issue_token);
        "/revoke" => routes!(revoke::revoke_own_token);
        // Microservices, and proxies in front of them.
        "/verify" => verify(["verify_token_in_header", "verify_token"]);
        "/introspect" => routes!(introspect::introspect_token);
        "/verify/requiring/{requirements}" => verify_original("verify_requiring");
        "/verify/requiring/{requirements}/" => verify_original("verify_original_request");
        "/verify/requiring/{requirements}/{*original}" =>
            verify_original("verify_original_request_with_path");
        // Those who verify by themselves.
        metadata::JWKS => routes!(jwks::show_jwks);
        // Libraries, which find everything else by it.
        metadata::OAUTH => metadata("show_authorization_server_metadata");
        metadata::OAUTH_OF_PATH => metadata("show_authorization_server_metadata_of_path");
        metadata::OPENID => openid("show_openid_configuration");
        metadata::OPENID_OF_PATH => openid("show_openid_configuration_of_path");
        protected_resource::HOST => resource("show_protected_resource_of_host");
        protected_resource::PATH => resource("show_protected_resource");
        authorization_page::AUTHORIZATION => routes!(authorization_page::show_authorization_page);
        // People and their tools.
        "/" => routes!(home::show_home);
        "/assets/home.css" => routes!(home::show_style);
        "/openapi.json" => routes!(show_openapi);
        // Orchestrators.
        "/healthz" => routes!(health::show_health);
        "/readyz" => routes!(health::show_readiness);
    } }
}

/// This document.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (status = 200, description = "the OpenAPI document", body = Object),
    AnyErrors,
))]
async fn show_openapi() -> Response {
    response::json_bytes(StatusCode::OK, DOCUMENT.as_str())
}

/// The whole service as one tower service; portal and admin API too, unless they have an address of their own. They
/// are answered by `operators`.
pub fn router(app: AppState, operators: &Handle) -> HttpService {
    let has_admin = app.config().admin.listen_addr.is_none();
    service(app, operators, has_admin)
}

/// The service for proxies that end TLS; portal and admin API only where `PLAIN_ADMIN` is on.
pub fn plain_router(app: AppState, operators: &Handle) -> HttpService {
    let has_admin = app.config().proxies.plain.serves_admin;
    service(app, operators, has_admin)
}

/// The routes as they are served, with their paths. `routes!` describes each handler, which takes longer than all else that a
/// router needs: the process does it once.
static SERVED: LazyLock<(Router<AppState>, Vec<String>)> = LazyLock::new(|| {
    let served = routes(Routes::new().with_slash());
    (served.router, served.paths)
});

fn service(app: AppState, operators: &Handle, has_admin: bool) -> HttpService {
    let (router, paths) = &*SERVED;
    let mut router = router.clone();
    // So that the metrics have each from the start, with nothing counted.
    for path in paths {
        app.traffic().route(path);
    }
    if has_admin && app.config().admin.is_on {
        router = router.merge(apart(admin_routes(&app), operators.clone()));
    }
    HttpService::new(app.clone(), finish(router, app))
}

/// Portal and admin API alone, for an address of its own.
pub fn admin_router(app: AppState) -> Router {
    finish(admin_routes(&app), app)
}

fn admin_routes(app: &AppState) -> Router<AppState> {
    portal::router(app).merge(admin_api::router(app))
}

fn finish(router: Router<AppState>, app: AppState) -> Router {
    let observing = app.clone();
    let observe = move |route| Observe::new(observing.clone(), route);
    router
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(layer_fn(observe))
        .with_state(app)
}
