//! What is asked for: tokens, logins and the keys behind them.

use std::fmt;

use super::{Snapshot, count, number, span, time};
use crate::http::ops::exposition::{Page, labelled, metrics, seconds};

impl Snapshot {
    pub(super) fn tokens(&self, page: &mut Page<'_>) -> fmt::Result {
        let (warned, refused) = self.app.quotas;
        let (tokens, clients) = self.app.revocations;
        metrics! { page {
            counter "token_server_tokens_issued" "Issued tokens": self.app.tokens_issued;
            counters "token_server_tokens_refused" "Refused tokens, by reason":
                labelled("reason", self.app.tokens_refused.iter().copied());
            counters "token_server_quota" "Token requests of clients near or above their quota":
                labelled("outcome", [("warned", warned), ("refused", refused)]);
            counter "token_server_refusals_not_kept"
                "Refused requests whose reason is only in the log, because there were too many":
                self.app.refusals_left_out;
            gauges "token_server_revocations"
                "Revocations in memory: of single tokens, and of all tokens of a client below a generation":
                labelled("of", [("token", count(tokens)), ("client", count(clients))]);
            counters "token_server_revocations_folded"
                "Clients whose tokens were all revoked instead of single ones, because of MAX_CLIENT_REVOCATIONS or MAX_REVOCATIONS":
                labelled("room", self.app.revocations_folded);
        } }
    }

    pub(super) fn issuers(&self, page: &mut Page<'_>) -> fmt::Result {
        let issuers = || {
            labelled(
                "issuer",
                self.app.issuers.iter().map(|it| (it.name.as_str(), it)),
            )
        };
        metrics! { page {
            gauges "token_server_issuer_key_age_seconds" "How long ago the keys of a trusted issuer were fetched":
                issuers().filter_map(|(label, it)| Some((label, span(it.key_age?))));
            counters "token_server_issuer_key_fetches_failed" "Fetches of the keys of a trusted issuer that failed":
                issuers().map(|(label, it)| (label, it.failed_fetches));
            counter "token_server_assertions_for_token_endpoint"
                "Logins by client assertions whose aud is the token endpoint":
                self.app.token_endpoint_audiences;
        } }
    }

    pub(super) fn logins(&self, page: &mut Page<'_>) -> fmt::Result {
        let throttled = &self.app.throttled;
        let waiting = || labelled("of", self.app.logins_waiting.iter().map(|it| (it.name, it)));
        metrics! { page {
            counters "token_server_logins_throttled"
                "Logins refused because of earlier failures of the source, for this client or for any client":
                labelled("by", [("client", throttled.by_client), ("source", throttled.by_source)]);
            counters "token_server_admin_logins_throttled"
                "Portal logins refused because of earlier failures, by what had failed":
                labelled("by", self.app.admins_throttled.iter().copied());
            gauges "token_server_logins_waiting" "Logins that wait for undecided logins of the same source":
                waiting().map(|(label, it)| (label, count(it.waiting)));
            counters "token_server_logins_waiting_refused"
                "Logins refused because too many waited for others of their source":
                waiting().map(|(label, it)| (label, it.refused));
        } }
    }

    /// The lanes of hashing and signing.
    pub(super) fn lanes(&self, page: &mut Page<'_>) -> fmt::Result {
        let lanes = || labelled("lane", self.app.lanes.iter().map(|it| (it.name, it)));
        metrics! { page {
            gauges "token_server_lane_threads" "Threads of the lane":
                lanes().map(|(label, lane)| (label, count(lane.threads)));
            gauges "token_server_lane_queue" "Hashes or signatures that wait for a thread of the lane":
                lanes().map(|(label, lane)| (label, count(lane.queue)));
            gauges "token_server_lane_queue_limit" "Limit of the queue of the lane (HASHING_QUEUE, SIGNING_QUEUE)":
                lanes().map(|(label, lane)| (label, count(lane.queue_limit)));
            counters "token_server_lane_refused" "Hashes or signatures refused because the queue was full":
                lanes().map(|(label, lane)| (label, lane.refused));
            histograms "token_server_lane_wait_seconds" "Time that a hash or signature waited for a thread":
                lanes().map(|(label, lane)| (label, lane.waited));
            counters "token_server_lane_busy_seconds" "Busy time of all threads of the lane":
                lanes().map(|(label, lane)| (label, seconds(lane.busy_micros)));
        } }
    }

    pub(super) fn keys(&self, page: &mut Page<'_>) -> fmt::Result {
        let keys = &self.app.keys;
        let clients = self.app.last_secrets.iter().flat_map(|clients| {
            let past = [("past", clients.past)].into_iter();
            past.chain(clients.within)
        });
        metrics! { page {
            gauges "token_server_signing_keys" "Signing keys in the database, by state":
                labelled("state", keys.states.iter().map(|(state, found)| (*state, count(*found))));
            gauge "token_server_signing_key_rotation_due_timestamp_seconds"
                "When the next signing key becomes active":
                keys.rotation_due.map(time);
            gauges "token_server_clients_last_secret_ends"
                "Enabled clients whose last secret has expired, or expires within this time":
                labelled("within", clients.map(|(within, found)| (within, number(found))));
        } }
    }
}
