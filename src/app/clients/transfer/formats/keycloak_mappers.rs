//! Owns what the protocol mappers of a client of Keycloak are here: audiences, and claims that are the same in each token.

use crate::base::json;
use serde_json::{Map, Value};

/// The audiences, and the claims that are the same in each token: what its protocol mappers put there.
pub(super) fn take_mappers(
    row: &mut Map<String, Value>,
    remarks: &mut Vec<String>,
) -> Result<(Vec<String>, Map<String, Value>), String> {
    let (mut audiences, mut claims) = (Vec::new(), Map::new());
    let mappers = match row.remove("protocolMappers") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(mappers)) => mappers,
        Some(_) => return Err("protocolMappers is no list".to_owned()),
    };
    for mapper in mappers {
        let text = |name: &str| mapper.get(name).and_then(Value::as_str).unwrap_or_default();
        let config = |name: &str| {
            let value = mapper.get("config").and_then(|config| config.get(name));
            let text = value.and_then(Value::as_str);
            text.filter(|text| !text.is_empty())
        };
        match text("protocolMapper") {
            "oidc-audience-mapper" => {
                let named = ["included.custom.audience", "included.client.audience"];
                audiences.extend(named.into_iter().filter_map(config).map(str::to_owned));
            }
            "oidc-hardcoded-claim-mapper" => {
                if let (Some(name), Some(value)) = (config("claim.name"), config("claim.value")) {
                    let value = claim(config("jsonType.label"), value);
                    claims.insert(name.to_owned(), value);
                }
            }
            // These three come with each service account.
            _ if ["clientId", "clientHost", "clientAddress"]
                .iter()
                .any(|claim| config("claim.name") == Some(claim)) => {}
            "oidc-usersessionmodel-note-mapper" => {}
            kind => remarks.push(format!(
                "its mapper `{}` ({kind}) is left out",
                text("name")
            )),
        }
    }
    Ok((audiences, claims))
}

fn claim(kind: Option<&str>, text: &str) -> Value {
    match kind {
        Some("int" | "long" | "boolean" | "JSON") => {
            json::from_str(text).unwrap_or_else(|_| Value::from(text))
        }
        _ => Value::from(text),
    }
}
