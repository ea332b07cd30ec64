//! Owns how a client is read from texts: the cells of CSV, the rows of a home-made server, the fields of the portal's
//! form. An empty text takes the field's value away.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::app::clients::spec::schema::{MemberSchema, fields};
use crate::app::clients::spec::{ClientSpec, FieldError};
use crate::base::json::{self, exact};
use crate::domain::{AuthMethods, CertificateSubject, ParseError};

impl ClientSpec {
    /// Takes the fields out of a row. Each value is of its type, or a text of it.
    pub(crate) fn from_texts(row: &mut Map<String, Value>) -> Result<Self, FieldError> {
        // All of them, although one is wrong: what is left of the row means nothing here.
        let taken: Vec<_> = fields()
            .filter_map(|(name, schema)| Some((name, schema, row.remove(name)?)))
            .collect();
        let mut members = Map::new();
        for (name, schema, value) in taken {
            let value = member(name, schema, value)
                .map_err(|why| FieldError::new(format!("{name} {why}")))?;
            members.insert(name.to_owned(), value);
        }
        Self::deserialize(Value::Object(members)).map_err(|_| {
            FieldError::new("a field does not have the type that `client show --json` gives it")
        })
    }
}

/// The members `tls_client_auth_…` for a text such as `san_dns=billing.example.com`; empty: none has a value.
pub(crate) fn certificate_subject(text: &str) -> Result<Map<String, Value>, ParseError> {
    const PREFIX: &str = "tls_client_auth_";
    let names = fields().filter(|(name, _)| name.starts_with(PREFIX));
    let mut members: Map<String, Value> = names
        .map(|(name, _)| (name.to_owned(), Value::Null))
        .collect();
    if !text.is_empty() {
        CertificateSubject::parse(text)?;
        let (kind, value) = text.split_once('=').unwrap_or_default();
        members.insert(format!("{PREFIX}{kind}"), value.into());
    }
    Ok(members)
}

fn member(name: &str, schema: MemberSchema, value: Value) -> Result<Value, String> {
    let is_empty = |text: &str| text.trim().is_empty();
    if value.is_null() || value.as_str().is_some_and(is_empty) {
        return Ok(empty(name, schema));
    }
    match schema.value_type() {
        "integer" => integer(name, value),
        "boolean" => boolean(&value),
        "object" => object(value),
        "array" if schema.has_objects() => objects(value),
        "array" if is_words(&value) => Ok(value),
        _ => text(value).map(Value::from),
    }
}

fn empty(name: &str, schema: MemberSchema) -> Value {
    match schema.value_type() {
        _ if schema.is_nullable() => Value::Null,
        "object" => Value::Object(Map::new()),
        "boolean" => Value::Bool(false),
        // A client has one at least.
        _ if name == "auth_methods" => Value::from(AuthMethods::default().to_string()),
        _ => Value::from(""),
    }
}

fn integer(name: &str, value: Value) -> Result<Value, String> {
    let parsed = value.as_str().and_then(|text| text.trim().parse().ok());
    match value.as_i64().or(parsed) {
        Some(number) => Ok(Value::from(number)),
        // `15m`
        None if name == "token_ttl" && value.is_string() => Ok(value),
        None => Err("is not a whole number".to_owned()),
    }
}

/// Spreadsheets write the words in capitals.
fn boolean(value: &Value) -> Result<Value, String> {
    let word = value.as_str().unwrap_or_default().trim();
    let parsed = word.to_ascii_lowercase().parse().ok();
    match value.as_bool().or(parsed) {
        Some(flag) => Ok(Value::Bool(flag)),
        None => Err("is not true or false".to_owned()),
    }
}

fn object(value: Value) -> Result<Value, String> {
    let refused = "is not a JSON object";
    match value {
        Value::Object(_) => Ok(value),
        Value::String(text) => {
            exact::check(&text).map_err(|why| format!("is refused: {why}"))?;
            let members: serde_json::Result<Map<String, Value>> = json::from_str(&text);
            let members = members.map_err(|error| with_place(refused, &error))?;
            Ok(Value::Object(members))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Err(refused.to_owned())
        }
    }
}

/// A list of objects, or JSON of one.
fn objects(value: Value) -> Result<Value, String> {
    let refused = "is not a JSON list of objects";
    let list = if let Value::String(text) = &value {
        json::from_str(text).map_err(|error| with_place(refused, &error))?
    } else {
        value
    };
    let items = list.as_array();
    if items.is_some_and(|items| items.iter().all(Value::is_object)) {
        Ok(list)
    } else {
        Err(refused.to_owned())
    }
}

fn with_place(refused: &str, error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("{refused}: line {line}, column {column}")
}

fn is_words(value: &Value) -> bool {
    let words = value.as_array();
    words.is_some_and(|words| words.iter().all(Value::is_string))
}

/// A string, a number, or a list of words.
pub(crate) fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        // A fraction or a number too long for 64 bits has lost digits by now.
        Value::Number(number) if number.is_f64() => {
            Err("is a number; write it in quotes".to_owned())
        }
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(words) => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            let words = words.ok_or("is a list, but not of words")?;
            Ok(words.join(" "))
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => Err("is not a string".to_owned()),
    }
}

/// A member of a client as one text: words with spaces between them, JSON, nothing for null.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().any(Value::is_object) => value.to_string(),
        Value::Array(words) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            words.join(" ")
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}
