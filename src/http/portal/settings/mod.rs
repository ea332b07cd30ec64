//! The settings that this replica runs under, to look at: secrets are not among them.

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
        layout: Layout::new("Settings", "/admin/settings", Some(&session)),
        settings: &app.config().settings.0,
    })
}
