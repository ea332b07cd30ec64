//! Owns the seats of attempts that may not go on yet, since others of their source are not decided. Knows no feature.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::anyhow;
use tokio::sync::oneshot;

use crate::app::error::{Error, Result};
use crate::base::collections::fair_queue::{FairQueue, Ticket};
use crate::base::metrics::Counter;
use crate::base::source_network::source_network;

/// Where attempts wait that have no place in a lane yet. Its seats are shared as the places of a lane's queue are.
#[derive(Debug)]
pub(crate) struct WaitingRoom {
    /// The sender of a seat that is given away is dropped.
    seats: Mutex<FairQueue<Option<IpAddr>, oneshot::Sender<()>>>,
    refused: Counter,
}

/// The attempts that wait in a [`WaitingRoom`].
#[derive(Clone, Copy, Debug)]
pub struct WaitingMetrics {
    /// Whose attempts they are.
    pub name: &'static str,
    /// How many wait.
    pub waiting: usize,
    /// Those that found no seat, or gave it away.
    pub refused: u64,
}

/// A seat, until it is dropped.
pub(crate) struct Seat<'a> {
    room: &'a WaitingRoom,
    source: Option<IpAddr>,
    ticket: Ticket,
    given_away: oneshot::Receiver<()>,
}

impl WaitingRoom {
    pub(crate) fn new(seats: usize) -> Self {
        Self {
            seats: Mutex::new(FairQueue::new(seats)),
            refused: Counter::default(),
        }
    }

    /// 503 at once when all seats are taken and no source has more of them than `source`.
    pub(crate) fn enter(&self, source: Option<IpAddr>) -> Result<Seat<'_>> {
        let source = source.map(source_network);
        let (sender, given_away) = oneshot::channel();
        let pushed = self.seats().push(source, sender);
        let (ticket, _) = pushed.map_err(|_| self.refuse())?;
        Ok(Seat {
            room: self,
            source,
            ticket,
            given_away,
        })
    }

    pub(crate) fn metrics(&self, name: &'static str) -> WaitingMetrics {
        WaitingMetrics {
            name,
            waiting: self.seats().len(),
            refused: self.refused.value(),
        }
    }

    fn seats(&self) -> MutexGuard<'_, FairQueue<Option<IpAddr>, oneshot::Sender<()>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self) -> Error {
        self.refused.inc();
        let reason = anyhow!("too many logins of this source wait");
        Error::temporarily_unavailable("too many logins at once; try again shortly")
            .with_source(reason)
    }
}

impl Seat<'_> {
    /// Waits for `event`; 503 when the seat is given to another source meanwhile.
    pub(crate) async fn wait_for<T>(&mut self, event: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            happened = event => Ok(happened),
            _ = &mut self.given_away => Err(self.room.refuse()),
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.room.seats().remove(self.source, self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_source_with_more_seats_gives_one_to_another() {
        let room = WaitingRoom::new(2);
        let source = |last| Some(IpAddr::from([192, 0, 2, last]));
        let mut seats = [
            room.enter(source(1)).unwrap(),
            room.enter(source(1)).unwrap(),
        ];
        assert!(room.enter(source(1)).is_err());

        let _other = room.enter(source(2)).unwrap();

        let [first, second] = &mut seats;
        assert!(first.wait_for(pending::<()>()).now_or_never().is_none());
        let given_away = second.wait_for(pending::<()>()).now_or_never().unwrap();
        assert_eq!(given_away.unwrap_err().retry_after, Some(1));
        let seen = room.metrics("");
        assert_eq!((seen.waiting, seen.refused), (2, 2));
        drop(seats);
        assert_eq!(room.metrics("").waiting, 1);
    }
}
