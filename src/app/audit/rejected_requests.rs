//! Requests that were refused, with the true reason, to be found by the id that the caller was answered with. Owns those
//! that are not written yet, some of them: whoever is refused without end must not fill memory or the database.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::app::audit::Audit;
use crate::app::error::{Error, Result};
use crate::base::clock::Clock;
use crate::base::metrics::Counter;
use crate::base::printable::printable;
use crate::base::source_network::source_network;
use crate::domain::{ClientId, RejectedRequest};

/// Between two writings.
const CAPACITY: usize = 1_000;

/// Of one source between two writings: one that fails without end must not push out all others.
const CAPACITY_OF_SOURCE: u32 = 20;

/// Rows in the database.
pub(crate) const KEPT: u32 = 100_000;

/// The longest reason that is kept, in characters.
const MAX_REASON: usize = 4_000;

/// Requests of one id that are shown: callers may choose it.
const SHOWN: u32 = 20;

/// What is refused, for those who answer.
#[derive(Debug)]
pub struct RejectedRequests {
    clock: Clock,
    held: Mutex<Held>,
    left_out: Counter,
}

#[derive(Debug, Default)]
struct Held {
    new: Vec<RejectedRequest>,
    by_source: HashMap<IpAddr, u32>,
}

impl RejectedRequests {
    /// None yet.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            held: Mutex::default(),
            left_out: Counter::default(),
        }
    }

    /// Notes the answer to a request, if somebody was refused with it.
    pub fn note(&self, route: &str, request_id: &str, error: &Error) {
        let Some(attempt) = error.attempt.as_deref().filter(|_| error.is_rejection()) else {
            return;
        };
        let mut held = self.held();
        if held.new.len() >= CAPACITY || !held.has_room_for(attempt.source) {
            self.left_out.inc();
            return;
        }
        held.new.push(RejectedRequest {
            request_id: request_id.to_owned(),
            at: self.clock.now(),
            route: route.to_owned(),
            client_id: attempt.client_id.as_ref().map(ToString::to_string),
            hint: attempt.hint.clone(),
            source: attempt.source.to_canonical().to_string(),
            error: error.code.as_str().to_owned(),
            // It may quote what the caller sent.
            reason: printable(&error.reason(), MAX_REASON),
        });
    }

    /// How many were not kept, for want of room.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.value()
    }

    /// Those that are not written yet, the last one first.
    fn find(&self, which: impl Fn(&RejectedRequest) -> bool) -> Vec<RejectedRequest> {
        let held = self.held();
        let found = held.new.iter().rev().filter(|it| which(it));
        found.cloned().collect()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn has_room_for(&mut self, source: IpAddr) -> bool {
        let count = self.by_source.entry(source_network(source)).or_default();
        *count += 1;
        *count <= CAPACITY_OF_SOURCE
    }
}

impl Audit {
    /// Writes what was rejected since the last time. What cannot be written waits, as far as there is room.
    pub async fn write_rejected_requests(&self) -> Result<()> {
        let Held { new, .. } = std::mem::take(&mut *self.rejected_requests.held());
        let written = self.core.store.insert_rejected_requests(&new).await;
        if written.is_err() {
            let mut held = self.rejected_requests.held();
            let newer = std::mem::replace(&mut held.new, new);
            held.new.extend(newer);
            let room = held.new.len().min(CAPACITY);
            let left_out = held.new.split_off(room).len();
            self.rejected_requests.left_out.add(left_out as u64);
        }
        Ok(written?)
    }

    /// Why the requests of this id were refused, the last one first. There is more than one only when their callers
    /// chose the id themselves.
    pub async fn explain_request(&self, request_id: &str) -> Result<Vec<RejectedRequest>> {
        // Of other replicas up to a few seconds' worth is not there yet.
        let (held, store) = (&self.rejected_requests, &self.core.store);
        let mut found = held.find(|it| it.request_id == request_id);
        found.extend(store.find_rejected_requests(request_id, SHOWN).await?);
        if found.is_empty() {
            return Err(Error::not_found(
                "refused request with this id: the request succeeded, or another replica refused it some seconds ago, \
                    or there were too many refusals to record each; the log has every request",
            ));
        }
        found.truncate(SHOWN as usize);
        Ok(found)
    }

    /// The last requests that were refused in the name of a client.
    pub async fn list_rejected_requests(
        &self,
        id: &ClientId,
        limit: u32,
    ) -> Result<Vec<RejectedRequest>> {
        let (held, named) = (&self.rejected_requests, Some(id.as_str()));
        let mut found = held.find(|it| it.client_id.as_deref() == named);
        found.extend(self.core.store.list_rejected_requests(id, limit).await?);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// The last requests that were refused, in anybody's name.
    pub async fn list_recent_rejected_requests(&self, limit: u32) -> Result<Vec<RejectedRequest>> {
        let mut found = self.rejected_requests.find(|_| true);
        found.extend(self.core.store.list_recent_rejected_requests(limit).await?);
        // Of other replicas there may be newer ones in the database.
        found.sort_by_key(|it| std::cmp::Reverse(it.at));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// Forgets the refusals that are older than `REFUSAL_RETENTION`, and of the others the oldest when there are too
    /// many.
    pub async fn prune_rejected_requests(&self) -> Result<u64> {
        let kept_for = self.core.config.retention.refusals;
        let end = self.core.trusted_time().await?.ago(kept_for);
        Ok(self.core.store.prune_rejected_requests(end, KEPT).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UnixTime;
    use crate::domain::Attempt;

    #[test]
    fn a_source_that_fails_without_end_leaves_room_for_others() {
        let rejected = RejectedRequests::new(Clock::fixed(UnixTime(0)));
        let fail = |source: [u8; 4]| {
            let attempt = Attempt::of_unknown("nobody", IpAddr::from(source));
            let error = Error::invalid_client("x").with_attempt(attempt);
            rejected.note("/token", "id", &error);
        };
        for _ in 0..1_000 {
            fail([192, 0, 2, 1]);
        }
        fail([192, 0, 2, 2]);
        assert_eq!(rejected.held().new.len(), 21);
        assert_eq!(rejected.left_out(), 980);

        for n in 0..100_000_u32 {
            fail(n.to_be_bytes());
        }
        assert_eq!(rejected.held().new.len(), CAPACITY);
    }

    #[test]
    fn our_own_failures_and_errors_without_a_caller_are_not_kept() {
        let rejected = RejectedRequests::new(Clock::fixed(UnixTime(0)));
        let attempt = || Attempt::of_unknown("nobody", IpAddr::from([192, 0, 2, 1]));
        rejected.note("/token", "id", &Error::invalid_client("x"));
        let unavailable = Error::temporarily_unavailable("x").with_attempt(attempt());
        rejected.note("/token", "id", &unavailable);

        assert!(rejected.held().new.is_empty());
    }
}
