//! Owns the key set of a client (RFC 7517 §5). An operator who registers one is told each fault. A set that a client
//! publishes is read as far as it can be used: one unusable key must not keep the client out.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::base::json;
use crate::domain::{Jwk, ParseError, ensure, text_traits};

/// A client rotates two or three keys; the bytes leave room for certificate chains beside them.
const MAX_KEYS: usize = 20;

/// Longer than any `kid` that is a thumbprint.
const MAX_SHOWN_KID: usize = 64;

/// The public keys of a client: 1 to 20, at most 32 KiB of JSON.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct JwkSet {
    json: Box<RawValue>,
    #[serde(skip)]
    keys: Vec<Jwk>,
}

text_traits!(JwkSet: Display, FromStr, Eq);

/// A key of a published set that is not used. It displays as a text for the log, without key material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    position: usize,
    kid: Option<String>,
    reason: ParseError,
}

impl JwkSet {
    /// The most bytes of JSON, written without spaces.
    pub const MAX_BYTES: usize = 32 * 1024;

    /// Parses a JWK set that is registered: every fault of a key is an error that names the key by its position. A key
    /// of a kind unknown here is skipped (RFC 7517 §5), but one has to be left.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let set = parse_object(text)?;
        let members = members(&set)?;
        if members.len() > MAX_KEYS {
            return Err(too_many_keys());
        }
        let mut keys = Vec::new();
        for (index, member) in members.iter().enumerate() {
            let parsed = Jwk::parse(member);
            keys.extend(
                parsed.map_err(|error| ParseError::new(format!("keys[{index}]: {error}")))?,
            );
        }
        let set = Self::of(&set, keys)?;
        if set.as_str().len() > Self::MAX_BYTES {
            return Err(too_large());
        }
        Ok(set)
    }

    /// Parses a JWK set that a client publishes: the keys that can be used, at most as many as may be registered, and
    /// those that are skipped. A member that is null counts as absent, and a byte order mark may stand in front.
    pub fn parse_published(text: &str) -> Result<(Self, Vec<SkippedKey>), ParseError> {
        let mut set = parse_object(text.strip_prefix('\u{feff}').unwrap_or(text))?;
        let (mut used, mut keys, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
        let mut room = Self::MAX_BYTES;
        for (position, member) in members(&set)?.iter().enumerate() {
            let member = without_nulls(member);
            match published_key(&member, keys.len(), &mut room) {
                Ok(key) => {
                    keys.push(key);
                    used.push(member);
                }
                Err(reason) => skipped.push(SkippedKey {
                    position,
                    kid: shown_kid(&member),
                    reason,
                }),
            }
        }
        // What is skipped may be a private key: it is not kept.
        set = Map::from_iter([("keys".to_owned(), Value::Array(used))]);
        Ok((Self::of(&set, keys)?, skipped))
    }

    fn of(set: &Map<String, Value>, keys: Vec<Jwk>) -> Result<Self, ParseError> {
        ensure!(
            !keys.is_empty(),
            "the JWK set has no usable key of kind EC, OKP (Ed25519) or RSA"
        );
        let json = serde_json::value::to_raw_value(set)
            .map_err(|error| ParseError::new(format!("the JWK set is not JSON: {error}")))?;
        Ok(Self { json, keys })
    }

    /// The keys.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.json.get()
    }
}

fn parse_object(text: &str) -> Result<Map<String, Value>, ParseError> {
    json::from_str(text)
        .map_err(|error| ParseError::new(format!("a JWK set must be a JSON object: {error}")))
}

fn members(set: &Map<String, Value>) -> Result<&Vec<Value>, ParseError> {
    match set.get("keys") {
        Some(Value::Array(members)) => Ok(members),
        _ => Err(ParseError::new(
            "a JWK set must have its keys in the member `keys`",
        )),
    }
}

/// A key that is to be used beside `used` others and takes of the `room` in bytes what it needs; else why it is not used.
fn published_key(member: &Value, used: usize, room: &mut usize) -> Result<Jwk, ParseError> {
    let key = Jwk::parse(member)?
        .ok_or_else(|| ParseError::new("its `kty` or `crv` is not supported"))?;
    if used == MAX_KEYS {
        return Err(too_many_keys());
    }
    *room = room
        .checked_sub(member.to_string().len())
        .ok_or_else(too_large)?;
    Ok(key)
}

fn without_nulls(key: &Value) -> Value {
    let mut key = key.clone();
    if let Value::Object(members) = &mut key {
        members.retain(|_, value| !value.is_null());
    }
    key
}

fn too_many_keys() -> ParseError {
    ParseError::new(format!("a JWK set can have at most {MAX_KEYS} keys"))
}

fn too_large() -> ParseError {
    ParseError::new(format!(
        "a JWK set can have at most {} bytes",
        JwkSet::MAX_BYTES
    ))
}

fn shown_kid(key: &Value) -> Option<String> {
    let printable = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    let kid = key.get("kid")?.as_str()?;
    Some(kid.chars().take(MAX_SHOWN_KID).map(printable).collect())
}

impl fmt::Display for SkippedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keys[{}]", self.position)?;
        if let Some(kid) = &self.kid {
            write!(f, " (kid `{kid}`)")?;
        }
        write!(f, ": {}", self.reason)
    }
}

#[cfg(test)]
mod tests;
