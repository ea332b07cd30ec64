//! Owns who can go on with a TLS session: this process, every replica, or nobody.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{NoServerSessionStorage, ProducesTickets};

use crate::base::clock::Clock;
use crate::config::{Config, TicketUse};
use crate::jwt::SessionTickets;

/// How sessions are gone on with; kept when the certificate changes.
#[derive(Clone, Debug)]
pub struct Tickets(Option<Arc<dyn ProducesTickets>>);

impl Tickets {
    /// As `TLS_TICKETS` says.
    pub fn new(config: &Config, clock: &Clock) -> Result<Self, rustls::Error> {
        match config.http.tickets {
            TicketUse::Shared => {
                let token = &config.token;
                let keys = SessionTickets::new(&token.secret, token.secret_previous.as_ref());
                let clock = clock.clone();
                Ok(Self(Some(Arc::new(Shared { keys, clock }))))
            }
            TicketUse::Replica => Self::of_this_process(),
            TicketUse::Off => Ok(Self(None)),
        }
    }

    /// Under keys that are made now and go with the process.
    pub(in crate::http) fn of_this_process() -> Result<Self, rustls::Error> {
        Ok(Self(Some(Ticketer::new()?)))
    }

    pub(in crate::http) fn apply(&self, config: &mut ServerConfig) {
        match &self.0 {
            Some(tickets) => config.ticketer = Arc::clone(tickets),
            None => {
                config.session_storage = Arc::new(NoServerSessionStorage {});
                config.send_tls13_tickets = 0;
            }
        }
    }
}

/// Tickets that every replica under the same `SECRET` takes.
struct Shared {
    keys: SessionTickets,
    clock: Clock,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl ProducesTickets for Shared {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        SessionTickets::LIFETIME
    }

    fn encrypt(&self, state: &[u8]) -> Option<Vec<u8>> {
        self.keys.seal(state, self.clock.now())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.keys.open(ticket, self.clock.now())
    }
}
