//! The setting of TLS session tickets.

use std::str::FromStr;

/// Who can go on with a TLS session without a whole handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketUse {
    /// Every replica under the same `SECRET`.
    Shared,
    /// The replica that it began at, under keys that die with it.
    Replica,
    /// Nobody.
    Off,
}

impl FromStr for TicketUse {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "shared" => Ok(Self::Shared),
            "replica" => Ok(Self::Replica),
            "off" => Ok(Self::Off),
            _ => Err("it is none of them".to_owned()),
        }
    }
}
