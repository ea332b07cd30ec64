//! What others do: the database, and changes that come by it.

use std::fmt;

use super::{Snapshot, span, truth};
use crate::http::ops::exposition::Page;

impl Snapshot {
    pub(super) fn feed(&self, page: &mut Page<'_>) -> fmt::Result {
        let feed = &self.app.feed;
        let age = |read_at| span(self.now.since(read_at).max(0));
        page.gauge(
            "token_server_feed_lag_seconds",
            "Time since this replica last read the changes of other replicas",
            feed.read_at.map(age),
        )?;
        page.gauge(
            "token_server_feed_listening",
            "1 while the database notifies this replica of changes; always 0 on SQLite",
            Some(truth(feed.listening)),
        )?;
        page.counter(
            "token_server_feed_changes",
            "Changes that were applied",
            feed.applied,
        )?;
        page.counter(
            "token_server_feed_failures",
            "Failed readings of the changes",
            feed.failed,
        )?;
        page.counter(
            "token_server_feed_reloads",
            "Full reloads: at the start, and when changes were missed",
            feed.reloaded,
        )?;
        let history = &self.app.history;
        page.counter(
            "token_server_history_losses",
            "Times that the database lacked changes that this replica knew, or was restored",
            history.losses,
        )?;
        page.counters(
            "token_server_history_written_back",
            "Revocations and generations that the database had lost and this replica wrote back",
            [
                ([("of", "token")], history.tokens),
                ([("of", "client")], history.clients),
            ],
        )
    }

    pub(super) fn clock(&self, page: &mut Page<'_>) -> fmt::Result {
        page.gauge(
            "token_server_clock_difference_seconds",
            "Seconds by which this machine's clock is ahead of the database's, which the server uses; always 0 on SQLite",
            Some(span(self.app.clock_difference)),
        )?;
        page.gauge(
            "token_server_removal_held_back",
            "1 while the server removes, rotates and expires nothing by time, because the clock may be wrong",
            Some(truth(self.app.removal_is_held_back)),
        )
    }

    pub(super) fn audit(&self, page: &mut Page<'_>) -> fmt::Result {
        let audit = &self.app.audit_head;
        page.gauges(
            "token_server_audit_head_event_id",
            "The last event of the audit trail and its hash, as last seen; read at the start and every hour",
            audit.head.iter().map(|head| ([("hash", &*head.hash)], span(head.event_id))),
        )?;
        page.gauge(
            "token_server_audit_head_authentic",
            "1 if the server can verify the end of the audit trail; at 0 it refuses every change",
            audit.is_authentic.map(truth),
        )?;
        page.counter(
            "token_server_audit_log_lost_events",
            "Events that could not be written to AUDIT_LOG; the database has them",
            self.app.audit_log_lost.unwrap_or_default(),
        )
    }

    pub(super) fn database(&self, page: &mut Page<'_>) -> fmt::Result {
        let pools = &self.app.pools;
        page.gauges(
            "token_server_database_connections",
            "Open connections to the database",
            pools.iter().flat_map(|pool| {
                let used = pool.open.saturating_sub(pool.idle);
                [("idle", pool.idle), ("used", used)]
                    .map(|(state, found)| ([("pool", pool.name), ("state", state)], found.into()))
            }),
        )?;
        page.gauges(
            "token_server_database_connections_limit",
            "Limit of open connections to the database",
            pools
                .iter()
                .map(|pool| ([("pool", pool.name)], pool.limit.into())),
        )?;
        let calls = &self.app.calls;
        page.histograms(
            "token_server_database_wait_seconds",
            "Time that a call waited for a database connection",
            [([], calls.waited)],
        )?;
        page.histograms(
            "token_server_database_call_seconds",
            "Time that a call took on its database connection",
            [([], calls.took)],
        )?;
        page.counters(
            "token_server_database_failures",
            "Database calls that got no connection, or no answer in time",
            [
                ([("reason", "connection")], calls.unconnected),
                ([("reason", "pool")], calls.pool_exhausted),
                ([("reason", "timeout")], calls.late),
            ],
        )?;
        page.counter(
            "token_server_database_lost_races",
            "Changes appended again because another replica had appended one first",
            calls.lost_races,
        )?;
        let (degraded, stale) = self.app.refused_without_database;
        page.counters(
            "token_server_database_refusals",
            "Requests refused at once because the database is gone, or gone for longer than STALE_LIMIT",
            [
                ([("state", "degraded")], degraded),
                ([("state", "stale")], stale),
            ],
        )
    }
}
