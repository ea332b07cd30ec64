//! Every route of the admin API, each with the scope that a token needs for it. A test goes through this list and holds
//! that no other token gets anything.

use std::sync::LazyLock;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any};
use utoipa::IntoParams;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use super::guard::guard;
use super::{admins, audit, clients, explain, issuers, keys, secrets, settings, tokens, usage};
use crate::domain::{
    ADMIN_EXPORT_SCOPE as EXPORT, ADMIN_ISSUERS_SCOPE as ISSUERS, ADMIN_READ_SCOPE as READ,
    ADMIN_WRITE_SCOPE as WRITE,
};
use crate::http::AppState;
use crate::http::admin_api::clients::transfer;
use crate::http::openapi::{Routes as Described, of_admin_operation, operations};
use crate::http::request::proof_of_possession::ProofHeader;
use crate::http::response::error;

/// What every path here begins with.
const PREFIX: &str = "/admin/api/v1";

/// Adds routes: the scope, the path behind [`PREFIX`], the handlers.
macro_rules! table {
    ($routes:ident { $($scope:ident $path:literal => $($($handler:ident)::+),+;)* }) => {
        $routes$(.at($scope, $path, routes!($($($handler)::+),+)))*
    };
}

fn all(routes: Routes) -> Routes {
    table! { routes {
        READ   "/clients" => clients::list_clients;
        WRITE  "/clients" => clients::create_client;
        READ   "/clients/{client_id}" => clients::show_client;
        WRITE  "/clients/{client_id}" => clients::update_client, clients::delete_client;
        WRITE  "/clients/{client_id}/enable" => clients::enable_client;
        WRITE  "/clients/{client_id}/disable" => clients::disable_client;
        WRITE  "/clients/{client_id}/release" => clients::release_client;
        WRITE  "/clients/{client_id}/revoke-tokens" => clients::revoke_client_tokens;
        READ   "/clients/{client_id}/secrets" => secrets::list_client_secrets;
        WRITE  "/clients/{client_id}/secrets" => secrets::add_client_secret;
        WRITE  "/clients/{client_id}/secrets/{secret_id}" => secrets::delete_client_secret;
        WRITE  "/clients/{client_id}/secrets/{secret_id}/expire" => secrets::expire_client_secret;
        READ   "/clients/{client_id}/usage" => usage::show_client_usage;
        EXPORT "/transfer/export" => transfer::export_clients;
        WRITE  "/transfer/import" => transfer::import_clients;
        WRITE  "/transfer/apply" => transfer::apply_clients;
        READ   "/issuers" => issuers::list_issuers;
        ISSUERS "/issuers" => issuers::add_issuer;
        READ   "/issuers/{name}" => issuers::show_issuer;
        ISSUERS "/issuers/{name}" => issuers::update_issuer, issuers::remove_issuer;
        ISSUERS "/issuers/{name}/enable" => issuers::enable_issuer;
        ISSUERS "/issuers/{name}/disable" => issuers::disable_issuer;
        ISSUERS "/issuers/{name}/check" => issuers::check_issuer;
        READ   "/keys" => keys::list_keys;
        WRITE  "/keys/rotate" => keys::rotate_keys;
        WRITE  "/keys/prepare" => keys::prepare_key;
        WRITE  "/keys/{kid}" => keys::delete_key;
        WRITE  "/keys/{kid}/retire" => keys::retire_key;
        READ   "/tokens/inspect" => tokens::inspect_token;
        WRITE  "/tokens/revoke" => tokens::revoke_token;
        READ   "/overview" => usage::show_overview;
        READ   "/usage/totals" => usage::show_usage_totals;
        READ   "/usage/top" => usage::list_busiest_clients;
        READ   "/usage/waste" => usage::list_excess_tokens;
        READ   "/explain/token" => explain::explain_token;
        READ   "/explain/exchange" => explain::explain_exchange;
        READ   "/explain/assertion" => explain::explain_assertion;
        READ   "/explain/request" => explain::explain_request;
        READ   "/audit/events" => audit::list_audit_events;
        READ   "/audit/export" => audit::export_audit_events;
        READ   "/audit/verify" => audit::verify_audit_trail;
        READ   "/admins" => admins::list_admins;
        READ   "/sessions" => admins::list_sessions;
        READ   "/settings" => settings::list_settings;
    } }
}

/// A route, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminApiRoute {
    /// `GET`, `POST`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// As the router has it.
    pub path: String,
    /// The scope that a token needs.
    pub scope: &'static str,
}

/// What there is, and which scope it needs.
pub fn list() -> Vec<AdminApiRoute> {
    all(Routes::new(Described::new())).list
}

/// Adds the routes to a document.
pub(in crate::http) fn describe(described: Described) -> Described {
    all(Routes::new(described)).described
}

/// The handlers with their scope and path. `routes!` describes each handler, which takes longer than all else that a router
/// needs: the process does it once.
static HANDLERS: LazyLock<Vec<Handlers>> =
    LazyLock::new(|| all(Routes::new(Described::new())).handlers);

type Handlers = (&'static str, String, MethodRouter<AppState>);

pub(in crate::http) fn router(app: &AppState) -> Router<AppState> {
    let guarded = |scope, handlers: &MethodRouter<AppState>| {
        let guarded = from_fn_with_state((app.clone(), scope), guard);
        handlers.clone().route_layer(guarded)
    };
    let handlers = HANDLERS
        .iter()
        .fold(Router::new(), |router, (scope, path, handlers)| {
            router.route(path, guarded(*scope, handlers))
        });
    // Else they were the portal's, which answers with pages.
    ["/admin/api", "/admin/api/", "/admin/api/{*rest}"]
        .into_iter()
        .fold(handlers, |router, path| {
            router.route(path, any(error::not_found))
        })
}

struct Routes {
    described: Described,
    list: Vec<AdminApiRoute>,
    handlers: Vec<Handlers>,
}

impl Routes {
    fn new(described: Described) -> Self {
        Self {
            described,
            list: Vec::new(),
            handlers: Vec::new(),
        }
    }

    /// Serves handlers at a path to tokens with this scope.
    fn at(
        mut self,
        scope: &'static str,
        path: &str,
        (schemas, mut paths, handlers): UtoipaMethodRouter<AppState>,
    ) -> Self {
        let path = format!("{PREFIX}{path}");
        for (method, operation) in paths.paths.values_mut().flat_map(operations) {
            complete(operation, &path, scope);
            self.list.push(AdminApiRoute {
                method,
                path: path.clone(),
                scope,
            });
        }
        self.handlers.push((scope, path.clone(), handlers.clone()));
        self.described = self.described.at(path, (schemas, paths, handlers));
        self
    }
}

/// Adds to an operation what all of them have: how a token is presented, and how they fail.
fn complete(operation: &mut Operation, path: &str, scope: &str) {
    operation.tags = Some(vec!["Administration".to_owned()]);
    let schemes = ["access_token", "bound_access_token"];
    operation.security = Some(
        schemes
            .map(|name| SecurityRequirement::new(name, [scope]))
            .to_vec(),
    );
    let errors = of_admin_operation(operation, path, matches!(scope, WRITE | ISSUERS));
    let proof = ProofHeader::into_params(|| None).into_iter();
    let parameters = operation.parameters.get_or_insert_default();
    parameters.extend(proof.map(RefOr::T));
    operation.responses.responses.extend(errors);
}
