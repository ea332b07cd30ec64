//! Owns what differs between two states of a client, member by member, as people are shown it before they decide.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::Client;

/// A member that differs; null where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldChange {
    /// Its name, everywhere.
    pub field: String,
    /// What it was.
    pub before: Value,
    /// What it is then.
    pub after: Value,
}

/// When it was registered and last changed, a client says itself.
const TIMES: [&str; 2] = ["created_at", "updated_at"];

/// What differs, in the order in which members are shown.
pub(in crate::app) fn diff(before: &Client, after: &Client) -> Vec<FieldChange> {
    let (old, new) = (members(before), members(after));
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    let names = new.keys().chain(gone);
    names
        .filter(|name| !TIMES.contains(&name.as_str()))
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| FieldChange {
            field: name.clone(),
            before: old.get(name).cloned().unwrap_or_default(),
            after: new.get(name).cloned().unwrap_or_default(),
        })
        .collect()
}

/// A client is always written as an object.
fn members(client: &Client) -> Map<String, Value> {
    match serde_json::to_value(client) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => Map::new(),
    }
}
