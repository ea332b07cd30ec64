//! The settings of this replica, without secrets, explained by the text of `.env.sample`.

mod risks;

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;

use crate::config::{Setting, describe_settings};
use crate::http::portal::access::{PortalRequest, Viewer};
use crate::http::portal::page::{self, Layout};

const PATH: &str = "/admin/settings";

#[derive(Template)]
#[template(path = "settings/settings.html")]
struct SettingsPage<'a> {
    layout: Layout,
    replica: String,
    changed_only: bool,
    changed: usize,
    groups: Vec<Group<'a>>,
}

/// The settings under one heading of `.env.sample`.
struct Group<'a> {
    heading: &'static str,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    setting: &'a Setting,
    default: &'static str,
    text: String,
    risk: Option<String>,
}

pub(super) async fn show_settings(mut request: PortalRequest<Viewer>) -> Response {
    let changed_only = request.query.take("changed").is_some();
    let config = request.app.config();
    let settings = config.settings.0.iter();
    let settings: BTreeMap<&str, &Setting> = settings.map(|it| (it.name.as_str(), it)).collect();
    let mut risks = risks::find(config);
    let mut groups: Vec<Group<'_>> = Vec::new();
    for described in describe_settings() {
        let Some(setting) = settings.get(described.name) else {
            continue;
        };
        let risk = risks.remove(described.name);
        if changed_only && !setting.is_set && risk.is_none() {
            continue;
        }
        let row = Row {
            setting,
            default: described.default,
            text: described.text,
            risk,
        };
        match groups.last_mut() {
            Some(group) if group.heading == described.section => group.rows.push(row),
            Some(_) | None => groups.push(Group {
                heading: described.section,
                rows: vec![row],
            }),
        }
    }
    page::show(&SettingsPage {
        layout: request.layout("Settings", PATH),
        replica: request.app.replication.name(),
        changed_only,
        changed: settings.values().filter(|it| it.is_set).count(),
        groups,
    })
}

/// The beginning of an explanation, up to the end of its first sentence.
fn first_sentence(text: &str) -> String {
    let end = text.find(". ").map_or(text.len(), |end| end + 1);
    text[..end].replace('`', "")
}
