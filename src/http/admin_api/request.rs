//! Owns how JSON bodies are read here. Parses untrusted bytes: an unknown member is refused, and an
//! error never repeats what a member holds, for it may be a secret.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::app;
use crate::app::error::{Error, Result, explain};
use crate::base::json;
use crate::base::json::place::member_of;
use crate::base::printable::printable;
use crate::domain::ClientId;
use crate::http::AppState;
use crate::http::request::body::read_json;
use crate::http::request::caller::{NotSingle, single_value};
pub(super) use crate::http::request::path::InPath;

/// The longest place of a member that is said, in characters.
const MAX_MEMBER: usize = 200;

pub(super) struct Json<T> {
    pub(super) value: T,
    bytes: Bytes,
    key: IdempotencyKey,
    path: String,
}

/// The header `Idempotency-Key`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct IdempotencyKey {
    /// A name for this request: a repetition within a day gets the first response and adds nothing
    #[param(rename = "idempotency-key")]
    name: Option<String>,
}

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &AppState) -> Result<Self> {
        let (parts, body) = request.into_parts();
        // First of all, whatever else is wrong: over an unread body the connection would be closed.
        let bytes = read_json(&parts.headers, body, app).await?;
        let key = IdempotencyKey::of(&parts)?;
        Ok(Self {
            value: parse(&bytes)?,
            bytes,
            key,
            path: parts.uri.path().to_owned(),
        })
    }
}

impl<T> Json<T> {
    /// How the request is known again, if its sender wants it to be.
    pub(super) fn once(&self, caller: &ClientId) -> Option<app::IdempotencyKey> {
        let name = self.key.name.as_deref()?;
        Some(app::IdempotencyKey::new(
            caller,
            &self.path,
            name,
            &self.bytes,
        ))
    }
}

impl IdempotencyKey {
    fn of(parts: &Parts) -> Result<Self> {
        let is_good = |name: &str| {
            (1..=128).contains(&name.len()) && name.bytes().all(|b| (b' '..=b'~').contains(&b))
        };
        match single_value(&parts.headers, "idempotency-key") {
            Ok(name) if name.is_none_or(is_good) => Ok(Self {
                name: name.map(str::to_owned),
            }),
            Ok(_) | Err(NotSingle) => Err(Error::invalid_request(
                "an Idempotency-Key must be 1 to 128 printable ASCII characters, and must not be repeated",
            )),
        }
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    json::from_slice(bytes).map_err(|error| {
        let explained = explain(&error.to_string());
        let member = member_of(bytes, &error).map(|member| printable(&member, MAX_MEMBER));
        let member = member.map_or_else(String::new, |member| format!("`{member}`: "));
        Error::invalid_request(format!("invalid request body: {member}{explained}"))
    })
}

/// A member that is there: `null` is a value, and for most a wrong one.
pub(super) fn given<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_repeat_what_a_member_holds() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wanted {
            _number: i64,
        }
        for (text, said) in [
            (
                r#"{"_number":"tks_x, expected y"}"#,
                "invalid request body: `_number`: invalid type, expected i64",
            ),
            (
                r#"{"_number":1.5}"#,
                "`_number`: invalid type, expected i64",
            ),
            (r#"{"number":1}"#, "unknown field `number`"),
            (r#"{"_number":1,"_number":1}"#, "duplicate field"),
            ("{", "EOF"),
            ("[1]", "expected an object"),
        ] {
            let error = parse::<Wanted>(text.as_bytes()).unwrap_err().description;
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("tks_") && !error.contains("1.5"), "{error}");
        }
    }
}
