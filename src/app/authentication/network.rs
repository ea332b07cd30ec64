//! From where a client may log in. Owns which clients proved themselves from elsewhere, until the audit trail has it:
//! whoever does so has the client's secret or key.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::app::authentication::Authentication;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::base::source_network::source_network;
use crate::domain::{Action, Actor, Client, ClientId, NewEvent, Origin, Target};

/// Seconds until the same client from the same address is an event once more.
const AGAIN_AFTER: i64 = 3_600;

/// Events of that time: a client that was moved and tries without end must not fill the trail. Every refusal is in the
/// log.
const CAPACITY: usize = 1_000;

const CAPACITY_OF_CLIENT: usize = 20;

/// Clients that proved themselves from a network that is none of theirs.
#[derive(Debug, Default)]
pub(crate) struct WrongNetworks(Mutex<Vec<Sighting>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Sighting {
    client_id: ClientId,
    source: IpAddr,
    at: UnixTime,
    is_written: bool,
}

impl WrongNetworks {
    fn note(&self, id: &ClientId, source: IpAddr, now: UnixTime) {
        let mut held = self.held();
        held.retain(|it| !it.is_written || now.since(it.at) < AGAIN_AFTER);
        let of_client = held.iter().filter(|it| it.client_id == *id);
        let is_known = |it: &Sighting| source_network(it.source) == source_network(source);
        let has_room = held.len() < CAPACITY && of_client.clone().count() < CAPACITY_OF_CLIENT;
        if has_room && !of_client.clone().any(is_known) {
            held.push(Sighting {
                client_id: id.clone(),
                source: source.to_canonical(),
                at: now,
                is_written: false,
            });
        }
    }

    fn unwritten(&self) -> Vec<Sighting> {
        let held = self.held();
        held.iter().filter(|it| !it.is_written).cloned().collect()
    }

    fn note_written(&self, sighting: &Sighting) {
        if let Some(it) = self.held().iter_mut().find(|it| *it == sighting) {
            it.is_written = true;
        }
    }

    fn held(&self) -> MutexGuard<'_, Vec<Sighting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authentication {
    /// Why a client that has proved itself may not come from here, for the log. To be asked last: it is noted.
    pub(super) fn refuse_network(
        &self,
        client: &Client,
        source: IpAddr,
    ) -> Option<Cow<'static, str>> {
        if client.allowed_networks.admit(source) {
            return None;
        }
        self.wrong_networks
            .note(&client.client_id, source, self.core.now());
        Some(format!("wrong network: {}", source.to_canonical()).into())
    }

    /// Tells the audit trail which clients proved themselves from a wrong network since the last time. Not while they wait
    /// for their answer: how long it takes must not tell that the secret was right. What cannot be written waits.
    pub async fn write_wrong_networks(&self) -> Result<()> {
        for sighting in self.wrong_networks.unwritten() {
            let id = &sighting.client_id;
            let by = Origin {
                actor: Actor::Client(id.clone()),
                source: Some(sighting.source),
                request_id: None,
            };
            let target = Target::Client(id.clone());
            let event = NewEvent::of_client(Action::ClientWrongNetwork, id, target);
            self.core
                .store
                .insert_audit_event(event, by.at(sighting.at))
                .await?;
            self.wrong_networks.note_written(&sighting);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_tries_without_end_is_told_of_once_an_hour() {
        let (networks, id) = (WrongNetworks::default(), ClientId::parse("a").unwrap());
        let source = IpAddr::from([192, 0, 2, 1]);
        for second in 0..3_600 {
            networks.note(&id, source, UnixTime(second));
            for it in networks.unwritten() {
                assert_eq!(it.at, UnixTime(0));
                networks.note_written(&it);
            }
        }

        networks.note(&id, source, UnixTime(3_600));
        assert_eq!(networks.unwritten().len(), 1);
        // What is not written is not forgotten.
        networks.note(&id, source, UnixTime(7_200));
        assert_eq!(networks.unwritten()[0].at, UnixTime(3_600));
    }

    #[test]
    fn neither_a_client_nor_all_together_fill_the_trail() {
        let networks = WrongNetworks::default();
        for client in 0..100 {
            let id = ClientId::parse(&client.to_string()).unwrap();
            for host in 0..100 {
                networks.note(&id, IpAddr::from([10, 0, 0, host]), UnixTime(0));
            }
            let most = CAPACITY.min((client + 1) * CAPACITY_OF_CLIENT);
            assert_eq!(networks.unwritten().len(), most);
        }
    }
}
