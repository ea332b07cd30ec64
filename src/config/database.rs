//! Owns the settings of the database: how it is reached, retention, and the change feed.

use std::path::PathBuf;

use crate::base::postgres_url::PostgresAddress;
use crate::base::secret::Secret;
use crate::config::reader::Reader;
use crate::store::DatabaseOptions;

const PORT: u16 = 5432;

const SSL_MODE: &str = "verify-full";

pub(super) fn read(read: &mut Reader<'_>, development: bool) -> DatabaseOptions {
    let seconds = "a duration such as `5s`";
    let url = read.secret("DATABASE_URL");
    let parts = read_parts(read);
    DatabaseOptions {
        url: url
            .or(parts)
            .unwrap_or_else(|| Secret::from("sqlite:data/token-server.db")),
        url_file: read.secret_file("DATABASE_URL"),
        password_file: read.secret_file("DATABASE_PASSWORD"),
        create_if_missing: development,
        pool_size: read.within("DATABASE_POOL_SIZE", 1..=10_000, "10"),
        acquire_timeout: read.duration("DATABASE_ACQUIRE_TIMEOUT", seconds, "3s"),
        statement_timeout: read.duration("DATABASE_STATEMENT_TIMEOUT", seconds, "5s"),
        idle_timeout: read.duration("DATABASE_IDLE_TIMEOUT", seconds, "10m"),
    }
}

/// The URL that the parts make, if there are any.
fn read_parts(read: &mut Reader<'_>) -> Option<Secret<String>> {
    let host: Option<String> = read.optional("DATABASE_HOST", "a host, or the folder of a socket");
    let port = read.within("DATABASE_PORT", 1..=u16::MAX, &PORT.to_string());
    let user: Option<String> = read.optional("DATABASE_USER", "a name");
    let password = read.secret("DATABASE_PASSWORD");
    let name: Option<String> = read.optional("DATABASE_NAME", "a name");
    let modes = ["disable", "prefer", "require", "verify-ca", "verify-full"];
    let modes = modes.map(|mode| (mode, mode));
    let ssl_mode = read.choice("DATABASE_SSLMODE", &modes, SSL_MODE);
    let ssl_root_cert: Option<PathBuf> = read.optional("DATABASE_SSLROOTCERT", "a path");
    // One that says the default says nothing.
    let parts = [
        ("DATABASE_HOST", host.is_some()),
        ("DATABASE_PORT", port != PORT),
        ("DATABASE_USER", user.is_some()),
        ("DATABASE_PASSWORD", read.is_set("DATABASE_PASSWORD")),
        ("DATABASE_NAME", name.is_some()),
        ("DATABASE_SSLMODE", ssl_mode != SSL_MODE),
        ("DATABASE_SSLROOTCERT", ssl_root_cert.is_some()),
    ];
    let given = parts.iter().filter(|(_, is_given)| *is_given);
    let given: Vec<&str> = given.map(|(name, _)| *name).collect();
    if given.is_empty() || !fit_together(read, &given) {
        return None;
    }
    let address = PostgresAddress {
        host: host?,
        port,
        user: user?,
        name: name?,
        ssl_mode: ssl_mode.to_owned(),
        ssl_root_cert,
    };
    Some(address.url(password.as_ref()))
}

/// Whether these parts make a URL, and none is set beside them.
fn fit_together(read: &mut Reader<'_>, given: &[&str]) -> bool {
    if read.is_set("DATABASE_URL") {
        for name in given {
            let message = "set it or DATABASE_URL, not both: the URL contains it";
            read.refuse(name, message);
        }
        return false;
    }
    let required = ["DATABASE_HOST", "DATABASE_USER", "DATABASE_NAME"];
    let missing = required.into_iter().filter(|name| !given.contains(name));
    let missing: Vec<&str> = missing.collect();
    for name in &missing {
        let message = format!("is missing: {} needs it", given.join(", "));
        read.refuse(name, message);
    }
    missing.is_empty()
}

/// How long the past is kept, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct RetentionConfig {
    /// Audit events.
    pub audit: i64,
    /// Counts of each client and hour.
    pub usage: i64,
    /// Refused requests and why they were.
    pub refusals: i64,
}

impl RetentionConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        Self {
            audit: read.seconds("AUDIT_RETENTION", "30d"..="36500d", "730d"),
            usage: read.seconds("USAGE_RETENTION", "2d"..="3650d", "90d"),
            refusals: read.seconds("REFUSAL_RETENTION", "1h"..="90d", "7d"),
        }
    }
}

/// How long changes are kept, and how long this replica goes on without them. Times are in seconds.
#[derive(Clone, Debug)]
pub struct FeedConfig {
    /// After so long without a look at the changes clients are refused.
    pub stale_limit: i64,
    /// With a machine's clock further from the database's the replica is not ready, and removes nothing by time.
    pub max_clock_difference: i64,
    /// So long a change can be read; whoever was away for longer reads everything.
    pub retention: i64,
}

impl FeedConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        Self {
            // Retired keys are kept an hour longer than their last token, for replicas that go on signing with them.
            stale_limit: read.seconds("STALE_LIMIT", "10s"..="1h", "15m"),
            max_clock_difference: read.seconds("MAX_CLOCK_DIFFERENCE", "5s"..="365d", "30s"),
            retention: read.seconds("CHANGES_RETENTION", "1m"..="7d", "1h"),
        }
    }
}
