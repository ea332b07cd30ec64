//! Looking at the kept keys, and sealing them anew when `SECRET` has changed.

use serde::Serialize;
use utoipa::ToSchema;

use super::Keys;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{KeyId, KeyRecord, KeyState, Origin, SigningAlg, TokenTtl, UsageIn, UsageSpan};
use crate::jwt::SealedUnder;

/// A stored key, for people. It contains nothing secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SigningKey)]
pub struct KeyStatus {
    /// Its name.
    pub kid: KeyId,
    /// Its algorithm.
    pub alg: SigningAlg,
    /// `next`, `active` or `retired`.
    pub state: &'static str,
    /// When it was created and published.
    pub created_at: UnixTime,
    /// When it began to sign.
    pub activated_at: Option<UnixTime>,
    /// When it stopped signing.
    pub retired_at: Option<UnixTime>,
    /// When it is deleted, once it is retired.
    pub verifies_until: Option<UnixTime>,
    /// An upper bound of its active tokens: all tokens issued while it may have signed.
    pub live_tokens_at_most: u64,
    /// `SECRET` or `SECRET_PREVIOUS`; null when neither decrypts it.
    pub sealed_under: Option<&'static str>,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

impl Keys {
    /// Every kept key, in the order in which they were made.
    pub async fn list(&self) -> Result<Vec<KeyStatus>> {
        let (store, now) = (&self.core.store, self.core.now());
        let records = store.list_keys().await?;
        // No token lives longer.
        let since = now.plus(-TokenTtl::MAX.seconds());
        let first = UsageSpan::Hour.start(since);
        let hours = store.list_usage_totals(UsageSpan::Hour, first).await?;
        let live = |record| issued_under(record, &hours, since, now);
        let status = |record| self.status(record, live(record));
        Ok(records.iter().map(status).collect())
    }

    /// Seals under `SECRET` what is sealed under `SECRET_PREVIOUS`; how many that were. Fails when a key opens with
    /// neither, after doing what can be done.
    pub async fn reseal(&self, by: &Origin) -> Result<usize> {
        let (store, sealing) = (&self.core.store, &self.sealing);
        let mut resealed = 0;
        let mut problems = Vec::new();
        for record in store.list_keys().await? {
            match sealing.open(&record).and_then(|_| sealing.unseal(&record)) {
                Ok((_, SealedUnder::Secret)) => {}
                Ok((private, SealedUnder::SecretPrevious)) => {
                    let sealed = sealing.seal(&record.kid, record.alg, &private)?;
                    let stamp = self.core.stamp(by);
                    let done = store.reseal_key(&record.kid, &record.sealed, &sealed, stamp);
                    resealed += usize::from(done.await?);
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        if problems.is_empty() {
            Ok(resealed)
        } else {
            Err(Error::unusable_keys(problems.join("; ")))
        }
    }

    fn status(&self, record: &KeyRecord, live_tokens_at_most: u64) -> KeyStatus {
        let opened = self.sealing.open(record);
        let (activated_at, retired_at) = match record.state {
            KeyState::Next => (None, None),
            KeyState::Active { activated_at } => (Some(activated_at), None),
            KeyState::Retired { retired_at } => (None, Some(retired_at)),
        };
        KeyStatus {
            kid: record.kid.clone(),
            alg: record.alg,
            state: record.state.as_str(),
            created_at: record.created_at,
            activated_at,
            retired_at,
            verifies_until: record.state.verifies_until(),
            live_tokens_at_most,
            sealed_under: opened.as_ref().ok().map(|(_, under)| under.as_str()),
            problem: opened.err().map(|error| error.to_string()),
        }
    }
}

/// Tokens that were issued since a time in the hours in which a key may have signed. When a retired one began to is not
/// kept, so it counts from when it was made.
fn issued_under(record: &KeyRecord, hours: &[UsageIn], since: UnixTime, now: UnixTime) -> u64 {
    let (from, until) = match record.state {
        KeyState::Next => return 0,
        KeyState::Active { activated_at } => (activated_at, now),
        KeyState::Retired { retired_at } => (record.created_at, retired_at),
    };
    let (from, until) = (from.max(since), until.min(now));
    let in_it = |hour: &&UsageIn| {
        from <= until && hour.start <= until && hour.start.plus(UsageSpan::Hour.seconds()) > from
    };
    hours.iter().filter(in_it).map(|it| it.counts.issued).sum()
}
