//! What every feature stands on: the settings, the clock, the database, and how far both can be trusted now. Knows no
//! feature.

pub(crate) mod availability;
pub(crate) mod clock_guard;
pub mod error;
pub(crate) mod idempotency;
pub(crate) mod key_cache;
pub(crate) mod lane;
pub(crate) mod single_use;
pub(crate) mod waiting_room;

use anyhow::Context;

use crate::base::clock::{Clock, UnixTime};
use crate::config::Config;
use crate::domain::{Origin, Stamp};
use crate::outbound::dns::Dns;
use crate::store::{AuditKeys, Store};
use availability::Availability;
use clock_guard::ClockGuard;
pub(crate) use clock_guard::{ClockDoubt, ClockReading, held_back};

/// The settings, the clock, the addresses of hosts and the database.
pub struct Core {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) dns: Dns,
    pub(crate) store: Store,
    pub(crate) availability: Availability,
    pub(crate) clock_guard: ClockGuard,
}

impl Core {
    /// Opens the database lazily.
    pub(crate) fn open(config: Config, clock: Clock, dns: Dns) -> anyhow::Result<Self> {
        anyhow::ensure!(
            crate::base::secret::randomness_works(),
            "the operating system provides no randomness"
        );
        Ok(Self {
            store: open_store(&config)?,
            availability: Availability::default(),
            clock_guard: ClockGuard::default(),
            clock,
            dns,
            config,
        })
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    pub(crate) fn stamp<'a>(&self, by: &'a Origin) -> Stamp<'a> {
        by.at(self.now())
    }
}

/// Opens the database that the settings name, lazily.
pub fn open_store(config: &Config) -> anyhow::Result<Store> {
    let token = &config.token;
    let keys = AuditKeys::new(&token.secret, token.secret_previous.as_ref())
        .context("cannot derive the keys of the audit trail")?;
    Store::open(&config.database, keys).context("DATABASE_URL")
}
