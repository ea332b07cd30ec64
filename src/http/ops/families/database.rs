//! What others do and what is remembered of it: the database, changes that come by it, and the caches.

use std::fmt;

use super::{Snapshot, number, span, truth};
use crate::http::ops::exposition::{Page, labelled, metrics};

impl Snapshot {
    pub(super) fn caches(&self, page: &mut Page<'_>) -> fmt::Result {
        let caches = || labelled("cache", self.app.caches.iter().map(|it| (it.name, it)));
        metrics! { page {
            gauges "token_server_cache_entries" "Entries in the cache":
                caches().map(|(label, it)| (label, number(it.entries)));
            gauges "token_server_cache_limit_entries" "Limit of entries, of caches that are limited by number":
                caches()
                    .filter(|(_, it)| it.bytes.is_none())
                    .map(|(label, it)| (label, number(it.limit)));
            gauges "token_server_cache_bytes" "Approximate size, of caches that are limited by size":
                caches().filter_map(|(label, it)| Some((label, number(it.bytes?))));
            gauges "token_server_cache_limit_bytes" "Limit of the size, of caches that are limited by size":
                caches()
                    .filter(|(_, it)| it.bytes.is_some())
                    .map(|(label, it)| (label, number(it.limit)));
            counters "token_server_cache_hits" "Cache hits":
                caches().filter_map(|(label, it)| Some((label, it.asked?.0)));
            counters "token_server_cache_misses" "Cache misses":
                caches().filter_map(|(label, it)| Some((label, it.asked?.1)));
        } }
    }

    pub(super) fn feed(&self, page: &mut Page<'_>) -> fmt::Result {
        let (feed, history) = (&self.app.feed, &self.app.history);
        let age = |read_at| span(self.now.since(read_at).max(0));
        metrics! { page {
            gauge "token_server_feed_lag_seconds" "Time since this replica last read the changes of other replicas":
                feed.read_at.map(age);
            gauge "token_server_feed_listening"
                "1 while the database notifies this replica of changes; always 0 on SQLite":
                truth(feed.listening);
            counter "token_server_feed_changes" "Changes that were applied": feed.applied;
            counter "token_server_feed_failures" "Failed readings of the changes": feed.failed;
            counter "token_server_feed_reloads" "Full reloads: at the start, and when changes were missed":
                feed.reloaded;
            counter "token_server_history_losses"
                "Times that the database lacked changes that this replica knew, or was restored":
                history.losses;
            counters "token_server_history_written_back"
                "Revocations and generations that the database had lost and this replica wrote back":
                labelled("of", [("token", history.tokens), ("client", history.clients)]);
        } }
    }

    pub(super) fn clock(&self, page: &mut Page<'_>) -> fmt::Result {
        metrics! { page {
            gauge "token_server_clock_difference_seconds"
                "Seconds by which this machine's clock is ahead of the database's, which the server uses; always 0 on SQLite":
                span(self.app.clock_difference);
            gauge "token_server_removal_held_back"
                "1 while the server removes, rotates and expires nothing by time, because the clock may be wrong":
                truth(self.app.removal_is_held_back);
        } }
    }

    pub(super) fn audit(&self, page: &mut Page<'_>) -> fmt::Result {
        let audit = &self.app.audit_head;
        metrics! { page {
            gauges "token_server_audit_head_event_id"
                "The last event of the audit trail and its hash, as last seen; read at the start and every hour":
                labelled("hash", audit.head.iter().map(|head| (&*head.hash, span(head.event_id))));
            gauge "token_server_audit_head_authentic"
                "1 if the server can verify the end of the audit trail; at 0 it refuses every change":
                audit.is_authentic.map(truth);
            counter "token_server_audit_log_lost_events"
                "Events that could not be written to AUDIT_LOG; the database has them":
                self.app.audit_log_lost.unwrap_or_default();
        } }
    }

    pub(super) fn database(&self, page: &mut Page<'_>) -> fmt::Result {
        let pools = || labelled("pool", self.app.pools.iter().map(|it| (it.name, it)));
        let calls = &self.app.calls;
        let (degraded, stale) = self.app.refused_without_database;
        metrics! { page {
            gauges "token_server_database_connections" "Open connections to the database":
                pools().flat_map(|([pool], it)| {
                    let used = it.open.saturating_sub(it.idle);
                    [("idle", it.idle), ("used", used)]
                        .map(|(state, found)| ([pool, ("state", state)], found.into()))
                });
            gauges "token_server_database_connections_limit" "Limit of open connections to the database":
                pools().map(|(label, it)| (label, it.limit.into()));
            histograms "token_server_database_wait_seconds" "Time that a call waited for a database connection":
                [([], calls.waited)];
            histograms "token_server_database_call_seconds" "Time that a call took on its database connection":
                [([], calls.took)];
            counters "token_server_database_failures"
                "Database calls that got no connection, or no answer in time":
                labelled("reason", [
                    ("connection", calls.unconnected),
                    ("pool", calls.pool_exhausted),
                    ("timeout", calls.late),
                ]);
            counter "token_server_database_lost_races"
                "Changes appended again because another replica had appended one first":
                calls.lost_races;
            counters "token_server_database_refusals"
                "Requests refused at once because the database is gone, or gone for longer than STALE_LIMIT":
                labelled("state", [("degraded", degraded), ("stale", stale)]);
        } }
    }
}
