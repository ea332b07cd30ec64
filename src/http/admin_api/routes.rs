//! Every route of the admin API, each with the scope that a token needs for it. A test goes through this list and holds
//! that no other token gets anything.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use super::guard::{Guard, guard};
use super::{admins, audit, clients, explain, keys, secrets, settings, tokens};
use crate::domain::{ADMIN_EXPORT_SCOPE, ADMIN_READ_SCOPE, ADMIN_WRITE_SCOPE};
use crate::http::AppState;
use crate::http::admin_api::clients::transfer;
use crate::http::admin_api::usage::{client, overview, totals};
use crate::http::openapi::Routes as Described;
use crate::http::response::error;

/// The list.
fn all(routes: Routes) -> Routes {
    others(files(clients(routes)))
}

/// Clients to and from files.
fn files(routes: Routes) -> Routes {
    let write = ADMIN_WRITE_SCOPE;
    routes
        .at(
            "/admin/api/v1/transfer/export",
            ADMIN_EXPORT_SCOPE,
            routes!(transfer::export_clients),
        )
        .at(
            "/admin/api/v1/transfer/import",
            write,
            routes!(transfer::import_clients),
        )
        .at(
            "/admin/api/v1/transfer/apply",
            write,
            routes!(transfer::apply_clients),
        )
}

fn clients(routes: Routes) -> Routes {
    let (read, write) = (ADMIN_READ_SCOPE, ADMIN_WRITE_SCOPE);
    routes
        .at(
            "/admin/api/v1/clients",
            read,
            routes!(clients::list_clients),
        )
        .at(
            "/admin/api/v1/clients",
            write,
            routes!(clients::create_client),
        )
        .at(
            "/admin/api/v1/clients/{client_id}",
            read,
            routes!(clients::show_client),
        )
        .at(
            "/admin/api/v1/clients/{client_id}",
            write,
            routes!(clients::update_client, clients::delete_client),
        )
        .at(
            "/admin/api/v1/clients/{client_id}/enable",
            write,
            routes!(clients::enable_client),
        )
        .at(
            "/admin/api/v1/clients/{client_id}/disable",
            write,
            routes!(clients::disable_client),
        )
        .at(
            "/admin/api/v1/clients/{client_id}/release",
            write,
            routes!(clients::release_client),
        )
        .at(
            "/admin/api/v1/clients/{client_id}/revoke-tokens",
            write,
            routes!(clients::revoke_tokens),
        )
        .at(
            "/admin/api/v1/clients/{client_id}/secrets",
            read,
            routes!(secrets::list_secrets),
        )
        .at(
            "/admin/api/v1/clients/{client_id}/secrets",
            write,
            routes!(secrets::add_secret),
        )
        .at(
            "/admin/api/v1/clients/{client_id}/secrets/{secret_id}",
            write,
            routes!(secrets::delete_secret),
        )
        .at(
            "/admin/api/v1/clients/{client_id}/secrets/{secret_id}/expire",
            write,
            routes!(secrets::expire_secret),
        )
        .at(
            "/admin/api/v1/clients/{client_id}/usage",
            read,
            routes!(client::show_usage),
        )
}

fn others(routes: Routes) -> Routes {
    let (read, write) = (ADMIN_READ_SCOPE, ADMIN_WRITE_SCOPE);
    routes
        .at("/admin/api/v1/keys", read, routes!(keys::list_keys))
        .at(
            "/admin/api/v1/keys/rotate",
            write,
            routes!(keys::rotate_keys),
        )
        .at(
            "/admin/api/v1/keys/prepare",
            write,
            routes!(keys::prepare_key),
        )
        .at("/admin/api/v1/keys/{kid}", write, routes!(keys::delete_key))
        .at(
            "/admin/api/v1/keys/{kid}/retire",
            write,
            routes!(keys::retire_key),
        )
        .at(
            "/admin/api/v1/tokens/inspect",
            read,
            routes!(tokens::inspect_token),
        )
        .at(
            "/admin/api/v1/tokens/revoke",
            write,
            routes!(tokens::revoke_token),
        )
        .at(
            "/admin/api/v1/overview",
            read,
            routes!(overview::show_overview),
        )
        .at(
            "/admin/api/v1/usage/totals",
            read,
            routes!(totals::show_totals),
        )
        .at("/admin/api/v1/usage/top", read, routes!(totals::show_top))
        .at(
            "/admin/api/v1/usage/waste",
            read,
            routes!(totals::show_waste),
        )
        .at(
            "/admin/api/v1/explain/token",
            read,
            routes!(explain::explain_token),
        )
        .at(
            "/admin/api/v1/explain/request",
            read,
            routes!(explain::explain_request),
        )
        .at(
            "/admin/api/v1/audit/events",
            read,
            routes!(audit::list_events),
        )
        .at(
            "/admin/api/v1/audit/export",
            read,
            routes!(audit::export_events),
        )
        .at(
            "/admin/api/v1/audit/verify",
            read,
            routes!(audit::verify_trail),
        )
        .at("/admin/api/v1/admins", read, routes!(admins::list_admins))
        .at(
            "/admin/api/v1/sessions",
            read,
            routes!(admins::list_sessions),
        )
        .at(
            "/admin/api/v1/settings",
            read,
            routes!(settings::list_settings),
        )
}

/// A route, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminApiRoute {
    /// `GET`, `POST`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// As the router has it.
    pub path: &'static str,
    /// The scope that a token needs.
    pub scope: &'static str,
}

/// What there is, and which scope it needs.
pub fn list(app: &AppState) -> Vec<AdminApiRoute> {
    all(Routes::new(Some(app.clone()), Described::new())).list
}

/// Adds the routes to a document.
pub(in crate::http) fn describe(described: Described) -> Described {
    all(Routes::new(None, described)).described
}

/// The API's part of the service.
pub(in crate::http) fn router(app: &AppState) -> Router<AppState> {
    let routes = all(Routes::new(Some(app.clone()), Described::new()));
    // Else they were the portal's, which answers with pages.
    ["/admin/api", "/admin/api/", "/admin/api/{*rest}"]
        .into_iter()
        .fold(routes.described.router, |router, path| {
            router.route(path, any(error::not_found))
        })
}

struct Routes {
    /// `None`: for the document alone.
    app: Option<AppState>,
    described: Described,
    list: Vec<AdminApiRoute>,
}

impl Routes {
    fn new(app: Option<AppState>, described: Described) -> Self {
        Self {
            app,
            described,
            list: Vec::new(),
        }
    }

    /// Serves handlers at a path to tokens with this scope.
    fn at(
        mut self,
        path: &'static str,
        scope: &'static str,
        (schemas, mut paths, handlers): UtoipaMethodRouter<AppState>,
    ) -> Self {
        for item in paths.paths.values_mut() {
            for (method, operation) in [
                ("GET", &mut item.get),
                ("POST", &mut item.post),
                ("PATCH", &mut item.patch),
                ("DELETE", &mut item.delete),
            ] {
                let Some(operation) = operation else { continue };
                secure(operation, scope);
                self.list.push(AdminApiRoute {
                    method,
                    path,
                    scope,
                });
            }
        }
        let handlers = match &self.app {
            Some(app) => {
                let guarded = Guard::new(app.clone(), scope);
                handlers.route_layer(from_fn_with_state(guarded, guard))
            }
            None => handlers,
        };
        self.described = self.described.at(path, (schemas, paths, handlers));
        self
    }
}

fn secure(operation: &mut Operation, scope: &str) {
    let schemes = ["access_token", "bound_access_token"];
    operation.security = Some(
        schemes
            .map(|name| SecurityRequirement::new(name, [scope]))
            .to_vec(),
    );
}
