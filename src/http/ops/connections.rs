//! Owns the limits of connections to `OPS_LISTEN`: so few that they have descriptors while other listeners have none, and
//! none for longer than it is used.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::Accept;
use tokio::net::TcpStream;

use crate::http::server::connection_room::MAX_OPS_CONNECTIONS;
use crate::http::server::idle_timeout::{Counted, Watched, watch};

/// Closes connections beyond the limit, and those on which nothing happens.
#[derive(Clone)]
pub(super) struct OpsAcceptor {
    handle: Handle<SocketAddr>,
    idle_timeout: Duration,
}

impl OpsAcceptor {
    /// `handle` is the server's, and knows how many are open.
    pub(super) fn new(handle: Handle<SocketAddr>, idle_timeout: Duration) -> Self {
        Self {
            handle,
            idle_timeout,
        }
    }
}

impl<S> Accept<TcpStream, S> for OpsAcceptor {
    type Stream = Watched<TcpStream>;
    type Service = Counted<S>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        // The count has this one in it already.
        ready(if self.handle.connection_count() > MAX_OPS_CONNECTIONS {
            let full = "OPS_LISTEN has reached its limit of connections";
            Err(io::Error::other(full))
        } else {
            Ok(watch(stream, service, self.idle_timeout, None, None))
        })
    }
}
