//! Owns what a client of Ory Hydra is here: the OAuth 2.0 client of its admin API and CLI, or a row of its table
//! `hydra_client`, which alone has the hash of the secret.

use serde_json::{Map, Value};

use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, RefusedRow, Row, named,
};
use crate::app::clients::transfer::formats::table::{take_secret_text, take_text, take_words};
use crate::app::clients::transfer::secrets::SecretRules;
use crate::base::clock::UnixTime;
use crate::domain::TokenTtl;

/// Scopes that are for the login of people.
const OF_PEOPLE: [&str; 3] = ["openid", "offline", "offline_access"];

/// Members that say nothing more than others do, or nothing to a machine.
const SILENT: [&str; 6] = [
    "created_at",
    "updated_at",
    "response_types",
    "subject_type",
    "userinfo_signed_response_alg",
    "registration_client_uri",
];

/// Parses a client.
pub(super) fn parse(row: &mut Map<String, Value>, rules: &SecretRules) -> Row {
    let id = row
        .get("client_id")
        .or_else(|| row.get("id"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    let id = id.as_deref();
    let bad = |reason: String| RefusedRow::bad(id, reason);
    let grants = take_words(row, "grant_types").map_err(bad)?;
    let method = take_text(row, "token_endpoint_auth_method").map_err(bad)?;
    let skipped = if !grants.iter().any(|grant| grant == "client_credentials") {
        Some("its grant_types do not have client_credentials")
    } else if method.as_deref() == Some("none") {
        Some("it is a public client: its token_endpoint_auth_method is none")
    } else {
        None
    };
    if let Some(reason) = skipped {
        row.clear();
        return Err(RefusedRow::skipped(id, reason));
    }
    for name in SILENT {
        row.remove(name);
    }
    parse_members(row, method, rules).map_err(bad)
}

fn parse_members(
    row: &mut Map<String, Value>,
    method: Option<String>,
    rules: &SecretRules,
) -> Result<ImportedClient, String> {
    let id = match take_text(row, "client_id")? {
        Some(id) => Some(id),
        None => take_text(row, "id")?,
    };
    let id = id.ok_or("client_id is missing")?;
    let mut remarks = Vec::new();
    let scope = take_text(row, "scope")?.unwrap_or_default();
    let (people, ours): (Vec<&str>, Vec<&str>) = scope
        .split_ascii_whitespace()
        .partition(|word| OF_PEOPLE.contains(word));
    if !people.is_empty() {
        remarks.push(format!("scopes for people left out: {}", people.join(" ")));
    }
    if ours.iter().any(|word| word.ends_with('*')) {
        remarks
            .push("a scope with `*` is that very word here, and stands for no others".to_owned());
    }
    let method = method.unwrap_or_else(|| "client_secret_basic".to_owned());
    let jwks = row.remove("jwks").filter(Value::is_object);
    let jwks = jwks.filter(|set| set.as_object().is_some_and(|it| !it.is_empty()));
    let ttl = take_text(row, "client_credentials_grant_access_token_lifespan")?;
    let ttl = ttl.map(|text| token_ttl(&text)).transpose()?;
    let mut imported = ImportedClient::of_members(
        &id,
        [
            ("name", take_text(row, "client_name")?.into()),
            ("scopes", ours.join(" ").into()),
            ("audiences", take_words(row, "audience")?.join(" ").into()),
            ("metadata", row.remove("metadata").into()),
            ("token_ttl", ttl.map(TokenTtl::seconds).into()),
            ("auth_methods", method.into()),
            ("jwks", jwks.into()),
            ("jwks_uri", take_text(row, "jwks_uri")?.into()),
        ],
    )?;
    imported.secrets = take_secret(row, imported.takes_secrets(), rules, &mut remarks)?;
    imported.remarks = remarks;
    Ok(imported)
}

fn take_secret(
    row: &mut Map<String, Value>,
    is_needed: bool,
    rules: &SecretRules,
    remarks: &mut Vec<String>,
) -> Result<Vec<ImportedSecret>, String> {
    let expires_at = match row.remove("client_secret_expires_at") {
        Some(Value::Number(number)) => number.as_i64().filter(|at| *at != 0).map(UnixTime),
        _ => None,
    };
    let text = take_secret_text(row, "client_secret")?;
    match text {
        Some(_) if !is_needed => {
            remarks.push("its secret is left out: its method takes none".to_owned());
            Ok(Vec::new())
        }
        None if !is_needed => Ok(Vec::new()),
        Some(text) => Ok(vec![named("client_secret", rules.read(text, expires_at))?]),
        None => Err(
            "client_secret is missing: Hydra's API does not give it; its table hydra_client has the hash"
                .to_owned(),
        ),
    }
}

/// How Go writes a duration: `1h30m0s`.
fn token_ttl(text: &str) -> Result<TokenTtl, String> {
    const NAME: &str = "client_credentials_grant_access_token_lifespan";
    let unreadable = || format!("{NAME} is no duration such as 1h0m0s");
    let mut seconds: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest[..digits].parse().map_err(|_| unreadable())?;
        let unit = match rest[digits..].bytes().next() {
            Some(b'h') => 3_600,
            Some(b'm') if !rest[digits..].starts_with("ms") => 60,
            Some(b's') => 1,
            _ => return Err(unreadable()),
        };
        seconds = seconds.saturating_add(number.saturating_mul(unit));
        rest = &rest[digits + 1..];
    }
    named(NAME, TokenTtl::from_seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifespan_is_read_as_go_writes_it() {
        assert_eq!(token_ttl("1h30m5s").unwrap().seconds(), 5_405);
        for text in ["1h30", "h", "1ms", "1.5h", "48h0m0s", "30s", "ü"] {
            assert!(token_ttl(text).is_err(), "{text}");
        }
    }
}
