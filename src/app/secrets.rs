//! Adding secrets to a client and ending them, so that a rotation overlaps.

use super::App;
use super::clients::no_client;
use crate::clock::UnixTime;
use crate::domain::{
    ClientId, ClientSecret, GeneratedSecret, MAX_LIVE_SECRETS, Origin, SecretId, SecretOrigin,
    chosen_secret,
};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::store::SecretAdded;

/// A secret to be added.
#[derive(Debug, Default)]
pub struct NewSecret {
    /// What a human chose; `None`: one is made.
    pub chosen: Option<Secret<String>>,
    /// When it ends; `None`: never.
    pub expires_at: Option<UnixTime>,
}

/// A secret that was added.
#[derive(Debug)]
pub struct AddedSecret {
    /// What is kept of it.
    pub secret: ClientSecret,
    /// The secret itself: this is the only time it can be had.
    pub plain: Secret<String>,
}

impl App {
    /// Adds a secret to a client; those it has stay good.
    pub async fn add_secret(
        &self,
        by: &Origin,
        id: &ClientId,
        new: NewSecret,
    ) -> Result<AddedSecret> {
        let added = self.prepare_secret(new).await?;
        let stamp = by.at(added.secret.created_at);
        match self.store.insert_secret(id, &added.secret, stamp).await? {
            SecretAdded::Added => {
                self.directory.forget(id);
                Ok(added)
            }
            SecretAdded::NoClient => Err(no_client(id)),
            SecretAdded::TooMany => Err(Error::conflict(format!(
                "the client has {MAX_LIVE_SECRETS} live secrets; expire one first"
            ))),
        }
    }

    /// Ends a secret at a time; a past one ends it now.
    pub async fn expire_secret(
        &self,
        by: &Origin,
        id: &ClientId,
        secret_id: &SecretId,
        expires_at: UnixTime,
    ) -> Result<()> {
        let done = self
            .store
            .set_secret_expiry(id, secret_id, expires_at, by.at(self.clock.now()))
            .await?;
        self.directory.forget(id);
        if done {
            Ok(())
        } else {
            Err(Error::not_found(format_args!(
                "secret `{secret_id}` of client `{id}`"
            )))
        }
    }

    /// Makes a secret, or checks a chosen one, and hashes it.
    pub(super) async fn prepare_secret(&self, new: NewSecret) -> Result<AddedSecret> {
        let now = self.clock.now();
        if new.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(Error::invalid_request(
                "a secret's end must be in the future",
            ));
        }
        let (secret_id, origin, hint, plain) = match new.chosen {
            Some(plain) => {
                chosen_secret(plain.expose())?;
                (
                    SecretId::random(),
                    SecretOrigin::Chosen,
                    String::new(),
                    plain,
                )
            }
            None => {
                let made = GeneratedSecret::random();
                let hint = made.hint();
                (made.secret_id, SecretOrigin::Generated, hint, made.plain)
            }
        };
        let secret_hash = self.hash_secret(&plain, origin).await?;
        let secret = ClientSecret {
            secret_id,
            origin,
            secret_hash,
            hint,
            created_at: now,
            expires_at: new.expires_at,
        };
        Ok(AddedSecret { secret, plain })
    }
}
