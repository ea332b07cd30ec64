//! Where a change comes from: the actor, the address, the request and the time.

use std::net::IpAddr;

use crate::base::clock::UnixTime;
use crate::domain::{AdminRole, ClientId};

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The server, without being asked.
    Server,
    /// Somebody at the command line: the name of the user of the operating system.
    Cli(String),
    /// Somebody at the portal.
    Admin {
        /// The admin's name; empty when somebody tried to log in under a name that is unknown.
        name: String,
        /// The role that the admin has in the database when the request comes in; `None`: the login is not complete,
        /// or failed.
        role: Option<AdminRole>,
    },
    /// A client, with a token or with its credentials.
    Client(ClientId),
}

impl Actor {
    /// Every kind there is.
    pub const KINDS: [&str; 4] = ["cli", "admin", "client", "server"];

    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Cli(_) => "cli",
            Self::Admin { .. } => "admin",
            Self::Client(_) => "client",
        }
    }

    /// Its name; the server has none.
    pub fn name(&self) -> &str {
        match self {
            Self::Server => "",
            Self::Cli(name) | Self::Admin { name, .. } => name,
            Self::Client(id) => id.as_str(),
        }
    }
}

/// Where a change comes from: who asks, from which address, in which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who.
    pub actor: Actor,
    /// The address; `None` at the command line and in the server itself.
    pub source: Option<IpAddr>,
    /// The request's id.
    pub request_id: Option<String>,
}

impl Origin {
    /// The server itself.
    pub const SERVER: Self = Self {
        actor: Actor::Server,
        source: None,
        request_id: None,
    };

    /// A change from here, now.
    pub fn at(&self, at: UnixTime) -> Stamp<'_> {
        Stamp { by: self, at }
    }
}

/// What everything that changes something has to say of itself.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// Where it comes from.
    pub by: &'a Origin,
    /// When.
    pub at: UnixTime,
}
