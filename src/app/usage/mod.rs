//! How much clients do, and when they, their secrets and their identities were last used: counted in memory on the way, written by a task
//! of its own. Nothing here can refuse or delay a request.

pub(crate) mod busiest_clients;
mod counters;
mod pending;
pub(crate) mod refreshing_cache;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::app::clients::cache::ClientCache;
use crate::app::core::Core;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::base::printable::printable;
use crate::domain::{
    Audience, ClientId, ClientIdentity, ClientUses, ExchangeUsage, LastUsed, SecretId, UsageCounts,
    UsageIn, UsageOf, UsageSpan,
};
use crate::store::{UsageOrder, UsageRows};
use busiest_clients::Rankings;
use counters::Counters;
use pending::{MINUTES_KEPT, Pending};

/// Rows of one statement.
const BATCH: usize = 500;

/// Rows of one removal.
const PRUNE_BATCH: u32 = 10_000;

/// The longest subject of a token that is kept, in characters.
const MAX_SUBJECT: usize = 300;

/// How often a secret was used is told for so long.
const SECRET_HOURS: i64 = 24 * 3_600;

/// What clients did: what is not written yet, and what the database has.
pub struct Usage {
    core: Arc<Core>,
    cache: Arc<ClientCache>,
    counters: Counters,
    pending: Mutex<Pending>,
    rankings: Rankings,
}

impl Usage {
    pub(crate) fn new(core: &Arc<Core>, cache: &Arc<ClientCache>) -> Self {
        Self {
            core: Arc::clone(core),
            cache: Arc::clone(cache),
            counters: Counters::new(),
            pending: Mutex::default(),
            rankings: Rankings::default(),
        }
    }

    /// Counts that a token of this client was found good.
    pub fn count_verified(&self, id: &ClientId) {
        let counters = &self.counters;
        counters.note(id, |entry| entry.counts.verified += 1);
    }

    /// Counts that this client has proved who it is.
    pub(super) fn count_log_in(&self, id: &ClientId, secret: Option<&SecretId>, source: IpAddr) {
        let counters = &self.counters;
        counters.note(id, |entry| entry.log_in(secret, source));
    }

    /// Notes that an identity of this client has proved it, by a token with this `sub`.
    pub(super) fn note_identity(
        &self,
        id: &ClientId,
        identity: &ClientIdentity,
        subject: &str,
        source: IpAddr,
    ) {
        // Before the counters are locked.
        let subject = printable(subject, MAX_SUBJECT);
        let counters = &self.counters;
        counters.note(id, |entry| entry.use_identity(identity, subject, source));
    }

    /// Counts what came of a request of this client for a token.
    pub(super) fn count_token_request<T>(&self, id: &ClientId, outcome: &Result<T>) {
        let counters = &self.counters;
        match outcome {
            Ok(_) => counters.note(id, |entry| entry.counts.issued += 1),
            Err(error) if error.is_rejection() => {
                counters.note(id, |entry| entry.counts.refused += 1);
            }
            Err(_) => {}
        }
    }

    /// Counts that this client has exchanged a token for a target.
    pub(super) fn count_exchange(&self, id: &ClientId, target: &Audience) {
        self.counters.note(id, |entry| entry.exchange(target));
    }

    /// Counts a login that was refused in somebody's name. Only a name that is that of a client in memory counts
    /// as one: anybody can invent others.
    pub(super) fn count_rejected_log_in(&self, claimed: Option<&ClientId>) {
        let counters = &self.counters;
        match claimed.filter(|id| self.cache.contains(id)) {
            Some(id) => counters.note(id, |entry| entry.counts.refused += 1),
            None => counters.note_nobody_refused(),
        }
    }

    /// Writes what was counted since the last time. What cannot be written waits for the next; while the clock may be
    /// wrong, what was counted waits in memory: a secret that seems to have been used long ago would be ended by others.
    pub async fn write(&self) -> Result<()> {
        let mut pending = self.pending.lock().await;
        if !self.core.doubts_clock() {
            let (taken, nobody) = self.counters.take();
            pending.add(taken, nobody, self.core.now());
        }
        let Pending {
            totals,
            clients,
            last_uses,
            identities,
            secrets,
            exchanges,
        } = &mut *pending;
        self.write_rows(totals, UsageRows::Totals).await?;
        self.write_rows(clients, UsageRows::Clients).await?;
        self.write_rows(last_uses, UsageRows::LastUses).await?;
        self.write_rows(identities, UsageRows::Identities).await?;
        self.write_rows(secrets, UsageRows::Secrets).await?;
        self.write_rows(exchanges, UsageRows::Exchanges).await
    }

    /// Writes rows in batches; each goes from `rows` when it is written.
    async fn write_rows<K: Ord + Clone, V: Clone>(
        &self,
        rows: &mut std::collections::BTreeMap<K, V>,
        of: impl Fn(Vec<(K, V)>) -> UsageRows,
    ) -> Result<()> {
        while !rows.is_empty() {
            let batch: Vec<(K, V)> = rows
                .iter()
                .take(BATCH)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            let keys: Vec<K> = batch.iter().map(|(key, _)| key.clone()).collect();
            self.core.store.add_usage(&of(batch)).await?;
            for key in keys {
                rows.remove(&key);
            }
        }
        Ok(())
    }

    /// Removes the counts that are older than they are kept.
    pub async fn prune(&self) -> Result<()> {
        let now = self.core.trusted_time().await?;
        let end = now.ago(self.core.config.retention.usage);
        let (store, limit) = (&self.core.store, PRUNE_BATCH);
        while store.prune_usage_hours(end, limit).await? == u64::from(limit) {}
        while store.prune_exchange_hours(end, limit).await? == u64::from(limit) {}
        let end = now.back_to(UsageSpan::Hour.start(now.ago(SECRET_HOURS).time()));
        while store.prune_secret_hours(end, limit).await? == u64::from(limit) {}
        for (span, kept) in [
            (UsageSpan::Minute, MINUTES_KEPT),
            (UsageSpan::Hour, self.core.config.retention.usage),
        ] {
            store.prune_usage_totals(span, now.ago(kept)).await?;
        }
        Ok(())
    }

    /// When a client and its secrets were last used, and how often. What is not written yet, a few seconds'
    /// worth, is not in it.
    pub async fn find_of_client(&self, id: &ClientId) -> Result<ClientUses> {
        // Whole hours: up to one more than the day.
        let since = UsageSpan::Hour.start(self.core.now().plus(-SECRET_HOURS));
        Ok(self.core.store.find_client_uses(id, since).await?)
    }

    /// When these clients were last used, those that were.
    pub async fn list_last_used(&self, ids: &[&ClientId]) -> Result<HashMap<ClientId, LastUsed>> {
        let mut found = HashMap::new();
        for ids in ids.chunks(BATCH) {
            found.extend(self.core.store.list_last_uses(ids).await?);
        }
        Ok(found)
    }

    /// What all clients together did, by the minute or by the hour, since a time; spans in which nothing happened
    /// are not in it.
    pub async fn list(&self, span: UsageSpan, since: UnixTime) -> Result<Vec<UsageIn>> {
        Ok(self.core.store.list_usage_totals(span, since).await?)
    }

    /// What a client did, by the hour.
    pub async fn list_of_client(&self, id: &ClientId, since: UnixTime) -> Result<Vec<UsageIn>> {
        Ok(self.core.store.list_client_usage(id, since).await?)
    }

    /// How often a client exchanged a token for each target since a time.
    pub async fn list_exchanges(
        &self,
        id: &ClientId,
        since: UnixTime,
    ) -> Result<Vec<ExchangeUsage>> {
        Ok(self.core.store.list_exchanges(id, since).await?)
    }

    /// The clients that did most since a time, the first ones first.
    pub async fn list_top_clients(
        &self,
        order: UsageOrder,
        since: UnixTime,
        limit: u32,
    ) -> Result<Vec<UsageOf>> {
        Ok(self
            .core
            .store
            .list_top_clients(order, since, limit)
            .await?)
    }

    /// The last spans, this one among them, also those in which nothing happened.
    pub(crate) async fn list_last(
        &self,
        span: UsageSpan,
        count: i64,
        now: UnixTime,
    ) -> Result<Vec<UsageIn>> {
        let first = span.start(now).plus(-(count - 1) * span.seconds());
        let found = self.list(span, first).await?;
        Ok(filled(found, span, first, count))
    }

    /// The last hours of a client, this one among them, also those in which nothing happened.
    pub async fn list_client_hours(&self, id: &ClientId, count: i64) -> Result<Vec<UsageIn>> {
        let span = UsageSpan::Hour;
        let first = span.start(self.core.now());
        let first = first.plus(-(count - 1) * span.seconds());
        let found = self.list_of_client(id, first).await?;
        Ok(filled(found, span, first, count))
    }
}

/// The spans from `first` on, also those that were not found.
fn filled(found: Vec<UsageIn>, span: UsageSpan, first: UnixTime, count: i64) -> Vec<UsageIn> {
    let mut found = found.into_iter().peekable();
    let all = (0..count).map(|number| first.plus(number * span.seconds()));
    let filled = all.map(|start| {
        found.next_if(|it| it.start == start).unwrap_or(UsageIn {
            start,
            counts: UsageCounts::default(),
        })
    });
    filled.collect()
}
