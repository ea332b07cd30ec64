//! The revocations of clients that revoke tokens of their own, for the audit trail. Owns how many there were since the last
//! writing: a client may revoke hundreds in a second, and an event of each would be kept for years.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::app::error::Result;
use crate::app::tokens::Tokens;
use crate::base::clock::UnixTime;
use crate::domain::{Action, Actor, ClientId, NewEvent, Origin, Target};

/// Clients that are counted by themselves between two writings; those of others are counted together.
const CAPACITY: usize = 10_000;

/// What is not in the audit trail yet, by client; `None`: of the clients beyond that.
#[derive(Debug, Default)]
pub(in crate::app::tokens) struct OwnRevocations(Mutex<Counts>);

type Counts = HashMap<Option<ClientId>, Counted>;

/// Revocations of one client, or of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    count: u64,
    since: UnixTime,
    /// Where the last one came from.
    source: Option<IpAddr>,
}

impl OwnRevocations {
    pub(in crate::app::tokens) fn count(
        &self,
        id: &ClientId,
        source: Option<IpAddr>,
        now: UnixTime,
    ) {
        let one = Counted {
            count: 1,
            since: now,
            source,
        };
        self.add(Some(id.clone()), one);
    }

    fn add(&self, id: Option<ClientId>, more: Counted) {
        let mut held = self.held();
        let has_room = held.len() < CAPACITY || held.contains_key(&id);
        let id = id.filter(|_| has_room);
        held.entry(id)
            .and_modify(|counted| {
                counted.count += more.count;
                counted.since = counted.since.min(more.since);
                counted.source = more.source;
            })
            .or_insert(more);
    }

    fn take(&self) -> Counts {
        std::mem::take(&mut *self.held())
    }

    fn held(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tokens {
    /// Tells the audit trail how many tokens of their own clients revoked since the last time: one event for each client.
    /// What cannot be written waits. Not to be cancelled: what was taken out by then would be lost.
    pub async fn write_own_revocations(&self) -> Result<()> {
        let mut written = Ok(());
        for (id, counted) in self.own_revocations.take() {
            if written.is_ok() {
                written = self.write_counted(id.as_ref(), counted).await;
            }
            if written.is_err() {
                self.own_revocations.add(id, counted);
            }
        }
        written
    }

    async fn write_counted(&self, id: Option<&ClientId>, counted: Counted) -> Result<()> {
        let action = Action::TokenRevokeOwn;
        let (by, event) = match id {
            Some(id) => {
                let by = Origin {
                    actor: Actor::Client(id.clone()),
                    source: counted.source,
                    request_id: None,
                };
                let target = Target::Client(id.clone());
                (by, NewEvent::of_client(action, id, target))
            }
            None => (Origin::SERVER, NewEvent::new(action, Target::Clients)),
        };
        let after = json!({ "count": counted.count, "since": counted.since });
        self.audit.record(&by, event.after(after)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> ClientId {
        ClientId::parse(&number.to_string()).unwrap()
    }

    #[test]
    fn many_clients_take_no_more_memory_than_there_is_room_for_and_none_is_forgotten() {
        let own = OwnRevocations::default();
        for (number, second) in (0..CAPACITY + 2).zip(0..) {
            own.count(&id(number), None, UnixTime(second));
        }
        own.count(&id(7), None, UnixTime(99));

        let taken = own.take();
        assert_eq!(taken.len(), CAPACITY + 1);
        let seven = taken[&Some(id(7))];
        assert_eq!((seven.count, seven.since), (2, UnixTime(7)));
        assert_eq!(taken[&None].count, 2);
        let all: u64 = taken.values().map(|counted| counted.count).sum();
        assert_eq!(all, CAPACITY as u64 + 3);
        assert!(own.take().is_empty());
    }
}
