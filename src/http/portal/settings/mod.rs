//! The settings of this replica, without secrets.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::config::Setting;
use crate::http::AppState;
use crate::http::portal::access::session::{Session, Viewer};
use crate::http::portal::page;
use crate::http::portal::page::Layout;

#[derive(Template)]
#[template(path = "settings/settings.html")]
struct SettingsPage<'a> {
    layout: Layout,
    settings: &'a [Setting],
}

pub(super) async fn show_settings(
    State(app): State<AppState>,
    session: Session<Viewer>,
) -> Response {
    page::show(&SettingsPage {
        layout: session.layout("Settings", "/admin/settings"),
        settings: &app.config().settings.0,
    })
}
