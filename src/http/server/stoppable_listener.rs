//! Owns the socket that is listened on: takes connections until it is told to stop, and then lets the port go at once,
//! while those that came just before are still heard (see [`crate::http::serve`]).

use std::future::pending;
use std::io;
use std::net::SocketAddr;

use axum_server::{AddrListener, Address};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Peer(pub(in crate::http) SocketAddr);

impl Address for Peer {
    type Stream = TcpStream;
    type Listener = StoppableListener;
}

/// A socket, and until when it is listened on.
pub(in crate::http) struct StoppableListener {
    address: SocketAddr,
    /// `None`: no more.
    tcp: Mutex<Option<TcpListener>>,
    stop: CancellationToken,
}

impl StoppableListener {
    pub(in crate::http) fn new(tcp: TcpListener, stop: CancellationToken) -> io::Result<Self> {
        Ok(Self {
            address: tcp.local_addr()?,
            tcp: Mutex::new(Some(tcp)),
            stop,
        })
    }
}

impl AddrListener<TcpStream, Peer> for StoppableListener {
    async fn bind_to(Peer(address): Peer) -> io::Result<Self> {
        Self::new(TcpListener::bind(address).await?, CancellationToken::new())
    }

    async fn accept_stream(&self) -> io::Result<(TcpStream, Peer)> {
        let mut tcp = self.tcp.lock().await;
        if let Some(listener) = &*tcp {
            tokio::select! {
                // First those that wait already: closing the socket would cut them.
                biased;
                accepted = listener.accept() => {
                    return accepted.map(|(stream, address)| (stream, Peer(address)));
                }
                () = self.stop.cancelled() => {}
            }
        }
        *tcp = None;
        pending().await
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        Ok(Peer(self.address))
    }
}
