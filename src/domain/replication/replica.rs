//! Owns what a replica says of itself to the others. Knows nothing of how that is kept.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::UnixTime;

/// A replica is thought to be gone when nothing was heard of it for so long, in seconds.
const SILENT_AFTER: i64 = 30;

/// A replica, in its last reported state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Replica {
    /// Its ID, which changes with each start.
    pub replica_id: String,
    /// The name of its machine.
    pub name: String,
    /// Its version.
    pub version: String,
    /// When it was started.
    pub started_at: UnixTime,
    /// When it last reported its state.
    pub seen_at: UnixTime,
    /// When it last read the changes of other replicas.
    pub changes_read_at: Option<UnixTime>,
    /// Whether the database notifies it of changes.
    pub listening: bool,
    /// When its certificate expires.
    pub certificate_expires_at: Option<UnixTime>,
}

impl Replica {
    /// Whether it was heard of lately.
    pub fn is_heard(&self, now: UnixTime) -> bool {
        now.since(self.seen_at) <= SILENT_AFTER
    }
}
