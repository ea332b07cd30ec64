//! Adding secrets to a client and ending them, so that a rotation overlaps.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::app::core::idempotency::IdempotencyKey;
use crate::app::error::{Error, Result};
use crate::app::secrets::Secrets;
use crate::base::clock::UnixTime;
use crate::base::secret::Secret;
use crate::config::SecretsConfig;
use crate::domain::{
    ClientId, ClientSecret, GeneratedSecret, MAX_LIVE_SECRETS, OldSecrets, Origin, ParseError,
    SecretId, SecretOrigin, chosen_secret,
};
use crate::store::{SecretAdded, StoredResponse, WriteOptions};

/// A secret that somebody chose: one of a person at any front, or a plain one of a file. [`Secrets::new_secret`] and the rules
/// of an import make it, and nothing else does.
#[derive(Clone, Debug)]
pub struct ChosenSecret(Secret<String>);

impl ChosenSecret {
    /// Refuses what is shorter than `MIN_SECRET_LENGTH`, or cannot be a secret at all.
    pub(crate) fn new(
        plain: Secret<String>,
        config: &SecretsConfig,
    ) -> std::result::Result<Self, ParseError> {
        chosen_secret(plain.expose())?;
        let length = plain.expose().chars().count();
        if length < config.min_length {
            return Err(ParseError::new(format!(
                "the secret has {length} characters, fewer than MIN_SECRET_LENGTH ({})",
                config.min_length
            )));
        }
        Ok(Self(plain))
    }

    pub(crate) fn plain(&self) -> &Secret<String> {
        &self.0
    }
}

/// A secret to be added: a chosen one or, as the default is, one that the server makes and that does not expire.
#[derive(Debug, Default)]
pub struct NewSecret {
    chosen: Option<ChosenSecret>,
    expires_at: Option<UnixTime>,
}

/// The new secret, with its value.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddedSecret {
    /// The secret itself; the server shows it only here
    #[serde(rename = "client_secret", serialize_with = "expose")]
    #[schema(value_type = String)]
    pub plain: Secret<String>,
    /// Its stored properties.
    #[serde(flatten)]
    pub secret: ClientSecret,
}

fn expose<S: Serializer>(
    plain: &Secret<String>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(plain.expose())
}

impl Secrets {
    /// A secret to be added: `chosen`, or one that the server makes; `expires_at` in the future, or never.
    pub fn new_secret(
        &self,
        chosen: Option<Secret<String>>,
        expires_at: Option<UnixTime>,
    ) -> Result<NewSecret> {
        let chosen = chosen.map(|plain| ChosenSecret::new(plain, &self.core.config.secrets));
        Ok(NewSecret {
            chosen: chosen.transpose()?,
            expires_at,
        })
    }

    /// Adds a secret to a client; those it has stay good.
    pub async fn add(&self, by: &Origin, id: &ClientId, new: NewSecret) -> Result<AddedSecret> {
        let added = self.prepare(by, new).await?;
        if self.insert(by, id, &added, OldSecrets::Stay, None).await? {
            Ok(added)
        } else {
            Err(Error::conflict("this secret was added before"))
        }
    }

    /// Adds a secret for a caller who may repeat the request: the answer is stored, and given again then.
    pub async fn add_once(
        &self,
        by: &Origin,
        id: &ClientId,
        new: NewSecret,
        once: Option<&IdempotencyKey>,
        answer: impl FnOnce(&AddedSecret) -> Result<Secret<String>>,
    ) -> Result<Secret<String>> {
        let old = OldSecrets::Stay;
        self.rotate_secret(by, id, new, old, once, answer).await
    }

    /// Adds a secret and sets when the live ones of the client end, in one transaction. The answer is stored for a caller who
    /// may repeat the request, and given again then.
    pub async fn rotate_secret(
        &self,
        by: &Origin,
        id: &ClientId,
        new: NewSecret,
        old: OldSecrets,
        once: Option<&IdempotencyKey>,
        answer: impl FnOnce(&AddedSecret) -> Result<Secret<String>>,
    ) -> Result<Secret<String>> {
        let make = async {
            let added = self.prepare(by, new).await?;
            let answer = answer(&added)?;
            Ok((added, answer))
        };
        let insert = async |added, stored: Option<StoredResponse>| {
            self.insert(by, id, &added, old, stored.as_ref()).await
        };
        self.idempotency.make_once(once, make, insert).await
    }

    /// False when the same request has added one before.
    async fn insert(
        &self,
        by: &Origin,
        id: &ClientId,
        added: &AddedSecret,
        old: OldSecrets,
        response: Option<&StoredResponse>,
    ) -> Result<bool> {
        let (store, stamp) = (&self.core.store, by.at(added.secret.created_at));
        let options = WriteOptions {
            response,
            ..WriteOptions::default()
        };
        let inserted = store.rotate_secret(id, &added.secret, old, &options, stamp);
        match inserted.await? {
            SecretAdded::Added => {
                self.cache.forget(id);
                Ok(true)
            }
            SecretAdded::Repeated => Ok(false),
            SecretAdded::NoClient => Err(Error::unknown_client(id)),
            SecretAdded::OtherVersion => Err(Error::client_changed(id)),
            SecretAdded::TooMany => Err(Error::conflict(format!(
                "the client has {MAX_LIVE_SECRETS} live secrets; expire one first"
            ))),
        }
    }

    /// Ends a secret at a time; a past one ends it now.
    pub async fn expire(
        &self,
        by: &Origin,
        id: &ClientId,
        secret_id: &SecretId,
        expires_at: UnixTime,
    ) -> Result<()> {
        let (store, stamp) = (&self.core.store, self.core.stamp(by));
        let done = store.set_secret_expiry(id, secret_id, expires_at, stamp);
        self.changed(id, secret_id, done.await?)
    }

    /// Removes a secret. It ends at once; what is known of its use goes with it.
    pub async fn delete(&self, by: &Origin, id: &ClientId, secret_id: &SecretId) -> Result<()> {
        let stamp = self.core.stamp(by);
        let done = self.core.store.delete_secret(id, secret_id, stamp).await?;
        self.changed(id, secret_id, done)
    }

    pub(crate) fn changed(&self, id: &ClientId, secret_id: &SecretId, done: bool) -> Result<()> {
        self.cache.forget(id);
        if done {
            return Ok(());
        }
        let what = format!("secret `{secret_id}` of client `{id}`");
        Err(Error::not_found(what))
    }

    /// Makes a secret unless it is chosen, and hashes it.
    pub(crate) async fn prepare(&self, by: &Origin, new: NewSecret) -> Result<AddedSecret> {
        let now = self.core.now();
        if new.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(Error::invalid_request(
                "the expiry of a secret must be in the future",
            ));
        }
        let (secret_id, origin, hint, plain) = match new.chosen {
            Some(chosen) => (
                SecretId::random(),
                SecretOrigin::Chosen,
                String::new(),
                chosen.0,
            ),
            None => {
                let made = GeneratedSecret::random();
                let hint = made.hint();
                (made.secret_id, SecretOrigin::Generated, hint, made.plain)
            }
        };
        let secret_hash = self.hash(&plain, origin, by.source).await?;
        let secret = ClientSecret {
            secret_id,
            origin,
            secret_hash,
            hint,
            created_at: now,
            expires_at: new.expires_at,
            unused_for: None,
            vouched: false,
        };
        Ok(AddedSecret { plain, secret })
    }
}
