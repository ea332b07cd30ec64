//! Every route of the portal, each with who may use it. A handler says the same in its signature (`Session<Owner>`);
//! a test goes through this list and holds that nobody less gets anything.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};

use crate::domain::AdminRole::{Operator, Owner, Viewer};
use crate::http::AppState;
use crate::http::portal::access::guard::{Access, Guard, guard, not_found, to_portal};
use crate::http::portal::admins::sessions;
use crate::http::portal::clients::{client, list, transfer};
use crate::http::portal::login::{account, passkeys, second_factor};
use crate::http::portal::page::assets;
use crate::http::portal::tokens::explain;
use crate::http::portal::usage::{dashboard, excess_tokens};
use crate::http::portal::{admins, audit, keys, login, secrets, settings, tokens};

/// The list.
fn routes(app: AppState) -> Routes {
    pages(trail_and_keys(transfer(clients(log_in(Routes::new(app))))))
}

fn log_in(routes: Routes) -> Routes {
    routes
        // Before there is a session.
        .get("/admin/login", Access::Anyone, login::show_login)
        .post("/admin/login", Access::Anyone, login::log_in)
        .get("/admin/assets/{name}", Access::Anyone, assets::show_asset)
        // Before a session is good for more.
        .get(
            "/admin/login/code",
            Access::LoggingIn,
            second_factor::show_challenge,
        )
        .post(
            "/admin/login/code",
            Access::LoggingIn,
            second_factor::answer_challenge,
        )
        .get(
            "/admin/account/password",
            Access::LoggingIn,
            account::show_password,
        )
        .post(
            "/admin/account/password",
            Access::LoggingIn,
            account::change_password,
        )
        .get(
            "/admin/account/second-factor",
            Access::LoggingIn,
            second_factor::show_enrolment,
        )
        .post(
            "/admin/account/second-factor",
            Access::LoggingIn,
            second_factor::confirm,
        )
        .post(
            "/admin/login/passkey",
            Access::LoggingIn,
            passkeys::answer_challenge,
        )
        .get(
            "/admin/account/passkey",
            Access::LoggingIn,
            passkeys::show_new_passkey,
        )
        .post(
            "/admin/account/passkey",
            Access::LoggingIn,
            passkeys::add_passkey,
        )
        .post("/admin/logout", Access::LoggingIn, login::log_out)
}

fn clients(routes: Routes) -> Routes {
    let role = Access::Role;
    routes
        .get("/admin/clients", role(Viewer), list::show_clients)
        // Not below the clients: one may be called `new`.
        .get("/admin/new-client", role(Operator), list::show_new_client)
        .post("/admin/new-client", role(Operator), list::create_client)
        .get(
            "/admin/clients/{client_id}",
            role(Viewer),
            client::show_client,
        )
        .get(
            "/admin/clients/{client_id}/edit",
            role(Operator),
            client::show_edit,
        )
        .post(
            "/admin/clients/{client_id}/edit",
            role(Operator),
            client::edit,
        )
        .post(
            "/admin/clients/{client_id}/status",
            role(Operator),
            client::set_status,
        )
        .post(
            "/admin/clients/{client_id}/revoke-tokens",
            role(Operator),
            client::revoke_tokens,
        )
        .post(
            "/admin/clients/{client_id}/release",
            role(Operator),
            client::release,
        )
        .post(
            "/admin/clients/{client_id}/delete",
            role(Operator),
            client::delete,
        )
        .post(
            "/admin/clients/{client_id}/secrets",
            role(Operator),
            secrets::add_secret,
        )
        .post(
            "/admin/clients/{client_id}/secrets/{secret_id}/end",
            role(Operator),
            secrets::end_secret,
        )
        .post(
            "/admin/clients/{client_id}/secrets/{secret_id}/remove",
            role(Operator),
            secrets::remove_secret,
        )
}

fn transfer(routes: Routes) -> Routes {
    let owner = Access::Role(Owner);
    routes
        .get("/admin/transfer", owner, transfer::show_transfer)
        .post("/admin/transfer/export", owner, transfer::export)
        .post("/admin/transfer/import", owner, transfer::import)
        .post("/admin/transfer/apply", owner, transfer::apply)
}

fn trail_and_keys(routes: Routes) -> Routes {
    let role = Access::Role;
    routes
        .get("/admin/explain", role(Viewer), explain::show_explanation)
        .get("/admin/waste", role(Viewer), excess_tokens::show_waste)
        .get("/admin/tokens", role(Viewer), tokens::show_tokens)
        .post("/admin/tokens", role(Viewer), tokens::inspect)
        .post("/admin/tokens/revoke", role(Operator), tokens::revoke)
        .get("/admin/keys", role(Viewer), keys::show_keys)
        .post("/admin/keys/rotate", role(Owner), keys::rotate)
        .post("/admin/keys/prepare", role(Owner), keys::prepare)
        .post("/admin/keys/{kid}/retire", role(Owner), keys::retire)
        .post("/admin/keys/{kid}/delete", role(Owner), keys::delete)
        .get("/admin/audit", role(Viewer), audit::show_audit)
        .get("/admin/audit/export", role(Viewer), audit::export_audit)
        .get("/admin/audit/verify", role(Viewer), audit::show_verify)
        .post("/admin/audit/verify", role(Viewer), audit::verify)
}

fn pages(routes: Routes) -> Routes {
    let role = Access::Role;
    routes
        .get("/admin/", role(Viewer), dashboard::show_dashboard)
        .get("/admin/admins", role(Owner), admins::show_admins)
        .post("/admin/admins", role(Owner), admins::create_admin)
        .get("/admin/admins/{name}", role(Owner), admins::show_admin)
        .post("/admin/admins/{name}/role", role(Owner), admins::set_role)
        .post(
            "/admin/admins/{name}/status",
            role(Owner),
            admins::set_status,
        )
        .post("/admin/admins/{name}/reset", role(Owner), admins::reset)
        .post("/admin/admins/{name}/delete", role(Owner), admins::delete)
        .get("/admin/sessions", role(Viewer), sessions::show_sessions)
        .post(
            "/admin/sessions/{session_id}/end",
            role(Viewer),
            sessions::end_session,
        )
        .post(
            "/admin/sessions/end-others",
            role(Viewer),
            sessions::end_others,
        )
        .get("/admin/settings", role(Viewer), settings::show_settings)
        .get("/admin/account", role(Viewer), account::show_account)
        .post(
            "/admin/account/second-factor/remove",
            role(Viewer),
            account::remove_second_factor,
        )
        .post(
            "/admin/account/passkeys/{passkey_id}/remove",
            role(Viewer),
            passkeys::remove_passkey,
        )
}

/// Who may use a route.
#[derive(Clone, Copy, Debug)]
pub struct AdminRoute {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// As the router has it.
    pub path: &'static str,
    /// Who.
    pub access: Access,
}

/// What there is, and who may use it.
pub fn list(app: &AppState) -> Vec<AdminRoute> {
    routes(app.clone()).list
}

/// The portal's part of the service.
pub(in crate::http) fn router(app: &AppState) -> Router<AppState> {
    let unknown = Guard::new(app.clone(), Access::Anyone);
    let unknown = any(not_found).layer(from_fn_with_state(unknown, guard));
    routes(app.clone())
        .router
        .route("/admin", get(to_portal))
        .route("/admin/{*rest}", unknown)
}

struct Routes {
    app: AppState,
    router: Router<AppState>,
    list: Vec<AdminRoute>,
}

impl Routes {
    fn new(app: AppState) -> Self {
        Self {
            app,
            router: Router::new(),
            list: Vec::new(),
        }
    }

    fn get<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.route(&Method::GET, path, access, get(handler))
    }

    fn post<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.route(&Method::POST, path, access, post(handler))
    }

    fn route(
        mut self,
        method: &Method,
        path: &'static str,
        access: Access,
        handler: axum::routing::MethodRouter<AppState>,
    ) -> Self {
        let guarded = Guard::new(self.app.clone(), access);
        let handler = handler.route_layer(from_fn_with_state(guarded, guard));
        self.router = self.router.route(path, handler);
        let method = if *method == Method::POST {
            "POST"
        } else {
            "GET"
        };
        self.list.push(AdminRoute {
            method,
            path,
            access,
        });
        self
    }
}
