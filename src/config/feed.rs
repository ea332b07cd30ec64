//! Owns the settings of the change feed.

use super::reader::Reader;

/// How long changes are kept, and how long this replica goes on without them. Times are in seconds.
#[derive(Clone, Debug)]
pub struct FeedConfig {
    /// After so long without a look at the changes clients are refused.
    pub stale_limit: i64,
    /// With a clock further from the database's the replica is not ready.
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
