//! Owns what a row of a home-made server may hold, whether it came as CSV or as JSON: the fields of a client under their
//! names, or `scope` and `audience`, and one secret.

use serde_json::{Map, Value};

use crate::app::clients::spec::ClientSpec;
use crate::app::clients::spec::members::Lifetime;
use crate::app::clients::spec::texts::text;
use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, RefusedRow, Row, named, text_in,
};
use crate::app::clients::transfer::secrets::SecretRules;
use crate::base::json;
use crate::domain::ClientId;

/// Parses a row; the error names the member and what to mend, never the secret.
pub(super) fn parse(row: &mut Map<String, Value>, rules: &SecretRules) -> Row {
    let id = text_in(row, "client_id");
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
    let (id, status) = (take_text(row, "client_id"), take_text(row, "status"));
    let aliases = [
        rename(row, "scope", "scopes"),
        rename(row, "audience", "audiences"),
    ];
    let lists = split_lists(row);
    let spec = ClientSpec::from_texts(row);
    let client_id = match id? {
        Some(id) => named("client_id", ClientId::parse_new(&id))?,
        None => return Err("client_id is missing".to_owned()),
    };
    let secret = parse_secret(plain?, hash?, rules)?;
    aliases.into_iter().collect::<Result<(), _>>()?;
    lists?;
    let mut spec = spec?;
    if let Some(Some(Lifetime::Text(_))) = spec.token_ttl {
        return Err("token_ttl is not a whole number of seconds".to_owned());
    }
    spec.status = status?;
    let mut imported = ImportedClient::of(client_id, &mut spec)?;
    if secret.is_none() && imported.takes_secrets() {
        return Err("client_secret is missing".to_owned());
    }
    imported.secrets.extend(secret);
    Ok(imported)
}

/// Reads lists in texts: words with spaces between them, or JSON of a list. Other separators are none: a text with them
/// would become one word.
fn split_lists(row: &mut Map<String, Value>) -> Result<(), String> {
    for name in ["scopes", "audiences", "identifiers", "auth_methods"] {
        let Some(Value::String(text)) = row.get(name) else {
            continue;
        };
        let text = text.trim();
        if text.starts_with('[') {
            let words: Vec<String> =
                json::from_str(text).map_err(|_| format!("{name} is not a JSON list of words"))?;
            row.insert(name.to_owned(), words.into());
        } else if let Some(separator) = text.chars().find(|c| [',', ';', '|'].contains(c)) {
            return Err(format!(
                "{name} has `{separator}`: write spaces between the words, or a JSON list"
            ));
        }
    }
    Ok(())
}

/// Takes the member `from` for `to`, which it is another name of.
fn rename(row: &mut Map<String, Value>, from: &str, to: &str) -> Result<(), String> {
    let is_empty = |value: &Value| value.is_null() || value.as_str() == Some("");
    let Some(value) = row.remove(from) else {
        return Ok(());
    };
    match row.get(to).filter(|other| !is_empty(other)) {
        Some(_) if is_empty(&value) => Ok(()),
        Some(_) => Err(format!("the file has {to} and {from}; keep only one")),
        None => {
            row.insert(to.to_owned(), value);
            Ok(())
        }
    }
}

fn parse_secret(
    text: Option<String>,
    hash: Option<String>,
    rules: &SecretRules,
) -> Result<Option<ImportedSecret>, String> {
    match (text, hash) {
        // Home-made servers that hash have the hash in the column that had the secret.
        (Some(text), None) => named("client_secret", rules.read(text, None)).map(Some),
        (None, Some(hash)) => {
            let hash = named("client_secret_hash", rules.read_hash(&hash))?;
            Ok(Some(ImportedSecret::Hash(hash, None)))
        }
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err("the row has client_secret and client_secret_hash; keep only one".to_owned())
        }
    }
}

/// A member as text: a string, a number, or a list of words. Missing, null and empty are one.
pub(super) fn take_text(
    row: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<String>, String> {
    match row.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let text = text(value).map_err(|why| format!("{name} {why}"))?;
            Ok(Some(text).filter(|text| !text.is_empty()))
        }
    }
}

/// A member that holds a secret or a hash: as [`take_text`] has it, but a list is none, for its words would become one secret.
pub(super) fn take_secret_text(
    row: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<String>, String> {
    if row.get(name).is_some_and(Value::is_array) {
        row.remove(name);
        return Err(format!("{name} is a list, not a string"));
    }
    take_text(row, name)
}

/// A list of words, or what databases have for one: a text of JSON, or with `|` between them.
pub(super) fn take_words(row: &mut Map<String, Value>, name: &str) -> Result<Vec<String>, String> {
    let not_words = || format!("{name} is a list, but not of words");
    let list = match row.remove(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(Value::String(text)) if text.starts_with('[') => {
            json::from_str(&text).map_err(|_| not_words())?
        }
        Some(Value::String(text)) => {
            let words = text.split(['|', ' ', ',']).filter(|word| !word.is_empty());
            return Ok(words.map(str::to_owned).collect());
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => return Err(not_words()),
    };
    texts(&list).ok_or_else(not_words)
}

/// All values of a list, if each is a text.
pub(super) fn texts(list: &[Value]) -> Option<Vec<String>> {
    let texts = list.iter().map(Value::as_str);
    texts.map(|text| text.map(str::to_owned)).collect()
}
