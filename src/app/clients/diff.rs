//! Owns what differs between two states of a client or of a trusted issuer, member by member, as people are shown it before
//! they decide.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A changed member; null if it is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// The name of the member.
    pub field: String,
    /// The value before.
    pub before: Value,
    /// The value after.
    pub after: Value,
}

/// When it was registered and last changed, both say themselves.
const TIMES: [&str; 2] = ["created_at", "updated_at"];

/// What differs, in the order in which members are shown.
pub(in crate::app) fn diff<T: Serialize>(before: &T, after: &T) -> Vec<FieldChange> {
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

/// The members of a value of a type that is always written as an object; any other has none.
pub(in crate::app::clients) fn members(it: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(it) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => Map::new(),
    }
}
