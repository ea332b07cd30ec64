//! Owns the sockets that the server listens on.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;

/// Connections that may wait until the server accepts them. The kernel takes no more than `net.core.somaxconn`.
pub(in crate::cli) const BACKLOG: i32 = 4_096;

/// Listens on the address of `setting`.
pub(super) fn listen(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let what = || format!("{setting}: cannot listen on {address}");
    let listener = TcpListener::bind(address).with_context(what)?;
    // The standard library lets 128 wait, and takes no other number; a second call sets another one.
    rustix::net::listen(&listener, BACKLOG).with_context(what)?;
    Ok(listener)
}
