//! Owns the settings of retention and of the change feed.

use crate::config::reader::Reader;

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
