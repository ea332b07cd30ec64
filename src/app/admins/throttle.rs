//! Owns the counting of failed logins at the portal: by source, by account, and of both together, so that guessing is slow
//! from one place and from many. Each replica counts for itself.

use std::net::IpAddr;

use crate::app::throttle::{Failures, network};
use crate::clock::UnixTime;
use crate::config::AdminConfig;
use crate::domain::AdminName;
use crate::error::Result;

/// Failures of the last moments.
pub(super) struct AdminThrottle {
    failures: Failures<Key>,
    limit: u32,
    source_limit: u32,
    account_limit: u32,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Source(IpAddr),
    Account(AdminName),
    Both(IpAddr, AdminName),
    /// Wrong codes of an account whose password is known: there are only a million codes.
    Code(AdminName),
}

impl AdminThrottle {
    pub(super) fn new(config: &AdminConfig) -> Self {
        Self {
            failures: Failures::new(config.throttle_window),
            limit: config.throttle_failures,
            source_limit: config.throttle_source_failures,
            account_limit: config.throttle_account_failures,
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
            self.failures.check(&key, limit, now)?;
        }
        Ok(())
    }

    /// Counts a wrong password, or an unknown name.
    pub(super) fn record(&self, source: IpAddr, name: Option<&AdminName>, now: UnixTime) {
        for (key, _) in self.keys(source, name) {
            self.failures.record(key, now);
        }
    }

    /// Refuses a code when too many were wrong before it.
    pub(super) fn check_code(&self, name: &AdminName, now: UnixTime) -> Result<()> {
        self.failures
            .check(&Key::Code(name.clone()), self.limit, now)
    }

    /// Counts a wrong code.
    pub(super) fn record_code(&self, name: &AdminName, now: UnixTime) {
        self.failures.record(Key::Code(name.clone()), now);
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
