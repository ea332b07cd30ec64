//! Owns plain HTTP: the listener without TLS (`PLAIN_LISTEN`), for proxies that end it, and what a caller gets that speaks plain
//! HTTP to a port for HTTPS. What is asked without TLS is answered as over TLS: the proxy's callers speak TLS with it, and its
//! words about that are not looked at.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io::{self, ErrorKind};
use std::net;
use std::os::unix::net as unix;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use axum_server::accept::Accept;
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::time::timeout;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::config::{HttpConfig, ProxiesConfig};
use crate::http::middleware::unread_body::RequestBody;
use crate::http::server::connection_metrics::ConnectionTraffic;
use crate::http::server::idle_timeout::{Counted, Held, Watched, watch};
use crate::http::server::lingering::Lingering;
use crate::http::server::listener::{Admission, OfCaller, serve_with};
use crate::http::server::proxy_protocol::NoSource;
use crate::http::server::stoppable_listener::{Socket, StoppableListener};

/// What is listened on without TLS.
pub struct PlainListener {
    /// Where connections come.
    pub socket: PlainSocket,
    /// Where they are counted.
    pub connections: Arc<ConnectionTraffic>,
    /// The proxies in front.
    pub proxies: ProxiesConfig,
    /// Whether the connections of all others are closed.
    pub only_proxies: bool,
}

/// The socket of a [`PlainListener`].
pub enum PlainSocket {
    /// On an address and port.
    Tcp(net::TcpListener),
    /// On a file of this machine.
    Unix(unix::UnixListener),
}

impl PlainListener {
    /// The same, for one more thread.
    pub(in crate::http) fn share(&self) -> io::Result<Self> {
        Ok(Self {
            socket: match &self.socket {
                PlainSocket::Tcp(tcp) => PlainSocket::Tcp(tcp.try_clone()?),
                PlainSocket::Unix(unix) => PlainSocket::Unix(unix.try_clone()?),
            },
            connections: Arc::clone(&self.connections),
            proxies: self.proxies.clone(),
            only_proxies: self.only_proxies,
        })
    }
}

/// Serves as [`serve`](crate::http::serve) does, without TLS.
pub async fn serve_plain<S>(
    listener: PlainListener,
    service: S,
    config: &HttpConfig,
    stop: CancellationToken,
) -> io::Result<()>
where
    S: Service<Request<RequestBody>, Response = Response, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    let traffic = listener.connections;
    let socket = match listener.socket {
        PlainSocket::Tcp(tcp) => {
            tcp.set_nonblocking(true)?;
            Either::Left(TcpListener::from_std(tcp)?)
        }
        PlainSocket::Unix(unix) => {
            unix.set_nonblocking(true)?;
            Either::Right(UnixListener::from_std(unix)?)
        }
    };
    let acceptor = PlainAcceptor {
        admission: Admission::new(&traffic, config),
        proxies: listener.only_proxies.then(|| Arc::new(listener.proxies)),
    };
    let socket = StoppableListener::new(socket, stop.clone())?;
    serve_with(socket, acceptor, service, (config, &traffic), stop).await
}

/// Counts connections, and then watches for silence. A source has no share: all of them are proxies.
#[derive(Clone)]
struct PlainAcceptor {
    admission: Admission,
    /// Who alone may connect; `None`: whoever can.
    proxies: Option<Arc<ProxiesConfig>>,
}

impl PlainAcceptor {
    fn take<S: Service<Request<Incoming>>>(
        &self,
        stream: Socket,
        service: OfCaller<S>,
    ) -> io::Result<(Watched<Socket>, Counted<OfCaller<S>>)> {
        let (traffic, peer) = (&self.admission.traffic, service.source);
        traffic.accepted.inc();
        let is_welcome = |proxies: &Arc<ProxiesConfig>| proxies.are_trusted(peer.ip());
        if !self.proxies.as_ref().is_none_or(is_welcome) {
            traffic.note_without_source(peer, NoSource::Untrusted);
            return Err(io::Error::other(NoSource::Untrusted));
        }
        let place = self.admission.admit(peer)?;
        if let Either::Left(tcp) = &stream {
            tcp.set_nodelay(true)?;
        }
        let linger = service.linger.clone();
        let limits = self.admission.linger;
        let lingering = Lingering::new(linger, limits, |stream: &mut Socket, context, buffer| {
            Pin::new(stream).poll_read(context, buffer)
        });
        let newcomer = traffic.newcomers.token();
        let idle = self.admission.idle_timeout;
        let held = Held {
            newcomer: Some(newcomer),
            place: Some(place),
            lingering: Some(lingering),
        };
        Ok(watch(stream, service, idle, held))
    }
}

impl<S: Service<Request<Incoming>>> Accept<Socket, OfCaller<S>> for PlainAcceptor {
    type Stream = Watched<Socket>;
    type Service = Counted<OfCaller<S>>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: Socket, service: OfCaller<S>) -> Self::Future {
        ready(self.take(stream, service))
    }
}

/// An answer that such a caller can read, where TLS would have only an alert.
const RESPONSE: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 39\r\n\
    connection: close\r\n\r\n\
    this port speaks HTTPS: use `https://`\n";

/// Of the rest of a plain request so much is read, so that the response is not lost with it.
const MAX_REST: u64 = 64 << 10;

/// Lets a stream pass that may begin a TLS handshake. Answers a request in plain HTTP, and fails.
pub(in crate::http) async fn refuse_plain_http(
    stream: &mut TcpStream,
    patience: Duration,
) -> io::Result<()> {
    let mut first = [0];
    let peeked = timeout(patience, stream.peek(&mut first)).await;
    let length = peeked.map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
    // The methods in use begin with a capital (RFC 9110 §9.1), the first record of TLS with 22 (RFC 8446 §5.1).
    if length == 0 || !first[0].is_ascii_uppercase() {
        return Ok(());
    }
    // Who does not read it in time is let go.
    let _ = timeout(patience, answer(stream)).await;
    Err(io::Error::new(
        ErrorKind::InvalidData,
        "received a plain HTTP request on a port for HTTPS",
    ))
}

async fn answer(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(RESPONSE).await?;
    stream.shutdown().await?;
    copy(&mut stream.take(MAX_REST), &mut sink()).await?;
    Ok(())
}
