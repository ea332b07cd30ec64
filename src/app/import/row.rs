//! Owns what a row of an import may hold, whatever format it came in.

use serde_json::{Map, Value};

use super::super::secret_hash::SecretHash;
use crate::domain::{
    Audience, ClientId, ClientStatus, Description, Metadata, Name, ParseError, Scope,
    SenderConstraint, TokenTtl, chosen_secret,
};
use crate::secret::Secret;

/// A client as a row describes it.
#[derive(Debug)]
pub struct ImportedClient {
    /// What it logs in with.
    pub client_id: ClientId,
    /// Its secret.
    pub secret: ImportedSecret,
    /// What people call it.
    pub name: Name,
    /// What it is for.
    pub description: Description,
    /// Whether it may have tokens.
    pub status: ClientStatus,
    /// All it may ask for.
    pub scopes: Scope,
    /// Whom its tokens may be for.
    pub audiences: Vec<Audience>,
    /// What its tokens say of it.
    pub metadata: Metadata,
    /// How long its tokens live.
    pub token_ttl: Option<TokenTtl>,
    /// To what its tokens must be bound.
    pub sender_constraint: SenderConstraint,
}

/// A secret as an export has it.
#[derive(Debug)]
pub enum ImportedSecret {
    /// In clear: hashed before it is stored.
    Plain(Secret<String>),
    /// As a hash of an algorithm we understand.
    Hash(String),
}

/// The names a row may use; every other is ignored, and said to be.
pub(super) const COLUMNS: [&str; 14] = [
    "client_id",
    "client_secret",
    "client_secret_hash",
    "name",
    "description",
    "status",
    "scopes",
    "scope",
    "audiences",
    "audience",
    "metadata",
    "token_ttl",
    CERTIFICATE_BOUND,
    DPOP_BOUND,
];

const CERTIFICATE_BOUND: &str = "tls_client_certificate_bound_access_tokens";
const DPOP_BOUND: &str = "dpop_bound_access_tokens";

impl ImportedClient {
    /// Parses a row; the error names the member and what to mend, never the secret.
    pub(super) fn parse(mut row: Map<String, Value>) -> Result<Self, String> {
        let mut text = |name: &str| take_text(&mut row, name);
        Ok(Self {
            client_id: match text("client_id")? {
                Some(id) => named("client_id", ClientId::parse(&id))?,
                None => return Err("client_id is missing".to_owned()),
            },
            secret: parse_secret(text("client_secret")?, text("client_secret_hash")?)?,
            name: named("name", Name::parse(&text("name")?.unwrap_or_default()))?,
            description: {
                let description = text("description")?.unwrap_or_default();
                named("description", Description::parse(&description))?
            },
            status: match text("status")? {
                Some(status) => named("status", ClientStatus::parse(&status))?,
                None => ClientStatus::Enabled,
            },
            scopes: {
                let scopes = either("scopes", text("scopes")?, "scope", text("scope")?)?;
                named("scopes", Scope::parse(&scopes.unwrap_or_default()))?
            },
            audiences: {
                let list = either(
                    "audiences",
                    text("audiences")?,
                    "audience",
                    text("audience")?,
                )?;
                named("audiences", Audience::parse_list(&list.unwrap_or_default()))?
            },
            token_ttl: match text("token_ttl")? {
                None => None,
                Some(seconds) => {
                    let seconds: i64 = seconds
                        .parse()
                        .map_err(|_| "token_ttl is no whole number of seconds")?;
                    Some(named("token_ttl", TokenTtl::from_seconds(seconds))?)
                }
            },
            metadata: parse_metadata(row.remove("metadata"))?,
            sender_constraint: SenderConstraint {
                tls_client_certificate_bound_access_tokens: take_flag(&mut row, CERTIFICATE_BOUND)?,
                dpop_bound_access_tokens: take_flag(&mut row, DPOP_BOUND)?,
            },
        })
    }
}

fn parse_secret(plain: Option<String>, hash: Option<String>) -> Result<ImportedSecret, String> {
    match (plain, hash) {
        // Home-made servers that hash keep the hash in the column that held the secret.
        (Some(hash), None) | (None, Some(hash)) if SecretHash::looks_like_one(&hash) => {
            named("client_secret", SecretHash::parse(&hash))?;
            Ok(ImportedSecret::Hash(hash))
        }
        (Some(plain), None) => {
            named("client_secret", chosen_secret(&plain))?;
            Ok(ImportedSecret::Plain(Secret::new(plain)))
        }
        (None, Some(_)) => Err("client_secret_hash is no hash of a kind we understand".to_owned()),
        (None, None) => Err("client_secret is missing".to_owned()),
        (Some(_), Some(_)) => Err("give client_secret or client_secret_hash, not both".to_owned()),
    }
}

fn parse_metadata(value: Option<Value>) -> Result<Metadata, String> {
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
fn take_text(row: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
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

fn named<T>(name: &str, parsed: Result<T, ParseError>) -> Result<T, String> {
    parsed.map_err(|error| format!("{name}: {error}"))
}
