//! What is asked for: tokens, logins and the keys behind them.

use std::fmt;

use super::{Snapshot, count, number, span, time};
use crate::http::ops::exposition::{Page, seconds};

impl Snapshot {
    pub(super) fn tokens(&self, page: &mut Page<'_>) -> fmt::Result {
        page.counter(
            "token_server_tokens_issued",
            "Issued tokens",
            self.app.tokens_issued,
        )?;
        let refused = self.app.tokens_refused.iter();
        page.counters(
            "token_server_tokens_refused",
            "Refused tokens, by reason",
            refused.map(|(reason, count)| ([("reason", *reason)], *count)),
        )?;
        let (warned, refused) = self.app.quotas;
        page.counters(
            "token_server_quota",
            "Token requests of clients near or above their quota",
            [
                ([("outcome", "warned")], warned),
                ([("outcome", "refused")], refused),
            ],
        )?;
        page.counter(
            "token_server_refusals_not_kept",
            "Refused requests whose reason is only in the log, because there were too many",
            self.app.refusals_left_out,
        )?;
        let (tokens, clients) = self.app.revocations;
        page.gauges(
            "token_server_revocations",
            "Revocations in memory: of single tokens, and of all tokens of a client below a generation",
            [
                ([("of", "token")], count(tokens)),
                ([("of", "client")], count(clients)),
            ],
        )?;
        let folded = self.app.revocations_folded.iter();
        page.counters(
            "token_server_revocations_folded",
            "Clients whose tokens were all revoked instead of single ones, because of MAX_CLIENT_REVOCATIONS or MAX_REVOCATIONS",
            folded.map(|(room, count)| ([("room", *room)], *count)),
        )
    }

    pub(super) fn issuers(&self, page: &mut Page<'_>) -> fmt::Result {
        let issuers = || {
            self.app
                .issuers
                .iter()
                .map(|it| ([("issuer", it.name.as_str())], it))
        };
        page.gauges(
            "token_server_issuer_key_age_seconds",
            "How long ago the keys of a trusted issuer were fetched",
            issuers().filter_map(|(labels, it)| Some((labels, span(it.key_age?)))),
        )?;
        page.counters(
            "token_server_issuer_key_fetches_failed",
            "Fetches of the keys of a trusted issuer that failed",
            issuers().map(|(labels, it)| (labels, it.failed_fetches)),
        )?;
        page.counter(
            "token_server_assertions_for_token_endpoint",
            "Logins by client assertions whose aud is the token endpoint",
            self.app.token_endpoint_audiences,
        )
    }

    pub(super) fn logins(&self, page: &mut Page<'_>) -> fmt::Result {
        let throttled = self.app.throttled;
        page.counters(
            "token_server_logins_throttled",
            "Logins refused because of earlier failures of the source, for this client or for any client",
            [
                ([("by", "client")], throttled.by_client),
                ([("by", "source")], throttled.by_source),
            ],
        )?;
        let admins = self.app.admins_throttled.iter();
        page.counters(
            "token_server_admin_logins_throttled",
            "Portal logins refused because of earlier failures, by what had failed",
            admins.map(|(by, count)| ([("by", *by)], *count)),
        )?;
        let waiting = self.app.logins_waiting.iter();
        page.gauges(
            "token_server_logins_waiting",
            "Logins that wait for undecided logins of the same source",
            waiting.map(|it| ([("of", it.name)], count(it.waiting))),
        )?;
        let waiting = self.app.logins_waiting.iter();
        page.counters(
            "token_server_logins_waiting_refused",
            "Logins refused because too many waited for others of their source",
            waiting.map(|it| ([("of", it.name)], it.refused)),
        )
    }

    /// The lanes of hashing and signing.
    pub(super) fn lanes(&self, page: &mut Page<'_>) -> fmt::Result {
        let lanes = || {
            self.app
                .lanes
                .iter()
                .map(|lane| ([("lane", lane.name)], lane))
        };
        page.gauges(
            "token_server_lane_threads",
            "Threads of the lane",
            lanes().map(|(label, lane)| (label, count(lane.threads))),
        )?;
        page.gauges(
            "token_server_lane_queue",
            "Hashes or signatures that wait for a thread of the lane",
            lanes().map(|(label, lane)| (label, count(lane.queue))),
        )?;
        page.gauges(
            "token_server_lane_queue_limit",
            "Limit of the queue of the lane (HASHING_QUEUE, SIGNING_QUEUE)",
            lanes().map(|(label, lane)| (label, count(lane.queue_limit))),
        )?;
        page.counters(
            "token_server_lane_refused",
            "Hashes or signatures refused because the queue was full",
            lanes().map(|(label, lane)| (label, lane.refused)),
        )?;
        page.histograms(
            "token_server_lane_wait_seconds",
            "Time that a hash or signature waited for a thread",
            lanes().map(|(label, lane)| (label, lane.waited)),
        )?;
        page.counters(
            "token_server_lane_busy_seconds",
            "Busy time of all threads of the lane",
            lanes().map(|(label, lane)| (label, seconds(lane.busy_micros))),
        )
    }

    pub(super) fn keys(&self, page: &mut Page<'_>) -> fmt::Result {
        let keys = &self.app.keys;
        let states = keys.states.iter();
        page.gauges(
            "token_server_signing_keys",
            "Signing keys in the database, by state",
            states.map(|(state, found)| ([("state", *state)], count(*found))),
        )?;
        page.gauge(
            "token_server_signing_key_rotation_due_timestamp_seconds",
            "When the next signing key becomes active",
            keys.rotation_due.map(time),
        )?;
        let clients = self.app.last_secrets.iter().flat_map(|clients| {
            let past = [("past", clients.past)].into_iter();
            past.chain(clients.within)
        });
        page.gauges(
            "token_server_clients_last_secret_ends",
            "Enabled clients whose last secret has expired, or expires within this time",
            clients.map(|(within, found)| ([("within", within)], number(found))),
        )
    }
}
