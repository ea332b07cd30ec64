//! Owns how what a request says is read here: a JSON body with no member too many, ids in the path, and a query with no
//! parameter too many. Parses untrusted bytes; what a member holds is never repeated in an error, for it may be a secret.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::app::IdempotencyKey;
use crate::app::error::{Error, Result, explain};
use crate::base::json;
use crate::domain::ClientId;
use crate::http::AppState;
use crate::http::request::caller;
use crate::http::request::params;
use crate::http::request::params::Params;

/// A JSON body.
pub(super) struct Json<T> {
    /// What it says.
    pub(super) value: T,
    bytes: Bytes,
    once: Option<String>,
    path: String,
}

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &AppState) -> Result<Self> {
        let (parts, body) = request.into_parts();
        // First of all, whatever else is wrong: over an unread body the connection would be closed.
        let bytes = params::read_json(&parts.headers, body, app).await?;
        let once = idempotency_key(&parts)?;
        Ok(Self {
            value: parse(&bytes)?,
            bytes,
            once,
            path: parts.uri.path().to_owned(),
        })
    }
}

impl<T> Json<T> {
    /// How the request is known again, if its sender wants it to be.
    pub(super) fn once(&self, caller: &ClientId) -> Option<IdempotencyKey> {
        let name = self.once.as_deref()?;
        Some(IdempotencyKey::new(caller, &self.path, name, &self.bytes))
    }
}

fn idempotency_key(parts: &Parts) -> Result<Option<String>> {
    let malformed = || {
        Error::invalid_request(
            "an Idempotency-Key is 1 to 128 printable ASCII characters, there once",
        )
    };
    let key = caller::single(&parts.headers, "idempotency-key").map_err(|_| malformed())?;
    let good = |key: &str| {
        (1..=128).contains(&key.len()) && key.bytes().all(|b| (b' '..=b'~').contains(&b))
    };
    match key {
        Some(key) if !good(key) => Err(malformed()),
        key => Ok(key.map(str::to_owned)),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    json::from_slice(bytes).map_err(|error| {
        let explained = explain(&error.to_string());
        Error::invalid_request(format!("the body is not as it should be: {explained}"))
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

/// What the path names.
pub(super) struct InPath<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for InPath<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let path = Path::<T>::from_request_parts(parts, app).await;
        path.map(|Path(value)| Self(value)).map_err(|rejection| {
            Error::invalid_request(format!("the path names nothing: {}", rejection.body_text()))
        })
    }
}

/// The query.
pub(super) struct Query(Params);

impl FromRequestParts<AppState> for Query {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self> {
        Params::from_query(&parts.uri).map(Self)
    }
}

impl Query {
    /// Takes a parameter out. An empty value is an error: `dry_run=` must not import, nor `known=` check nothing.
    pub(super) fn take<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T>,
    ) -> Result<Option<T>> {
        let text = self.0.take_nonempty(name)?;
        text.map(|text| parse(&text)).transpose()
    }

    /// Takes how many are wanted.
    pub(super) fn take_limit(&mut self) -> Result<u32> {
        let limit = self.take("limit", |text| match text.parse() {
            Ok(limit @ 1..=1_000) => Ok(limit),
            Ok(_) | Err(_) => Err(Error::invalid_request("`limit` is a number from 1 to 1000")),
        });
        Ok(limit?.unwrap_or(100))
    }

    /// Refuses whatever was not taken.
    pub(super) fn end(self) -> Result<()> {
        self.0.refuse_others()
    }
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
            (r#"{"_number":"tks_x, expected y"}"#, "expected i64"),
            (r#"{"_number":1.5}"#, "expected i64"),
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
