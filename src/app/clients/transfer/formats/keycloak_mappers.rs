//! Owns what protocol mappers of Keycloak are here, those of a client and those of its client scopes: audiences, and claims
//! that are the same in each token.

use serde_json::{Map, Value};

use crate::base::json;

/// What mappers put into access tokens.
#[derive(Debug, Default)]
pub(super) struct Mapped {
    pub(super) audiences: Vec<String>,
    pub(super) claims: Map<String, Value>,
}

/// Claims of the mappers that come with each service account.
const OF_ACCOUNTS: [&str; 3] = ["clientId", "clientHost", "clientAddress"];

impl Mapped {
    /// Adds what a mapper does; a remark says what of it has no place here. `whose` is the client scope it belongs to, empty
    /// for the client's own.
    pub(super) fn add(&mut self, mapper: &Value, whose: &str, remarks: &mut Vec<String>) {
        let text = |name: &str| mapper.get(name).and_then(Value::as_str).unwrap_or_default();
        let config = |name: &str| {
            let value = mapper.get("config").and_then(|config| config.get(name));
            let text = value.and_then(Value::as_str);
            text.filter(|text| !text.is_empty())
        };
        let (kind, name) = (text("protocolMapper"), text("name"));
        let claim_name = config("claim.name");
        if kind == "oidc-usersessionmodel-note-mapper"
            || claim_name.is_some_and(|name| OF_ACCOUNTS.contains(&name))
        {
            return;
        }
        let which = format!("its mapper `{name}`{whose} ({kind})");
        match config("access.token.claim") {
            Some("true") => {}
            None if is_taken(kind) => {
                remarks.push(format!(
                    "{which} does not set `access.token.claim`, so it is imported"
                ));
            }
            None | Some(_) => {
                remarks.push(format!(
                    "{which} is left out, because it is not for access tokens"
                ));
                return;
            }
        }
        match kind {
            "oidc-audience-mapper" => {
                // The first of them that is there counts.
                let named = ["included.client.audience", "included.custom.audience"];
                if let Some(audience) = named.into_iter().find_map(config) {
                    self.audiences.push(audience.to_owned());
                }
            }
            "oidc-hardcoded-claim-mapper" => {
                if let (Some(claim), Some(value)) = (claim_name, config("claim.value")) {
                    let value = typed(config("jsonType.label"), value);
                    if !insert(&mut self.claims, &path(claim), value) {
                        remarks.push(format!(
                            "{which} is left out, because another claim conflicts with `{claim}`"
                        ));
                    }
                }
            }
            _ => remarks.push(format!("{which} is left out")),
        }
    }
}

fn is_taken(kind: &str) -> bool {
    matches!(kind, "oidc-audience-mapper" | "oidc-hardcoded-claim-mapper")
}

/// The names between dots; a dot behind a backslash belongs to the name.
fn path(claim: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut characters = claim.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, names.last_mut()) {
            ('\\', Some(name)) if characters.peek() == Some(&'.') => {
                name.push('.');
                characters.next();
            }
            ('.', _) => names.push(String::new()),
            (_, Some(name)) => name.push(character),
            (_, None) => {}
        }
    }
    names
}

/// Whether the claim has its place now: no other value stands there, nor on the way.
fn insert(claims: &mut Map<String, Value>, path: &[String], value: Value) -> bool {
    match path {
        [] => false,
        [name] => match claims.get(name) {
            Some(other) => *other == value,
            None => {
                claims.insert(name.clone(), value);
                true
            }
        },
        [name, rest @ ..] => {
            let inner = claims
                .entry(name.as_str())
                .or_insert_with(|| Map::new().into());
            inner
                .as_object_mut()
                .is_some_and(|inner| insert(inner, rest, value))
        }
    }
}

fn typed(kind: Option<&str>, text: &str) -> Value {
    match kind {
        Some("int" | "long" | "boolean" | "JSON") => {
            json::from_str(text).unwrap_or_else(|_| Value::from(text))
        }
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_with_dots_in_its_name_is_nested() {
        assert_eq!(path("org.tenant"), ["org", "tenant"]);
        assert_eq!(path(r"urn\.x.y"), ["urn.x", "y"]);
        let mut claims = Map::new();
        assert!(insert(&mut claims, &path("org.tenant"), json!("acme")));
        assert!(insert(&mut claims, &path("org.unit"), json!(7)));
        assert!(insert(&mut claims, &path("org.unit"), json!(7)));
        assert!(!insert(&mut claims, &path("org.unit"), json!(8)));
        assert!(!insert(&mut claims, &path("org.unit.x"), json!(8)));
        assert_eq!(
            Value::from(claims),
            json!({"org": {"tenant": "acme", "unit": 7}})
        );
    }
}
