//! Owns the counts that were taken out of memory and are not written yet, by the time at which they were taken: while
//! the database is gone they wait here. Bounded.

use std::collections::BTreeMap;

use super::counters::{Entry, IdentityEntry};
use crate::base::clock::UnixTime;
use crate::domain::{
    Audience, ClientId, IdentityDigest, IdentityUse, LastUsed, SecretId, UsageCounts, UsageSpan,
};

/// Rows of one map at most. More are counted under nobody's name, and of uses the older ones stay.
const CAPACITY: usize = 200_000;

/// Nobody looks at the minutes of longer ago.
pub(super) const MINUTES_KEPT: i64 = 3 * 3_600;

/// What is to be written. Sorted, so that replicas that write at once wait for one another in one order.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) totals: BTreeMap<(UsageSpan, UnixTime), UsageCounts>,
    /// `None`: of no known client.
    pub(super) clients: BTreeMap<(Option<ClientId>, UnixTime), UsageCounts>,
    /// `None`: of the client itself.
    pub(super) last_uses: BTreeMap<(ClientId, Option<SecretId>), LastUsed>,
    pub(super) identities: BTreeMap<(ClientId, IdentityDigest), IdentityUse>,
    pub(super) secrets: BTreeMap<(ClientId, SecretId, UnixTime), u64>,
    pub(super) exchanges: BTreeMap<(ClientId, Audience, UnixTime), u64>,
}

impl Pending {
    /// Adds what was taken out of memory at `now`.
    pub(super) fn add(&mut self, taken: Vec<Entry>, nobody: UsageCounts, now: UnixTime) {
        let hour = UsageSpan::Hour.start(now);
        let mut total = nobody;
        self.count(None, hour, nobody);
        for entry in taken {
            total.add(entry.counts);
            self.count(Some(&entry.client_id), hour, entry.counts);
            if let Some(source) = entry.source {
                self.use_at(&entry.client_id, None, now, source);
            }
            for secret in entry.secrets {
                let secret_id = secret.secret_id;
                self.use_at(&entry.client_id, Some(&secret_id), now, secret.source);
                let key = (entry.client_id.clone(), secret_id, hour);
                if has_room(&self.secrets, &key) {
                    *self.secrets.entry(key).or_default() += secret.uses;
                }
            }
            for used in entry.identities {
                self.use_identity(&entry.client_id, used, now);
            }
            for (target, count) in entry.exchanges {
                let key = (entry.client_id.clone(), target, hour);
                if has_room(&self.exchanges, &key) {
                    *self.exchanges.entry(key).or_default() += count;
                }
            }
        }
        if total != UsageCounts::default() {
            for span in [UsageSpan::Minute, UsageSpan::Hour] {
                let key = (span, span.start(now));
                self.totals.entry(key).or_default().add(total);
            }
        }
        let oldest = now.plus(-MINUTES_KEPT);
        self.totals
            .retain(|(span, start), _| *span != UsageSpan::Minute || *start >= oldest);
    }

    fn count(&mut self, id: Option<&ClientId>, hour: UnixTime, counts: UsageCounts) {
        if counts == UsageCounts::default() {
            return;
        }
        let mut key = (id.cloned(), hour);
        if !has_room(&self.clients, &key) {
            key.0 = None;
        }
        self.clients.entry(key).or_default().add(counts);
    }

    fn use_identity(&mut self, id: &ClientId, used: IdentityEntry, now: UnixTime) {
        let key = (id.clone(), IdentityDigest::of(&used.identity));
        if has_room(&self.identities, &key) {
            let last = IdentityUse {
                issuer: used.identity.issuer().clone(),
                subject: used.subject,
                last: LastUsed {
                    used_at: now,
                    source: used.source,
                },
            };
            self.identities.insert(key, last);
        }
    }

    fn use_at(
        &mut self,
        id: &ClientId,
        secret: Option<&SecretId>,
        used_at: UnixTime,
        source: std::net::IpAddr,
    ) {
        let key = (id.clone(), secret.cloned());
        if has_room(&self.last_uses, &key) {
            self.last_uses.insert(key, LastUsed { used_at, source });
        }
    }
}

fn has_room<K: Ord, V>(rows: &BTreeMap<K, V>, key: &K) -> bool {
    rows.len() < CAPACITY || rows.contains_key(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified(count: u64) -> UsageCounts {
        UsageCounts {
            verified: count,
            ..UsageCounts::default()
        }
    }

    fn entry(n: usize) -> Entry {
        Entry {
            counts: verified(1),
            ..Entry::new(ClientId::parse(&n.to_string()).unwrap())
        }
    }

    #[test]
    fn what_waits_long_is_bounded_and_no_count_is_lost() {
        let mut pending = Pending::default();
        for hour in 0..5 {
            let taken = (0..100_000).map(entry).collect();
            pending.add(taken, verified(1), UnixTime(hour * 3_600));
        }

        assert!(pending.clients.len() <= CAPACITY + 5);
        let sum = |counts: &mut dyn Iterator<Item = &UsageCounts>| -> u64 {
            counts.map(|counts| counts.verified).sum()
        };
        assert_eq!(sum(&mut pending.clients.values()), 500_005);
        let hours = pending
            .totals
            .iter()
            .filter(|((span, _), _)| *span == UsageSpan::Hour)
            .map(|(_, counts)| counts);
        assert_eq!(sum(&mut hours.into_iter()), 500_005);
        // The minutes of the last three hours.
        assert_eq!(pending.totals.len(), 5 + 4);
    }
}
