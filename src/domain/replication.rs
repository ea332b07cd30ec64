//! Owns what replicas tell one another: that something is no more as it was (what it is now each reads by itself), and what
//! each says of itself. Also how a database is told from others, and from itself as it was before a restore.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::UnixTime;
use crate::domain::{ClientId, Generation};

/// A replica is thought to be gone when nothing was heard of it for so long, in seconds.
const SILENT_AFTER: i64 = 30;

/// The place of a change in the order in which changes were committed. A time in microseconds too, later than all
/// before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeId(pub i64);

/// What has changed, of what replicas remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A client or its secrets.
    Client(ClientId),
    /// There is a revocation more.
    Revocation,
    /// The keys that sign tokens.
    SigningKey,
    /// The certificate that an authority issued, or what it is to find when it connects.
    Certificate,
    /// The trusted issuers, or which client has which identity at one.
    Issuer,
}

impl Change {
    /// What kind it is, as it is stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Revocation => "revocation",
            Self::SigningKey => "signing_key",
            Self::Certificate => "certificate",
            Self::Issuer => "issuer",
        }
    }

    /// Which client, if it is of one.
    pub fn client_id(&self) -> Option<&ClientId> {
        match self {
            Self::Client(id) => Some(id),
            Self::Revocation | Self::SigningKey | Self::Certificate | Self::Issuer => None,
        }
    }

    /// Reads what [`kind`](Self::kind) and [`client_id`](Self::client_id) wrote. `None`: a later version wrote it, of
    /// something that this one does not remember.
    pub fn from_parts(kind: &str, client_id: Option<ClientId>) -> Option<Self> {
        use Change::{Certificate, Issuer, Revocation, SigningKey};
        if kind == "client" {
            return client_id.map(Self::Client);
        }
        let others = [Revocation, SigningKey, Certificate, Issuer];
        others.into_iter().find(|it| it.kind() == kind)
    }
}

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

/// Which database it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Random. A copy and a backup have that of their original.
    pub identity: String,
    /// How often `restore` was run, and one.
    pub epoch: i64,
    /// Every token with a lower generation is revoked; `restore` raised it.
    pub generation: Generation,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_as_it_was_written_and_a_later_versions_is_passed_over() {
        let id = ClientId::parse("a").unwrap();
        for change in [
            Change::Client(id),
            Change::Revocation,
            Change::SigningKey,
            Change::Certificate,
            Change::Issuer,
        ] {
            let read = Change::from_parts(change.kind(), change.client_id().cloned());
            assert_eq!(read, Some(change));
        }
        assert_eq!(Change::from_parts("start", None), None);
    }
}
