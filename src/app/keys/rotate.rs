//! The life of key pairs: made, published ahead, made to sign, retired, gone. Each change is one step in the
//! database that happens once, whatever other replicas do at the same time.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Keys, plan};
use crate::app::core::{ClockDoubt, ClockReading, held_back};
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{KeyId, KeyRecord, KeyState, Origin, RETIRED_KEY_TTL, SigningAlg};
use crate::jwt::{KeyError, SigningKey};
use crate::store::{KeyChanges, TrustedTime};
use plan::Step;

/// An algorithm that no replica has signed with for so many seconds is one that the operator has left. Replicas say
/// what they sign with every minute.
const UNUSED_AFTER: i64 = 600;

/// The result of a rotation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RotatedKeys)]
pub struct Rotation {
    /// The key that signs from now on.
    pub active: Option<KeyId>,
    /// The key that signed until now.
    pub retired: Option<KeyId>,
    /// The published next key.
    pub next: Option<KeyId>,
}

impl Keys {
    /// Makes the service ready to sign: seals anew what is sealed under `SECRET_PREVIOUS`, makes the first keys, and
    /// learns all. Fails when a key cannot be opened: its tokens would be refused without a word.
    pub async fn start(&self) -> Result<()> {
        self.reseal(&Origin::SERVER).await?;
        self.maintain().await?;
        if self.current().signing().is_none() {
            // Another replica made the keys just now, under another secret.
            self.reseal(&Origin::SERVER).await?;
            return Err(Error::internal(anyhow::anyhow!("there is no active key")));
        }
        Ok(())
    }

    /// All that happens by itself: missing keys are made, the active one is replaced when it is old, keys of an
    /// algorithm that is no more in use retire, and those whose last token is dead go. Fails while the clock may be wrong,
    /// after doing what needs no trusted time.
    pub async fn rotate_if_due(&self) -> Result<()> {
        match self.maintain().await? {
            Some(doubt) => Err(held_back(doubt)),
            None => Ok(()),
        }
    }

    /// Why it did not do all of it, if it did not.
    async fn maintain(&self) -> Result<Option<ClockDoubt>> {
        let reading = self.core.read_clock().await?;
        let trusted = reading.trusted();
        if self.alg.is_asymmetric() {
            let records = self.core.store.list_keys().await?;
            let now = trusted.ok().map(TrustedTime::time);
            if let Some(step) = plan::due(&records, &self.core.config.keys, now) {
                // When another replica was quicker, its keys are as good.
                self.take_step(&Origin::SERVER, step, &reading).await?;
            }
            let (alg, now) = (self.alg, reading.probable());
            self.core.store.mark_keys_used(alg, now).await?;
        }
        if let Ok(now) = trusted {
            self.end_old_keys(now).await?;
        }
        self.refresh().await?;
        Ok(trusted.err())
    }

    async fn end_old_keys(&self, now: TrustedTime) -> Result<()> {
        let (store, stamp) = (&self.core.store, Origin::SERVER.at(now.time()));
        let unused = now.ago(UNUSED_AFTER);
        let retired = store.retire_unused_keys(self.alg, unused, stamp).await?;
        let gone = store.prune_keys(now.ago(RETIRED_KEY_TTL), stamp).await?;
        if retired > 0 || gone > 0 {
            tracing::info!("signing keys: {retired} of another algorithm retired, {gone} deleted");
        }
        Ok(())
    }

    /// Replaces the active key by the next one. Refuses while verifiers may not know the next one yet, unless `forced`; and
    /// while the clock may be wrong: the old key would be removed by the time that is written now.
    pub async fn rotate(&self, by: &Origin, forced: bool) -> Result<Rotation> {
        if !self.alg.is_asymmetric() {
            return Err(Error::invalid_request(
                "SIGNING_ALG is HS256: the server signs tokens with SECRET, which you change by hand (see \
                    SECRET_PREVIOUS)",
            ));
        }
        let reading = self.core.read_clock().await?;
        let now = reading.trusted().map_err(held_back)?.time();
        let records = self.core.store.list_keys().await?;
        let step = match plan::by_hand(&records, self.alg, forced, now) {
            Ok(step) => step,
            Err(seconds) => {
                // If there was no next key at all, waiting would not help.
                self.rotate_if_due().await?;
                return Err(too_early(seconds));
            }
        };
        let rotation = self.take_step(by, step, &reading).await?;
        self.refresh().await?;
        rotation.ok_or_else(|| Error::conflict("another rotation ran at the same time"))
    }

    /// Publishes a key of an algorithm that is to become `SIGNING_ALG`, so that verifiers know it before.
    pub async fn prepare(&self, by: &Origin, alg: SigningAlg) -> Result<KeyId> {
        if !alg.is_asymmetric() {
            return Err(Error::invalid_request(
                "the server publishes no keys under HS256",
            ));
        }
        let next = |records: &[KeyRecord]| {
            let is_it = |it: &&KeyRecord| it.alg == alg && it.state == KeyState::Next;
            records.iter().find(is_it).map(|it| it.kid.clone())
        };
        if let Some(kid) = next(&self.core.store.list_keys().await?) {
            return Ok(kid);
        }
        let now = self.core.trusted_time().await?.time();
        let key = self.generate(alg, KeyState::Next, now).await?;
        let changes = KeyChanges {
            insert: vec![key],
            ..KeyChanges::default()
        };
        let stamp = by.at(now);
        self.core.store.change_keys(&changes, stamp).await?;
        self.refresh().await?;
        // Ours, or that of somebody quicker.
        next(&self.core.store.list_keys().await?)
            .ok_or_else(|| Error::conflict("another change of the keys ran at the same time"))
    }

    /// Ends a key that is not to be used: a next one is deleted, since no token is under it; the active one of an
    /// algorithm that is not `SIGNING_ALG` retires.
    pub async fn retire(&self, by: &Origin, kid: &KeyId) -> Result<()> {
        let record = self.find(kid).await?;
        let stamp = self.core.stamp(by);
        let done = match record.state {
            KeyState::Next => self.core.store.delete_key(kid, record.state, stamp).await?,
            KeyState::Active { .. } if record.alg == self.alg => {
                return Err(Error::invalid_request(
                    "this key signs tokens; `token-server key rotate` replaces it with the next one",
                ));
            }
            KeyState::Active { .. } => {
                let changes = KeyChanges {
                    retire: Some((kid.clone(), self.core.trusted_time().await?)),
                    ..KeyChanges::default()
                };
                self.core.store.change_keys(&changes, stamp).await?
            }
            KeyState::Retired { .. } => return Err(Error::conflict("the key is retired already")),
        };
        self.after_hand(done).await
    }

    /// Deletes a key at once: tokens under it are refused from now on. For a key that is known to others. The active
    /// one cannot go, unless it cannot be opened.
    pub async fn delete(&self, by: &Origin, kid: &KeyId) -> Result<()> {
        let record = self.find(kid).await?;
        let signs = matches!(record.state, KeyState::Active { .. });
        if signs && self.sealing.open(&record).is_ok() {
            return Err(Error::invalid_request(
                "this key is active: rotate first, or retire it when it is of another algorithm",
            ));
        }
        let stamp = self.core.stamp(by);
        let done = self.core.store.delete_key(kid, record.state, stamp).await?;
        self.after_hand(done).await
    }

    async fn after_hand(&self, done: bool) -> Result<()> {
        self.refresh().await?;
        if !done {
            return Err(Error::conflict(
                "another change of the key ran at the same time",
            ));
        }
        Ok(())
    }

    async fn find(&self, kid: &KeyId) -> Result<KeyRecord> {
        let mut records = self.core.store.list_keys().await?.into_iter();
        records
            .find(|record| record.kid == *kid)
            .ok_or_else(|| Error::not_found(format!("signing key `{kid}`")))
    }

    /// Makes the keys of a step and takes it; `None` when somebody else was quicker. A step that retires a key needs a
    /// trusted time.
    async fn take_step(
        &self,
        by: &Origin,
        step: Step,
        reading: &ClockReading,
    ) -> Result<Option<Rotation>> {
        let (alg, now) = (self.alg, reading.probable());
        let mut insert = Vec::new();
        if step.make_active {
            let state = KeyState::Active { activated_at: now };
            insert.push(self.generate(alg, state, now).await?);
        }
        if step.make_next {
            insert.push(self.generate(alg, KeyState::Next, now).await?);
        }
        let made = |state: &str| {
            let mut made = insert.iter().filter(|key| key.state.as_str() == state);
            made.next().map(|key| key.kid.clone())
        };
        let rotation = Rotation {
            active: step.activate.clone().or_else(|| made("active")),
            retired: step.retire.clone(),
            next: made("next"),
        };
        let retire = match step.retire {
            Some(kid) => Some((kid, reading.trusted().map_err(held_back)?)),
            None => None,
        };
        let changes = KeyChanges {
            retire,
            activate: step.activate,
            insert,
        };
        let done = self.core.store.change_keys(&changes, by.at(now)).await?;
        if done && let Some(kid) = &rotation.active {
            tracing::info!(%kid, %alg, "from now on the server signs tokens with the {alg} key {kid}");
        }
        Ok(done.then_some(rotation))
    }

    /// A new key pair. RSA takes a moment, which no other request should wait for.
    async fn generate(
        &self,
        alg: SigningAlg,
        state: KeyState,
        created_at: UnixTime,
    ) -> Result<KeyRecord> {
        let making = tokio::task::spawn_blocking(move || {
            let private = SigningKey::generate(alg)?;
            let key = SigningKey::from_pkcs8(alg, &private)?;
            Ok::<_, KeyError>((private, key))
        });
        let (private, key) = making.await.map_err(Error::internal)??;
        Ok(KeyRecord {
            kid: key.kid().clone(),
            alg,
            state,
            created_at,
            sealed: self.sealing.seal(key.kid(), alg, &private)?,
        })
    }
}

fn too_early(seconds: i64) -> Error {
    let description = format!(
        "verifiers may not know the next key yet: rotate in {seconds} seconds, or use --now"
    );
    let mut error = Error::temporarily_unavailable(description);
    error.retry_after = u32::try_from(seconds).ok();
    error
}
