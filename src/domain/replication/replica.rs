//! Owns what a replica says of itself to the others. Knows nothing of how that is kept.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::UnixTime;

/// A replica is thought to be gone when nothing was heard of it for so long, in seconds.
const SILENT_AFTER: i64 = 30;

/// A replica, as it was when it last said that it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Replica {
    /// Its id: another one with each start.
    pub replica_id: String,
    /// The name of its machine.
    pub name: String,
    /// Its version.
    pub version: String,
    /// When it was started.
    pub started_at: UnixTime,
    /// When it last said so.
    pub seen_at: UnixTime,
    /// When it last read what others have changed.
    pub changes_read_at: Option<UnixTime>,
    /// Whether the database tells it of changes at once.
    pub listening: bool,
    /// When the certificate ends that it presents.
    pub certificate_expires_at: Option<UnixTime>,
}

impl Replica {
    /// Whether it was heard of lately.
    pub fn is_heard(&self, now: UnixTime) -> bool {
        now.since(self.seen_at) <= SILENT_AFTER
    }
}
