//! The settings of the portal and the admin API.

use std::net::SocketAddr;

use crate::config::reader::Reader;
use crate::domain::Issuer;

/// Who may use the portal, and how. Times are in seconds.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// Whether there is a portal and an admin API at all.
    pub is_on: bool,
    /// Where they listen; `None`: where everything else does.
    pub listen_addr: Option<SocketAddr>,
    /// Where browsers find them, without a path; `None`: at the issuer's host.
    pub origin: Option<Issuer>,
    /// Whether a password alone is enough.
    pub second_factor: SecondFactorUse,
    /// After how long without use a session ends.
    pub session_idle: i64,
    /// After how long a session ends at the latest.
    pub session_ttl: i64,
    /// The span in which failed logins are counted.
    pub throttle_window: i64,
    /// Failures and unresolved attempts from one source in one admin's name, in that span; wrong codes of one admin too.
    pub throttle_failures: u32,
    /// Failures from one source in anybody's name.
    pub throttle_source_failures: u32,
    /// Failures in one admin's name from anywhere.
    pub throttle_account_failures: u32,
    /// Networks that are remembered of each admin: from these, failures of others do not count.
    pub known_networks: u32,
}

/// Whether a password alone is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactorUse {
    /// No: who has none yet has to add one at the next login.
    Required,
    /// Yes, for those who add none.
    Optional,
}

fn parse_origin(text: &str) -> Result<Issuer, String> {
    let origin = Issuer::parse(text).map_err(|error| error.to_string())?;
    let url = url::Url::parse(text).map_err(|error| error.to_string())?;
    if url.origin().ascii_serialization() == text.to_ascii_lowercase() && url.domain().is_some() {
        Ok(origin)
    } else {
        Err("passkeys need a host name, not an IP address or a path".to_owned())
    }
}

impl AdminConfig {
    pub(super) fn read(read: &mut Reader<'_>, main: SocketAddr) -> Self {
        let config = Self {
            is_on: read.choice("ADMIN", &[("on", true), ("off", false)], "on"),
            listen_addr: read.optional("ADMIN_LISTEN", "an address and port"),
            origin: read.optional_checked(
                "ADMIN_ORIGIN",
                "`https://`, a host and perhaps a port",
                parse_origin,
            ),
            second_factor: read.choice(
                "ADMIN_SECOND_FACTOR",
                &[
                    ("required", SecondFactorUse::Required),
                    ("optional", SecondFactorUse::Optional),
                ],
                "required",
            ),
            session_idle: read.seconds("ADMIN_SESSION_IDLE", "1m"..="24h", "30m"),
            session_ttl: read.seconds("ADMIN_SESSION_TTL", "5m"..="30d", "12h"),
            throttle_window: read.seconds("ADMIN_THROTTLE_WINDOW", "1m"..="24h", "15m"),
            throttle_failures: read.within("ADMIN_THROTTLE_FAILURES", 1..=1_000, "10"),
            throttle_source_failures: read.within(
                "ADMIN_THROTTLE_SOURCE_FAILURES",
                1..=100_000,
                "50",
            ),
            throttle_account_failures: read.within(
                "ADMIN_THROTTLE_ACCOUNT_FAILURES",
                1..=100_000,
                "100",
            ),
            known_networks: read.within("ADMIN_KNOWN_NETWORKS", 0..=1_000, "50"),
        };
        if config.listen_addr == Some(main) {
            read.refuse(
                "ADMIN_LISTEN",
                "is the same as LISTEN_ADDR; leave it out to serve the portal there too",
            );
        }
        if config.session_idle > config.session_ttl {
            read.refuse("ADMIN_SESSION_IDLE", "is longer than ADMIN_SESSION_TTL");
        }
        config
    }
}
