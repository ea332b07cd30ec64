//! Owns the counting of failed logins at the portal: by source, by account, and of both together, so that guessing is slow
//! from one place and from many. Each replica counts for itself.

use std::net::IpAddr;

use crate::app::throttle::{Failures, network};
use crate::clock::UnixTime;
use crate::config::AdminConfig;
use crate::domain::AdminName;
use crate::error::Result;
use crate::metric::Counter;

/// Failures of the last moments.
pub(super) struct AdminThrottle {
    failures: Failures<Key>,
    limit: u32,
    source_limit: u32,
    account_limit: u32,
    /// By number of what was too much.
    throttled: [Counter; Key::KINDS.len()],
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Source(IpAddr),
    Account(AdminName),
    Both(IpAddr, AdminName),
    /// Wrong codes of an account whose password is known: there are only a million codes.
    Code(AdminName),
}

impl Key {
    /// By number of the kind.
    const KINDS: [&'static str; 4] = ["source", "account", "source_and_account", "code"];

    fn kind(&self) -> usize {
        match self {
            Self::Source(_) => 0,
            Self::Account(_) => 1,
            Self::Both(..) => 2,
            Self::Code(_) => 3,
        }
    }
}

impl AdminThrottle {
    pub(super) fn new(config: &AdminConfig) -> Self {
        Self {
            failures: Failures::new(config.throttle_window),
            limit: config.throttle_failures,
            source_limit: config.throttle_source_failures,
            account_limit: config.throttle_account_failures,
            throttled: Default::default(),
        }
    }

    /// Refuses a password when too many failed before it.
    pub(super) fn check(
        &self,
        source: IpAddr,
        name: Option<&AdminName>,
        now: UnixTime,
    ) -> Result<()> {
        for (key, limit) in self.keys(source, name) {
            self.check_one(&key, limit, now)?;
        }
        Ok(())
    }

    fn check_one(&self, key: &Key, limit: u32, now: UnixTime) -> Result<()> {
        let checked = self.failures.check(key, limit, now);
        checked.inspect_err(|_| self.throttled[key.kind()].count())
    }

    /// Counts a wrong password, or an unknown name.
    pub(super) fn record(&self, source: IpAddr, name: Option<&AdminName>, now: UnixTime) {
        for (key, _) in self.keys(source, name) {
            self.failures.record(key, now);
        }
    }

    /// Refuses a code when too many were wrong before it.
    pub(super) fn check_code(&self, name: &AdminName, now: UnixTime) -> Result<()> {
        self.check_one(&Key::Code(name.clone()), self.limit, now)
    }

    /// Counts a wrong code.
    pub(super) fn record_code(&self, name: &AdminName, now: UnixTime) {
        self.failures.record(Key::Code(name.clone()), now);
    }

    /// How many were refused, by what was too much.
    pub(super) fn throttled(&self) -> [(&'static str, u64); Key::KINDS.len()] {
        std::array::from_fn(|kind| (Key::KINDS[kind], self.throttled[kind].value()))
    }

    fn keys(&self, source: IpAddr, name: Option<&AdminName>) -> Vec<(Key, u32)> {
        let source = network(source);
        let mut keys = vec![(Key::Source(source), self.source_limit)];
        if let Some(name) = name {
            keys.push((Key::Both(source, name.clone()), self.limit));
            keys.push((Key::Account(name.clone()), self.account_limit));
        }
        keys
    }
}
