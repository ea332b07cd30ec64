//! How much clients do, and when they and their secrets were last used: counted in memory on the way, written by a task
//! of its own. Nothing here can refuse or delay a request.

mod counters;
pub(in crate::app) mod overview;
mod pending;
pub(in crate::app) mod refreshing_cache;
pub(in crate::app) mod top_clients;

use std::collections::HashMap;
use std::net::IpAddr;

use tokio::sync::Mutex;

use super::{App, AuthenticatedClient};
use crate::app::audit::rejected_requests::is_refusal;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::{ClientId, ClientUses, LastUse, UsageCounts, UsageIn, UsageOf, UsageSpan};
use crate::store::{UsageOrder, UsageRows};
use counters::Counters;
use pending::{MINUTES_KEPT, Pending};

/// Rows of one statement.
const BATCH: usize = 500;

/// Rows of one removal.
const PRUNE_BATCH: u32 = 10_000;

/// How often a secret was used is told for so long.
const SECRET_HOURS: i64 = 24 * 3_600;

/// What happened and is not written yet.
pub(super) struct Usage {
    counters: Counters,
    pending: Mutex<Pending>,
}

impl Usage {
    /// Nothing has.
    pub(super) fn new() -> Self {
        Self {
            counters: Counters::new(),
            pending: Mutex::default(),
        }
    }
}

impl App {
    /// Counts that a token of this client was found good.
    pub fn count_verified(&self, id: &ClientId) {
        let counters = &self.usage.counters;
        counters.note(id, |entry| entry.counts.verified += 1);
    }

    /// Counts that this client has proved who it is.
    pub(super) fn count_log_in(&self, client: &AuthenticatedClient, source: IpAddr) {
        let secret = client.secret().map(|secret| &secret.secret_id);
        let counters = &self.usage.counters;
        counters.note(&client.client_id, |entry| entry.log_in(secret, source));
    }

    /// Counts what came of a request of this client for a token.
    pub(super) fn count_request<T>(&self, id: &ClientId, outcome: &Result<T>) {
        let counters = &self.usage.counters;
        match outcome {
            Ok(_) => counters.note(id, |entry| entry.counts.issued += 1),
            Err(error) if is_refusal(error) => {
                counters.note(id, |entry| entry.counts.refused += 1);
            }
            Err(_) => {}
        }
    }

    /// Counts a log-in that was refused in somebody's name. Only a name that is that of a client in memory counts
    /// as one: anybody can invent others.
    pub(super) fn count_refused_log_in(&self, claimed: Option<&ClientId>) {
        let counters = &self.usage.counters;
        match claimed.filter(|id| self.directory.holds(id)) {
            Some(id) => counters.note(id, |entry| entry.counts.refused += 1),
            None => counters.note_nobody_refused(),
        }
    }

    /// Writes what was counted since the last time. What cannot be written waits for the next; while the clock may be
    /// wrong, what was counted waits in memory: a secret that seems to have been used long ago would be ended by others.
    pub async fn write_usage(&self) -> Result<()> {
        let mut pending = self.usage.pending.lock().await;
        let quotas = self.quota_counts();
        if !self.doubts_its_clock() {
            let (taken, nobody) = self.usage.counters.take();
            pending.add(taken, nobody, self.clock.now());
        }
        let Pending {
            totals,
            clients,
            last_uses,
            secrets,
        } = &mut *pending;
        self.write(totals, UsageRows::Totals).await?;
        self.write(clients, UsageRows::Clients).await?;
        self.write(last_uses, UsageRows::LastUses).await?;
        self.write(secrets, UsageRows::Secrets).await?;
        self.learn_quotas(&quotas).await
    }

    /// Writes rows in batches; each goes from `rows` when it is written.
    async fn write<K: Ord + Clone, V: Copy>(
        &self,
        rows: &mut std::collections::BTreeMap<K, V>,
        of: impl Fn(Vec<(K, V)>) -> UsageRows,
    ) -> Result<()> {
        while !rows.is_empty() {
            let batch: Vec<(K, V)> = rows
                .iter()
                .take(BATCH)
                .map(|(key, value)| (key.clone(), *value))
                .collect();
            let keys: Vec<K> = batch.iter().map(|(key, _)| key.clone()).collect();
            self.store.add_usage(&of(batch)).await?;
            for key in keys {
                rows.remove(&key);
            }
        }
        Ok(())
    }

    /// Removes the counts that are older than they are kept.
    pub async fn prune_usage(&self) -> Result<()> {
        let now = self.trusted_time().await?;
        let end = now.ago(self.config.retention.usage);
        let limit = PRUNE_BATCH;
        while self.store.prune_usage_hours(end, limit).await? == u64::from(limit) {}
        let end = now.back_to(UsageSpan::Hour.start(now.ago(SECRET_HOURS).time()));
        while self.store.prune_secret_hours(end, limit).await? == u64::from(limit) {}
        for (span, kept) in [
            (UsageSpan::Minute, MINUTES_KEPT),
            (UsageSpan::Hour, self.config.retention.usage),
        ] {
            self.store.prune_usage_totals(span, now.ago(kept)).await?;
        }
        Ok(())
    }

    /// When a client and its secrets were last used, and how often. What is not written yet, a few seconds'
    /// worth, is not in it.
    pub async fn find_client_uses(&self, id: &ClientId) -> Result<ClientUses> {
        // Whole hours: up to one more than the day.
        let since = UsageSpan::Hour.start(self.clock.now().plus(-SECRET_HOURS));
        Ok(self.store.find_client_uses(id, since).await?)
    }

    /// When these clients were last used, those that were.
    pub async fn find_last_uses(&self, ids: &[&ClientId]) -> Result<HashMap<ClientId, LastUse>> {
        let mut found = HashMap::new();
        for ids in ids.chunks(BATCH) {
            found.extend(self.store.list_last_uses(ids).await?);
        }
        Ok(found)
    }

    /// What all clients together did, by the minute or by the hour, since a time; spans in which nothing happened
    /// are not in it.
    pub async fn list_usage(&self, span: UsageSpan, since: UnixTime) -> Result<Vec<UsageIn>> {
        Ok(self.store.list_usage_totals(span, since).await?)
    }

    /// What a client did, by the hour.
    pub async fn list_client_usage(&self, id: &ClientId, since: UnixTime) -> Result<Vec<UsageIn>> {
        Ok(self.store.list_client_usage(id, since).await?)
    }

    /// The clients that did most since a time, the first ones first.
    pub async fn list_top_clients(
        &self,
        order: UsageOrder,
        since: UnixTime,
        limit: u32,
    ) -> Result<Vec<UsageOf>> {
        Ok(self.store.list_top_clients(order, since, limit).await?)
    }

    /// What was refused in nobody's name since a time, or counted under none.
    pub async fn sum_usage_of_nobody(&self, since: UnixTime) -> Result<UsageCounts> {
        Ok(self.store.sum_usage_of_nobody(since).await?)
    }
}
