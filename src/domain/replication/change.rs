//! Owns what replicas tell one another: that something is no more as it was. What it is now each reads by itself.

use crate::domain::ClientId;

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
        match (kind, client_id) {
            ("client", Some(id)) => Some(Self::Client(id)),
            ("revocation", _) => Some(Self::Revocation),
            ("signing_key", _) => Some(Self::SigningKey),
            ("certificate", _) => Some(Self::Certificate),
            ("issuer", _) => Some(Self::Issuer),
            _ => None,
        }
    }
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
