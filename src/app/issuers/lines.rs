//! An issuer member by member, as people read it.

use serde_json::Value;

use crate::domain::TrustedIssuer;

/// Every member that the JSON of an issuer has, with its value.
pub fn issuer_lines(issuer: &TrustedIssuer) -> Vec<(String, String)> {
    let Ok(Value::Object(members)) = serde_json::to_value(issuer) else {
        return Vec::new();
    };
    let line = |(name, value): (String, Value)| {
        let text = match (name.as_str(), value) {
            ("created_at", _) => issuer.created_at.to_string(),
            ("updated_at", _) => issuer.updated_at.to_string(),
            ("max_lifetime", seconds) => format!("{seconds} s"),
            ("audiences", Value::Array(list)) if list.is_empty() => "ISSUER".to_owned(),
            (_, Value::String(text)) => text,
            (_, Value::Array(list)) => {
                let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
                words.join(" ")
            }
            (_, other) => other.to_string(),
        };
        (name, text)
    };
    members.into_iter().map(line).collect()
}
