//! Owns the socket that is listened on: takes connections until it is told to stop, and then lets the port go at once,
//! while those that came just before are still heard (see [`crate::http::serve`]).

use std::future::pending;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum_server::{AddrListener, Address};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Mutex;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

pub(in crate::http) type Socket = Either<TcpStream, UnixStream>;

pub(in crate::http) type ListeningSocket = Either<TcpListener, UnixListener>;

/// Of a connection over a Unix socket, which has none: this machine's.
const UNIX_PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Peer(pub(in crate::http) SocketAddr);

impl Address for Peer {
    type Stream = Socket;
    type Listener = StoppableListener;
}

/// A socket, and until when it is listened on.
pub(in crate::http) struct StoppableListener {
    address: SocketAddr,
    /// `None`: no more.
    socket: Mutex<Option<ListeningSocket>>,
    stop: CancellationToken,
}

impl StoppableListener {
    pub(in crate::http) fn new(
        socket: ListeningSocket,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        Ok(Self {
            address: match &socket {
                Either::Left(tcp) => tcp.local_addr()?,
                Either::Right(_) => UNIX_PEER,
            },
            socket: Mutex::new(Some(socket)),
            stop,
        })
    }
}

async fn accept(socket: &ListeningSocket) -> io::Result<(Socket, Peer)> {
    match socket {
        Either::Left(tcp) => {
            let (stream, address) = tcp.accept().await?;
            Ok((Either::Left(stream), Peer(address)))
        }
        Either::Right(unix) => {
            let (stream, _) = unix.accept().await?;
            Ok((Either::Right(stream), Peer(UNIX_PEER)))
        }
    }
}

impl AddrListener<Socket, Peer> for StoppableListener {
    async fn bind_to(Peer(address): Peer) -> io::Result<Self> {
        let tcp = TcpListener::bind(address).await?;
        Self::new(Either::Left(tcp), CancellationToken::new())
    }

    async fn accept_stream(&self) -> io::Result<(Socket, Peer)> {
        let mut socket = self.socket.lock().await;
        if let Some(listening) = &*socket {
            tokio::select! {
                // First those that wait already: closing the socket would cut them.
                biased;
                accepted = accept(listening) => return accepted,
                () = self.stop.cancelled() => {}
            }
        }
        *socket = None;
        pending().await
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        Ok(Peer(self.address))
    }
}
