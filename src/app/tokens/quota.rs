//! How far clients are with their quotas of tokens. Owns the counts of this hour, for the clients that have a quota:
//! those of this replica at once, those of the others as of the last writing of usage. A client without a quota never
//! comes here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::anyhow;
use quick_cache::sync::{Cache, EntryAction, EntryResult};

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::base::clock::UnixTime;
use crate::base::metrics::Counter;
use crate::domain::{Client, ClientId, QUOTA_WINDOW, QuotaState, TokenQuota, UsageSpan};

/// Clients with a quota that can be counted at once; past that the least used begin anew.
const CAPACITY: usize = 100_000;

/// Clients that are asked for in one statement.
const BATCH: usize = 500;

pub(crate) struct Quotas {
    hours: Cache<ClientId, Arc<Hour>>,
    warned: Counter,
    pub(super) refused: Counter,
}

#[derive(Debug)]
struct Hour {
    began_at: UnixTime,
    ours: AtomicU32,
    others: AtomicU32,
}

impl Hour {
    fn fresh(began_at: UnixTime) -> Arc<Self> {
        Arc::new(Self {
            began_at,
            ours: AtomicU32::new(0),
            others: AtomicU32::new(0),
        })
    }

    fn used(&self) -> u32 {
        let (ours, others) = (&self.ours, &self.others);
        ours.load(Ordering::Relaxed)
            .saturating_add(others.load(Ordering::Relaxed))
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            hours: Cache::new(CAPACITY),
            warned: Counter::default(),
            refused: Counter::default(),
        }
    }
}

impl Quotas {
    fn hour(&self, id: &ClientId, began_at: UnixTime) -> Arc<Hour> {
        if let Some(hour) = self.known_hour(id, began_at) {
            return hour;
        }
        let entry = self.hours.entry(id, None, |_, hour| {
            if hour.began_at != began_at {
                *hour = Hour::fresh(began_at);
            }
            EntryAction::Retain(Arc::clone(hour))
        });
        match entry {
            EntryResult::Retained(hour) => hour,
            EntryResult::Vacant(guard) | EntryResult::Replaced(guard, _) => {
                let hour = Hour::fresh(began_at);
                // Refused only when it was removed meanwhile.
                let _ = guard.insert(Arc::clone(&hour));
                hour
            }
            EntryResult::Removed(..) | EntryResult::Timeout => Hour::fresh(began_at),
        }
    }

    fn known_hour(&self, id: &ClientId, began_at: UnixTime) -> Option<Arc<Hour>> {
        self.hours.get(id).filter(|hour| hour.began_at == began_at)
    }

    /// Answers that warned, and requests that were refused.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.warned.value(), self.refused.value())
    }
}

impl Tokens {
    /// Fails when a client has had all the tokens of this hour.
    pub(crate) fn check_quota(&self, client: &Client) -> Result<()> {
        let Some(quota) = client.token_quota else {
            return Ok(());
        };
        let now = self.core.now();
        let state = self.quota_state(&client.client_id, quota, now);
        if state.remaining() > 0 {
            return Ok(());
        }
        let rest = u32::try_from(state.ends_at.since(now)).unwrap_or(1);
        let reason = anyhow!(
            "the client got {} of its {quota} tokens of this hour",
            state.used
        );
        Err(Error::over_quota(rest).with_source(reason))
    }

    pub(crate) fn count_against_quota(&self, client: &Client) {
        if client.token_quota.is_some() {
            let hour = UsageSpan::Hour.start(self.core.now());
            let hour = self.quotas.hour(&client.client_id, hour);
            hour.ours.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How far a client is with its quota, when it has one and is to be warned.
    pub fn quota_warning(&self, client: &Client) -> Option<QuotaState> {
        let quota = client.token_quota?;
        let state = self.quota_state(&client.client_id, quota, self.core.now());
        if !state.is_warning() {
            return None;
        }
        self.quotas.warned.inc();
        Some(state)
    }

    /// How far a client is with its quota, if it has one: as this replica knows it, or as all have written.
    pub async fn find_quota_state(&self, client: &Client) -> Result<Option<QuotaState>> {
        let Some(quota) = client.token_quota else {
            return Ok(None);
        };
        let (id, now) = (&client.client_id, self.core.now());
        let mut state = self.quota_state(id, quota, now);
        let hour = UsageSpan::Hour.start(now);
        for (_, issued) in self.core.store.list_issued_in_hour(&[id], hour).await? {
            state.used = state.used.max(u32::try_from(issued).unwrap_or(u32::MAX));
        }
        Ok(Some(state))
    }

    fn quota_state(&self, id: &ClientId, quota: TokenQuota, now: UnixTime) -> QuotaState {
        let began_at = UsageSpan::Hour.start(now);
        let hour = self.quotas.known_hour(id, began_at);
        QuotaState {
            quota,
            used: hour.map_or(0, |hour| hour.used()),
            ends_at: began_at.plus(QUOTA_WINDOW),
        }
    }

    /// Learns what other replicas have issued to the clients with a quota that are active here. To be called when all
    /// that was counted here is written; `ours` is what was, as [`quota_counts`](Self::quota_counts) said before.
    pub(crate) async fn learn_quotas(&self, ours: &[(ClientId, u32)]) -> Result<()> {
        let began_at = UsageSpan::Hour.start(self.core.now());
        for batch in ours.chunks(BATCH) {
            let ids: Vec<&ClientId> = batch.iter().map(|(id, _)| id).collect();
            let issued = self.core.store.list_issued_in_hour(&ids, began_at).await?;
            for (id, written) in batch {
                let all = issued.iter().find(|(theirs, _)| theirs == id);
                let all = all.map_or(0, |(_, count)| u32::try_from(*count).unwrap_or(u32::MAX));
                if let Some(hour) = self.quotas.known_hour(id, began_at) {
                    let others = all.saturating_sub(*written);
                    hour.others.store(others, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    /// What was issued here in this hour to each client with a quota.
    pub(crate) fn quota_counts(&self) -> Vec<(ClientId, u32)> {
        let began_at = UsageSpan::Hour.start(self.core.now());
        let hours = self.quotas.hours.iter();
        hours
            .filter(|(_, hour)| hour.began_at == began_at)
            .map(|(id, hour)| (id, hour.ours.load(Ordering::Relaxed)))
            .collect()
    }
}
