//! Owns how the secrets of a client stand in exports and manifests: by their hashes.

use std::fmt;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::app::clients::spec::members::Timestamp;
use crate::app::clients::transfer::secrets::SecretRules;
use crate::base::clock::UnixTime;
use crate::domain::{ClientId, ClientSecret, IdleExpiry, ParseError, SecretId, SecretOrigin};

/// Which secrets a client is to have.
#[derive(Debug)]
pub(crate) enum SecretsSpec {
    /// One at least; the server makes one when none is live.
    Make,
    /// These and no others.
    These(Vec<SecretSpec>),
}

impl<'de> Deserialize<'de> for SecretsSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = SecretsSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`make`, or a list of secrets with their hashes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretsSpec, E> {
                match text {
                    "make" => Ok(SecretsSpec::Make),
                    _ => Err(E::custom("`secrets` must be `make` or a list of hashes")),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SecretsSpec, A::Error> {
                let mut secrets = Vec::new();
                while let Some(secret) = list.next_element()? {
                    secrets.push(secret);
                }
                Ok(SecretsSpec::These(secrets))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

/// A secret as a document says it: its hash, and what is known of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretSpec {
    pub(crate) secret_id: Option<SecretId>,
    origin: Option<String>,
    secret_hash: String,
    #[serde(default)]
    hint: String,
    pub(crate) created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    ends_unused_for: Option<i64>,
    #[serde(default)]
    vouched: bool,
}

impl SecretSpec {
    /// The secret; what is left out is made up: the id from the hash, so that it is the same each time.
    pub(crate) fn read(
        &self,
        client_id: &ClientId,
        now: UnixTime,
        rules: &SecretRules,
    ) -> Result<ClientSecret, ParseError> {
        let secret_hash = rules
            .read_hash(&self.secret_hash)
            .map_err(|error| ParseError::new(format!("secret_hash: {error}")))?;
        let origin = match &self.origin {
            Some(word) => SecretOrigin::parse(word)?,
            None => SecretOrigin::Chosen,
        };
        let secret_id = match &self.secret_id {
            Some(id) => id.clone(),
            None if origin == SecretOrigin::Generated => {
                return Err(ParseError::new("a generated secret needs its secret_id"));
            }
            None => SecretId::derived(client_id, &self.secret_hash),
        };
        if self.hint.chars().count() > 4 || self.hint.chars().any(char::is_control) {
            return Err(ParseError::new("a hint has at most 4 characters"));
        }
        Ok(ClientSecret {
            secret_id,
            origin,
            secret_hash,
            hint: self.hint.clone(),
            created_at: self.created_at.map_or(now, |it| it.0),
            expires_at: self.expires_at.map(|it| it.0),
            unused_for: self
                .ends_unused_for
                .map(IdleExpiry::from_seconds)
                .transpose()?,
            vouched: self.vouched && origin == SecretOrigin::Chosen,
        })
    }
}

/// A secret as an export has it.
#[derive(Debug, Serialize)]
pub(crate) struct ExportedSecret<'a> {
    #[serde(flatten)]
    secret: &'a ClientSecret,
    secret_hash: &'a str,
}

impl<'a> From<&'a ClientSecret> for ExportedSecret<'a> {
    fn from(secret: &'a ClientSecret) -> Self {
        Self {
            secret,
            secret_hash: &secret.secret_hash,
        }
    }
}
