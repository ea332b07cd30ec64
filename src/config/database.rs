//! Owns the settings of how long is kept what only tells of the past.

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
