//! Owns what a row of a home-made server may hold, whether it came as CSV or as JSON.

use serde_json::{Map, Value};

use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, RefusedRow, Row, named,
};
use crate::app::clients::transfer::secrets::SecretRules;
use crate::base::clock::UnixTime;
use crate::domain::{
    AllowedNetworks, Audience, AuthenticationSettings, Client, ClientId, ClientStatus, Description,
    Metadata, Name, Scope, SenderConstraint, TokenTtl,
};

const CERTIFICATE_BOUND: &str = "tls_client_certificate_bound_access_tokens";
const DPOP_BOUND: &str = "dpop_bound_access_tokens";

/// Parses a row; the error names the member and what to mend, never the secret.
pub(in crate::app::clients::transfer) fn parse(
    row: &mut Map<String, Value>,
    rules: &SecretRules,
) -> Row {
    let id = row.get("client_id").and_then(Value::as_str);
    let id = id.map(str::to_owned);
    parse_members(row, rules).map_err(|reason| RefusedRow::bad(id.as_deref(), reason))
}

fn parse_members(
    row: &mut Map<String, Value>,
    rules: &SecretRules,
) -> Result<ImportedClient, String> {
    // All of them first: what is wrong with one must not make another one that means nothing.
    let (plain, hash) = (
        take_secret_text(row, "client_secret"),
        take_secret_text(row, "client_secret_hash"),
    );
    let mut text = |name: &str| take_text(row, name);
    let (id, name, description) = (text("client_id"), text("name"), text("description"));
    let (status, token_ttl) = (text("status"), text("token_ttl"));
    let (scopes, scope) = (text("scopes"), text("scope"));
    let (audiences, audience) = (text("audiences"), text("audience"));
    let networks = text("allowed_networks");
    let metadata = row.remove("metadata");
    let (certificate_bound, dpop_bound) = (
        take_flag(row, CERTIFICATE_BOUND),
        take_flag(row, DPOP_BOUND),
    );
    let client_id = match id? {
        Some(id) => named("client_id", ClientId::parse_new(&id))?,
        None => return Err("client_id is missing".to_owned()),
    };
    let secret = parse_secret(plain?, hash?, rules)?;
    let name = named("name", Name::parse(&name?.unwrap_or_default()))?;
    let description = description?.unwrap_or_default();
    let client = Client {
        client_id,
        name,
        description: named("description", Description::parse(&description))?,
        status: match status? {
            Some(status) => named("status", ClientStatus::parse(&status))?,
            None => ClientStatus::Enabled,
        },
        scopes: {
            let scopes = either("scopes", scopes?, "scope", scope?)?;
            named("scopes", Scope::parse(&scopes.unwrap_or_default()))?
        },
        audiences: {
            let list = either("audiences", audiences?, "audience", audience?)?;
            named("audiences", Audience::parse_list(&list.unwrap_or_default()))?
        },
        token_ttl: token_ttl?.map(|text| parse_token_ttl(&text)).transpose()?,
        token_quota: None,
        allowed_networks: named(
            "allowed_networks",
            AllowedNetworks::parse(&networks?.unwrap_or_default()),
        )?,
        metadata: parse_metadata(metadata)?,
        authentication: AuthenticationSettings::default(),
        sender_constraint: SenderConstraint {
            tls_client_certificate_bound_access_tokens: certificate_bound?,
            dpop_bound_access_tokens: dpop_bound?,
        },
        managed_by: None,
        created_at: UnixTime(0),
        updated_at: UnixTime(0),
    };
    Ok(ImportedClient {
        client,
        secrets: vec![secret],
        is_exact: false,
        remarks: Vec::new(),
    })
}

fn parse_token_ttl(text: &str) -> Result<TokenTtl, String> {
    let seconds: i64 = text
        .parse()
        .map_err(|_| "token_ttl is no whole number of seconds")?;
    named("token_ttl", TokenTtl::from_seconds(seconds))
}

fn parse_secret(
    text: Option<String>,
    hash: Option<String>,
    rules: &SecretRules,
) -> Result<ImportedSecret, String> {
    match (text, hash) {
        // Home-made servers that hash have the hash in the column that had the secret.
        (Some(text), None) => named("client_secret", rules.read(text, None)),
        (None, Some(hash)) => {
            let hash = named("client_secret_hash", rules.read_hash(&hash))?;
            Ok(ImportedSecret::Hash(hash, None))
        }
        (None, None) => Err("client_secret is missing".to_owned()),
        (Some(_), Some(_)) => Err("give client_secret or client_secret_hash, not both".to_owned()),
    }
}

pub(in crate::app::clients::transfer) fn parse_metadata(
    value: Option<Value>,
) -> Result<Metadata, String> {
    match value {
        None | Some(Value::Null) => Ok(Metadata::default()),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(Metadata::default()),
        // CSV has only text.
        Some(Value::String(text)) => named("metadata", Metadata::parse(&text)),
        Some(Value::Object(object)) => named("metadata", Metadata::from_object(&object)),
        Some(_) => Err("metadata is not a JSON object".to_owned()),
    }
}

/// A member as text: a string, a number, or a list of words. Missing, null and empty are one.
pub(in crate::app::clients::transfer) fn take_text(
    row: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<String>, String> {
    match row.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        // A fraction or a number too long for 64 bits has lost digits by now: it would be another secret.
        Some(Value::Number(number)) if number.is_f64() => {
            Err(format!("{name} is a number; write it in quotes"))
        }
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Array(words)) => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            match words {
                Some(words) => Ok(Some(words.join(" ")).filter(|text| !text.is_empty())),
                None => Err(format!("{name} is a list of something else than words")),
            }
        }
        Some(Value::Bool(_) | Value::Object(_)) => Err(format!("{name} is not text")),
    }
}

/// A member that holds a secret or a hash: as [`take_text`] has it, but a list is none, for its words would become one secret.
pub(in crate::app::clients::transfer) fn take_secret_text(
    row: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<String>, String> {
    if row.get(name).is_some_and(Value::is_array) {
        row.remove(name);
        return Err(format!("{name} is a list and not text"));
    }
    take_text(row, name)
}

/// A member that says yes or no; CSV has only text, which spreadsheets write in capitals. Missing, null and empty are no.
fn take_flag(row: &mut Map<String, Value>, name: &str) -> Result<bool, String> {
    let word = match row.remove(name) {
        None | Some(Value::Null) => return Ok(false),
        Some(Value::Bool(flag)) => return Ok(flag),
        Some(Value::String(text)) => text.to_ascii_lowercase(),
        Some(Value::Number(_) | Value::Array(_) | Value::Object(_)) => "neither".to_owned(),
    };
    match word.as_str() {
        "true" => Ok(true),
        "false" | "" => Ok(false),
        _ => Err(format!("{name} is neither true nor false")),
    }
}

fn either(
    plural: &str,
    many: Option<String>,
    singular: &str,
    one: Option<String>,
) -> Result<Option<String>, String> {
    match (many, one) {
        (Some(_), Some(_)) => Err(format!("give {plural} or {singular}, not both")),
        (many, one) => Ok(many.or(one)),
    }
}
