//! Every route of the portal, each with who may use it. A handler says the same in its signature (`PortalRequest<Owner>`);
//! a test goes through this list and holds that nobody less gets anything.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any, get, post};

use crate::domain::AdminRole;
use crate::http::AppState;
use crate::http::portal::access::guard::{Access, Guard, guard, not_found, to_portal};
use crate::http::portal::admins::sessions;
use crate::http::portal::clients::{client, create, list, questions, transfer};
use crate::http::portal::login::{account, passkeys, second_factor};
use crate::http::portal::page::assets;
use crate::http::portal::tokens::explain;
use crate::http::portal::usage::{clock, dashboard, excess_tokens};
use crate::http::portal::{admins, audit, issuers, keys, login, secrets, settings, tokens};

const ANYONE: Access = Access::Anyone;
/// Before a session gives access to more.
const LOGIN: Access = Access::LoggingIn;
const VIEWER: Access = Access::Role(AdminRole::Viewer);
const OPERATOR: Access = Access::Role(AdminRole::Operator);
const OWNER: Access = Access::Role(AdminRole::Owner);

/// Adds routes: who may use one, the method, the path, the handler.
macro_rules! table {
    ($routes:ident { $($access:ident $method:ident $path:literal $($handler:ident)::+;)* }) => {
        $routes$(.add($access, table!(@$method), $path, $method($($handler)::+)))*
    };
    (@get) => { "GET" };
    (@post) => { "POST" };
}

/// The list. `/admin/new-client` is not below `/admin/clients/`, where it would hide a client called `new`.
#[expect(clippy::too_many_lines, reason = "one list, with a line for each route")]
#[rustfmt::skip]
fn all(routes: Routes) -> Routes {
    table! { routes {
        ANYONE   get  "/admin/login"                                             login::show_login;
        ANYONE   post "/admin/login"                                             login::log_in;
        ANYONE   get  "/admin/assets/{name}"                                     assets::show_asset;
        LOGIN    get  "/admin/login/code"                                        second_factor::show_challenge;
        LOGIN    post "/admin/login/code"                                        second_factor::answer_challenge;
        LOGIN    post "/admin/login/passkey"                                     passkeys::answer_challenge;
        LOGIN    get  "/admin/account/password"                                  account::show_password;
        LOGIN    post "/admin/account/password"                                  account::change_password;
        LOGIN    get  "/admin/account/second-factor"                             second_factor::show_enrolment;
        LOGIN    post "/admin/account/second-factor"                             second_factor::confirm;
        LOGIN    get  "/admin/account/passkey"                                   passkeys::show_new_passkey;
        LOGIN    post "/admin/account/passkey"                                   passkeys::add_passkey;
        LOGIN    post "/admin/logout"                                            login::log_out;
        VIEWER   get  "/admin/account"                                           account::show_account;
        VIEWER   post "/admin/account/second-factor/remove"                      account::remove_second_factor;
        VIEWER   post "/admin/account/recovery-codes"                            account::make_recovery_codes;
        VIEWER   get  "/admin/account/recovery-codes"                            account::show_recovery_codes;
        VIEWER   post "/admin/account/passkeys/{passkey_id}/remove"              passkeys::remove_passkey;
        VIEWER   get  "/admin/"                                                  dashboard::show_dashboard;
        OWNER    get  "/admin/clock/confirm"                                     clock::ask_confirm;
        OWNER    post "/admin/clock/confirm"                                     clock::confirm_clock;
        VIEWER   get  "/admin/clients"                                           list::show_clients;
        OPERATOR get  "/admin/new-client"                                        create::show_new_client;
        OPERATOR post "/admin/new-client"                                        create::create_client;
        VIEWER   get  "/admin/clients/{client_id}"                               client::show_client;
        OPERATOR get  "/admin/clients/{client_id}/edit"                          client::show_edit;
        OPERATOR post "/admin/clients/{client_id}/edit"                          client::edit;
        OPERATOR get  "/admin/clients/{client_id}/disable"                       questions::ask_disable;
        OPERATOR post "/admin/clients/{client_id}/status"                        client::set_status;
        OPERATOR get  "/admin/clients/{client_id}/revoke-tokens"                 questions::ask_revoke;
        OPERATOR post "/admin/clients/{client_id}/revoke-tokens"                 client::revoke_tokens;
        OPERATOR get  "/admin/clients/{client_id}/release"                       questions::ask_detach;
        OPERATOR post "/admin/clients/{client_id}/release"                       client::detach;
        OPERATOR get  "/admin/clients/{client_id}/delete"                        questions::ask_delete;
        OPERATOR post "/admin/clients/{client_id}/delete"                        client::delete;
        OPERATOR post "/admin/clients/{client_id}/secrets"                       secrets::add_secret;
        OPERATOR get  "/admin/clients/{client_id}/rotate"                        secrets::rotate::ask_rotate;
        OPERATOR post "/admin/clients/{client_id}/rotate"                        secrets::rotate::rotate;
        OPERATOR get  "/admin/clients/{client_id}/finish-rotation"               secrets::rotate::ask_finish;
        OPERATOR post "/admin/clients/{client_id}/finish-rotation"               secrets::rotate::finish;
        OPERATOR get  "/admin/clients/{client_id}/new-secret"                    secrets::show_new_secret;
        OPERATOR get  "/admin/clients/{client_id}/secrets/{secret_id}/end"       secrets::ask_expire;
        OPERATOR post "/admin/clients/{client_id}/secrets/{secret_id}/end"       secrets::expire_secret;
        OPERATOR get  "/admin/clients/{client_id}/secrets/{secret_id}/remove"    secrets::ask_delete;
        OPERATOR post "/admin/clients/{client_id}/secrets/{secret_id}/remove"    secrets::delete_secret;
        OWNER    get  "/admin/transfer"                                          transfer::show_transfer;
        OWNER    post "/admin/transfer/export"                                   transfer::export;
        OWNER    post "/admin/transfer/import"                                   transfer::import;
        OWNER    post "/admin/transfer/apply"                                    transfer::apply;
        OWNER    get  "/admin/transfer/applied"                                  transfer::show_applied;
        VIEWER   get  "/admin/explain"                                           explain::show_explanation;
        VIEWER   get  "/admin/explain/exchange"                                  explain::show_exchange;
        VIEWER   post "/admin/explain/exchange"                                  explain::explain_exchange;
        VIEWER   get  "/admin/explain/assertion"                                 explain::show_assertion;
        VIEWER   post "/admin/explain/assertion"                                 explain::explain_assertion;
        VIEWER   get  "/admin/excess-tokens"                                     excess_tokens::show_excess_tokens;
        VIEWER   get  "/admin/tokens"                                            tokens::show_tokens;
        VIEWER   post "/admin/tokens"                                            tokens::inspect;
        OPERATOR post "/admin/tokens/revoke"                                     tokens::revoke;
        VIEWER   get  "/admin/issuers"                                           issuers::show_issuers;
        OWNER    get  "/admin/new-issuer"                                        issuers::form::show_new_issuer;
        OWNER    post "/admin/new-issuer"                                        issuers::form::create_issuer;
        VIEWER   get  "/admin/issuers/{name}"                                    issuers::show_issuer;
        OWNER    get  "/admin/issuers/{name}/edit"                               issuers::form::show_edit;
        OWNER    post "/admin/issuers/{name}/edit"                               issuers::form::edit;
        OWNER    get  "/admin/issuers/{name}/disable"                            issuers::ask_disable;
        OWNER    post "/admin/issuers/{name}/disable"                            issuers::disable;
        OWNER    post "/admin/issuers/{name}/enable"                             issuers::enable;
        OWNER    get  "/admin/issuers/{name}/delete"                             issuers::ask_delete;
        OWNER    post "/admin/issuers/{name}/delete"                             issuers::delete;
        OWNER    post "/admin/issuers/{name}/check"                              issuers::check;
        OPERATOR get  "/admin/clients/{client_id}/new-identity"                  issuers::identities::show_new_identity;
        OPERATOR post "/admin/clients/{client_id}/new-identity"                  issuers::identities::add_identity;
        OPERATOR get  "/admin/clients/{client_id}/identities/{identity}/remove"  issuers::identities::ask_remove;
        OPERATOR post "/admin/clients/{client_id}/identities/{identity}/remove"  issuers::identities::remove_identity;
        VIEWER   get  "/admin/keys"                                              keys::show_keys;
        OWNER    get  "/admin/keys/rotate"                                       keys::ask_rotate;
        OWNER    post "/admin/keys/rotate"                                       keys::rotate;
        OWNER    post "/admin/keys/prepare"                                      keys::prepare;
        OWNER    get  "/admin/keys/{kid}/retire"                                 keys::ask_retire;
        OWNER    post "/admin/keys/{kid}/retire"                                 keys::retire;
        OWNER    get  "/admin/keys/{kid}/delete"                                 keys::ask_delete;
        OWNER    post "/admin/keys/{kid}/delete"                                 keys::delete;
        VIEWER   get  "/admin/audit"                                             audit::show_audit;
        VIEWER   get  "/admin/audit/export"                                      audit::export_audit;
        VIEWER   get  "/admin/audit/verify"                                      audit::show_verify;
        VIEWER   post "/admin/audit/verify"                                      audit::verify;
        OWNER    get  "/admin/admins"                                            admins::show_admins;
        OWNER    post "/admin/admins"                                            admins::create_admin;
        OWNER    get  "/admin/admins/{name}"                                     admins::show_admin;
        OWNER    get  "/admin/admins/{name}/password"                            admins::show_password;
        OWNER    post "/admin/admins/{name}/role"                                admins::set_role;
        OWNER    get  "/admin/admins/{name}/disable"                             admins::ask_disable;
        OWNER    post "/admin/admins/{name}/status"                              admins::set_status;
        OWNER    get  "/admin/admins/{name}/reset"                               admins::ask_reset;
        OWNER    post "/admin/admins/{name}/reset"                               admins::reset;
        OWNER    get  "/admin/admins/{name}/delete"                              admins::ask_delete;
        OWNER    post "/admin/admins/{name}/delete"                              admins::delete;
        VIEWER   get  "/admin/sessions"                                          sessions::show_sessions;
        VIEWER   get  "/admin/sessions/{session_id}/end"                         sessions::ask_end_session;
        VIEWER   post "/admin/sessions/{session_id}/end"                         sessions::end_session;
        VIEWER   get  "/admin/sessions/end-others"                               sessions::ask_end_others;
        VIEWER   post "/admin/sessions/end-others"                               sessions::end_others;
        VIEWER   get  "/admin/settings"                                          settings::show_settings;
    } }
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
    all(Routes::new(app.clone())).list
}

/// The portal's part of the service.
pub(in crate::http) fn router(app: &AppState) -> Router<AppState> {
    let unknown = Guard::new(app.clone(), Access::Anyone);
    let unknown = any(not_found).layer(from_fn_with_state(unknown, guard));
    all(Routes::new(app.clone()))
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

    fn add(
        mut self,
        access: Access,
        method: &'static str,
        path: &'static str,
        handler: MethodRouter<AppState>,
    ) -> Self {
        let guarded = Guard::new(self.app.clone(), access);
        let handler = handler.route_layer(from_fn_with_state(guarded, guard));
        self.router = self.router.route(path, handler);
        self.list.push(AdminRoute {
            method,
            path,
            access,
        });
        self
    }
}
