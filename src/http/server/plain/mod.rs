//! Owns the listener without TLS (`PLAIN_LISTEN`), for proxies that end it. What is asked there is answered as over TLS: the
//! proxy's callers speak TLS with it, and its words about that are not looked at.

pub(in crate::http) mod refuse;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::net;
use std::os::unix::net as unix;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use axum_server::accept::Accept;
use hyper::body::Incoming;
use tokio::io::AsyncRead;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::config::{HttpConfig, ProxiesConfig};
use crate::http::middleware::unread_body::{DiscardLimits, RequestBody};
use crate::http::server::connection_metrics::ConnectionTraffic;
use crate::http::server::idle_timeout::{Counted, Watched, watch};
use crate::http::server::lingering::{LingerLimits, Lingering};
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
        idle_timeout: config.idle_timeout,
        proxies: listener.only_proxies.then(|| Arc::new(listener.proxies)),
        linger: DiscardLimits::new(config).lingering(),
    };
    let socket = StoppableListener::new(socket, stop.clone())?;
    serve_with(socket, acceptor, service, (config, &traffic), stop).await
}

type PlainStream = Watched<Lingering<Socket>>;

/// Counts connections, and then watches for silence. A source has no share: all of them are proxies.
#[derive(Clone)]
struct PlainAcceptor {
    admission: Admission,
    idle_timeout: Duration,
    /// Who alone may connect; `None`: whoever can.
    proxies: Option<Arc<ProxiesConfig>>,
    linger: LingerLimits,
}

impl PlainAcceptor {
    fn take<S: Service<Request<Incoming>>>(
        &self,
        stream: Socket,
        service: OfCaller<S>,
    ) -> io::Result<(PlainStream, Counted<OfCaller<S>>)> {
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
        let newcomer = traffic.newcomers.token();
        let linger = service.linger.clone();
        let stream = Lingering::new(stream, linger, self.linger, |stream, context, buffer| {
            Pin::new(stream).poll_read(context, buffer)
        });
        let idle = self.idle_timeout;
        Ok(watch(stream, service, idle, Some(newcomer), Some(place)))
    }
}

impl<S: Service<Request<Incoming>>> Accept<Socket, OfCaller<S>> for PlainAcceptor {
    type Stream = PlainStream;
    type Service = Counted<OfCaller<S>>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: Socket, service: OfCaller<S>) -> Self::Future {
        ready(self.take(stream, service))
    }
}
