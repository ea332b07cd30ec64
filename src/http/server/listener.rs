//! Owns the listener: TLS, the limits of a connection, and stopping without losing a request.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum_server::accept::{Accept, TcpConfigAcceptor, TcpSocketConfig};
use axum_server::service::SendService;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Address, Handle, Server};
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::{Service, service_fn};

use crate::config::{HttpConfig, ProxiesConfig, ProxyProtocolUse};
use crate::http::middleware::unread_body::{DiscardLimits, DiscardUnread, RequestBody};
use crate::http::request::host::mark_host_problem;
use crate::http::server::connection_metrics::ConnectionTraffic;
use crate::http::server::connection_room::{ConnectionPlace, ConnectionRefusal};
use crate::http::server::handshake_turns::HandshakeTurns;
use crate::http::server::idle_timeout::{Counted, Held, Watched, watch};
use crate::http::server::lingering::{Linger, LingerLimits, Lingering};
use crate::http::server::plain::refuse_plain_http;
use crate::http::server::proxy_protocol::read_source;
use crate::http::server::stoppable_listener::{Peer, Socket, StoppableListener};
use crate::http::server::tls::acme_certificate::ACME_TLS;

/// How much more than `MAX_HEAD` is read, so that a head over it is answered in our shape.
const HEAD_SLACK: usize = 8;

/// Streams that one HTTP/2 connection may have open.
const MAX_STREAMS: u32 = 250;

/// By then all threads that serve have taken the last connections that came before they were told to stop.
const LAST_ACCEPTED: Duration = Duration::from_millis(50);

/// How long those may take to shake hands and to ask.
const NEWCOMERS_PATIENCE: Duration = Duration::from_secs(2);

/// What is listened on.
pub struct Listener {
    /// Where connections come.
    pub tcp: std::net::TcpListener,
    /// The certificate that they are shown.
    pub certificate: RustlsConfig,
    /// Where they are counted.
    pub connections: Arc<ConnectionTraffic>,
    /// The proxies in front: those are not limited as sources.
    pub proxies: ProxiesConfig,
    /// Whether each connection says whose it is.
    pub proxy_protocol: ProxyProtocolUse,
}

impl Listener {
    /// The same, for one more thread.
    pub(in crate::http) fn share(&self) -> io::Result<Self> {
        Ok(Self {
            tcp: self.tcp.try_clone()?,
            certificate: self.certificate.clone(),
            connections: Arc::clone(&self.connections),
            proxies: self.proxies.clone(),
            proxy_protocol: self.proxy_protocol,
        })
    }
}

/// Serves until it is told to stop; then takes no new connection, hears those that came just before, lets requests in
/// flight end within the grace period, and returns.
pub async fn serve<S>(
    listener: Listener,
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
    let tls = RustlsAcceptor::new(listener.certificate)
        .handshake_timeout(config.handshake_timeout)
        .acceptor(TcpConfigAcceptor::new(TcpSocketConfig::new().nodelay(true)));
    listener.tcp.set_nonblocking(true)?;
    let tcp = TcpListener::from_std(listener.tcp)?;
    let acceptor = ConnectionAcceptor {
        tls,
        admission: Admission::new(&traffic, config),
        source_share: config.max_connections_per_source,
        header_patience: config.handshake_timeout,
        proxies: Arc::new(listener.proxies),
        proxy_protocol: listener.proxy_protocol,
        turns: HandshakeTurns::new(),
    };
    let socket = StoppableListener::new(Either::Left(tcp), stop.clone())?;
    serve_with(socket, acceptor, service, (config, &traffic), stop).await
}

/// The same for connections that `acceptor` takes.
pub(super) async fn serve_with<S, A>(
    socket: StoppableListener,
    acceptor: A,
    service: S,
    (config, traffic): (&HttpConfig, &Arc<ConnectionTraffic>),
    stop: CancellationToken,
) -> io::Result<()>
where
    S: Service<Request<RequestBody>, Response = Response, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    A: Accept<Socket, OfCaller<DiscardUnread<S>>> + Clone + Send + Sync + 'static,
    A::Stream: AsyncRead + AsyncWrite + Unpin + Send,
    A::Service: SendService<Request<Incoming>> + Send,
    A::Future: Send,
{
    let handle = traffic.handle.get_or_init(Handle::new).clone();
    let (newcomers, accepting) = (traffic.newcomers.clone(), Arc::clone(traffic));
    let unread = DiscardLimits::new(config);
    let mut server = Server::from_listener(socket)
        .handle(handle.clone())
        .first_request_timeout(config.header_timeout)
        .accept_error_handler(move |peer: Option<&Peer>, error| match peer {
            // A scanner's failed handshake is not worth a line at the usual level.
            Some(Peer(peer)) => {
                tracing::debug!(%peer, "cannot accept a connection: {error}");
            }
            None => accepting.note_accept_error(error),
        })
        .acceptor(acceptor);
    set_limits(&mut server, config);

    let grace = config.shutdown_grace;
    let stopping = tokio::spawn(async move {
        stop.cancelled().await;
        // A balancer has chosen this replica for them, and cannot choose again.
        newcomers.close();
        let heard = async {
            sleep(LAST_ACCEPTED).await;
            newcomers.wait().await;
        };
        let _ = timeout(NEWCOMERS_PATIENCE, heard).await;
        handle.graceful_shutdown(Some(grace));
    });
    let result = server
        .serve(service_fn(move |Peer(source)| {
            let linger = Linger::default();
            let service = DiscardUnread::new(service.clone(), unread, linger.clone());
            ready(Ok::<_, Infallible>(OfCaller {
                source,
                service,
                linger,
            }))
        }))
        .await;
    stopping.abort();
    result
}

pub(in crate::http) fn set_limits<A: Address, B>(server: &mut Server<A, B>, config: &HttpConfig) {
    let head = config.max_head.saturating_mul(HEAD_SLACK).max(8 * 1024);
    let builder = server.http_builder();
    builder.http1().max_buf_size(head);
    builder
        .http2()
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX));
}

/// Counts connections, shakes hands, and then watches for silence.
#[derive(Clone)]
struct ConnectionAcceptor {
    tls: RustlsAcceptor<TcpConfigAcceptor>,
    admission: Admission,
    source_share: usize,
    header_patience: Duration,
    proxies: Arc<ProxiesConfig>,
    proxy_protocol: ProxyProtocolUse,
    turns: HandshakeTurns,
}

/// Whether a connection gets a place, whatever is spoken over it, and how long it keeps it.
#[derive(Clone)]
pub(super) struct Admission {
    handle: Handle<Peer>,
    max_connections: usize,
    pub(super) idle_timeout: Duration,
    pub(super) linger: LingerLimits,
    pub(super) traffic: Arc<ConnectionTraffic>,
}

impl Admission {
    pub(super) fn new(traffic: &Arc<ConnectionTraffic>, config: &HttpConfig) -> Self {
        Self {
            handle: traffic.handle.get_or_init(Handle::new).clone(),
            max_connections: config.max_connections,
            idle_timeout: config.idle_timeout,
            linger: DiscardLimits::new(config).lingering(),
            traffic: Arc::clone(traffic),
        }
    }

    /// The place of a connection that has just come, without its source.
    pub(super) fn admit(&self, peer: SocketAddr) -> io::Result<ConnectionPlace> {
        // The count has this one in it already.
        if self.handle.connection_count() > self.max_connections {
            return Err(self.refuse(ConnectionRefusal::Total, peer));
        }
        let place = ConnectionPlace::take(&self.traffic);
        place.map_err(|refusal| self.refuse(refusal, peer))
    }

    fn refuse(&self, refusal: ConnectionRefusal, source: SocketAddr) -> io::Error {
        self.traffic.note_refusal(refusal, source.ip());
        io::Error::other(refusal)
    }
}

/// The service of one connection, which tells each request whose that is.
#[derive(Clone)]
pub(super) struct OfCaller<S> {
    pub(super) source: SocketAddr,
    service: S,
    pub(super) linger: Linger,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for OfCaller<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> S::Future {
        request.extensions_mut().insert(ConnectInfo(self.source));
        mark_host_problem(&mut request);
        self.service.call(request)
    }
}

impl ConnectionAcceptor {
    /// The place of a connection that has just come; of one that still has to say whose it is, without its source.
    fn admit(&self, peer: SocketAddr) -> io::Result<ConnectionPlace> {
        let mut place = self.admission.admit(peer)?;
        if self.proxy_protocol == ProxyProtocolUse::Off {
            self.count_source(&mut place, peer)?;
        }
        Ok(place)
    }

    /// Counts a connection among those of its source, which must be within its share. Proxies have many callers behind
    /// them, and no share.
    fn count_source(&self, place: &mut ConnectionPlace, source: SocketAddr) -> io::Result<()> {
        if self.proxies.are_trusted(source.ip()) {
            return Ok(());
        }
        let counted = place.count_source(source.ip(), self.source_share);
        counted.map_err(|refusal| self.admission.refuse(refusal, source))
    }

    /// Whose the connection is, as the balancer in front says.
    async fn read_source(
        &self,
        stream: &mut TcpStream,
        peer: SocketAddr,
    ) -> io::Result<SocketAddr> {
        let source = read_source(stream, peer, &self.proxies, self.header_patience).await;
        source.map_err(|why| {
            self.admission.traffic.note_without_source(peer, why);
            io::Error::other(why)
        })
    }

    async fn shake_hands<S: Send + 'static>(
        self,
        mut stream: TcpStream,
        mut service: OfCaller<S>,
        mut place: ConnectionPlace,
        newcomer: TaskTrackerToken,
    ) -> io::Result<(Watched<TlsStream>, Counted<TlsService<S>>)> {
        if self.proxy_protocol == ProxyProtocolUse::Required {
            service.source = self.read_source(&mut stream, service.source).await?;
            self.count_source(&mut place, service.source)?;
        }
        let linger = service.linger.clone();
        let traffic = &self.admission.traffic;
        let shaken = match refuse_plain_http(&mut stream, self.header_patience).await {
            Ok(()) => self.turns.run(self.tls.accept(stream, service)).await,
            Err(error) => Err(error),
        };
        let (stream, service) = shaken.inspect_err(|error| traffic.count_failure(error))?;
        traffic.count_handshake(stream.get_ref().1);
        if stream.get_ref().1.alpn_protocol() == Some(ACME_TLS) {
            return Err(self.validated(stream).await);
        }
        let limits = self.admission.linger;
        let lingering =
            Lingering::new(linger, limits, |stream: &mut TlsStream, context, buffer| {
                Pin::new(stream.get_mut().0).poll_read(context, buffer)
            });
        let idle = self.admission.idle_timeout;
        let held = Held {
            newcomer: Some(newcomer),
            place: Some(place),
            lingering: Some(lingering),
        };
        Ok(watch(stream, service, idle, held))
    }

    /// Ends a connection by which an authority validates a name: all that it wanted to see is the certificate of the
    /// handshake, and no HTTP is spoken (RFC 8737 §3).
    async fn validated(&self, mut stream: TlsStream) -> io::Error {
        self.admission.traffic.validations.inc();
        // Who stays away from the farewell is let go too.
        let _ = timeout(self.header_patience, stream.shutdown()).await;
        io::Error::other("the connection validated a name, and is finished")
    }
}

type TlsStream = <RustlsAcceptor<TcpConfigAcceptor> as Accept<TcpStream, ()>>::Stream;

type TlsService<S> = <RustlsAcceptor<TcpConfigAcceptor> as Accept<TcpStream, OfCaller<S>>>::Service;

impl<S: Send + 'static> Accept<Socket, OfCaller<S>> for ConnectionAcceptor {
    type Stream = Watched<TlsStream>;
    type Service = Counted<TlsService<S>>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: Socket, service: OfCaller<S>) -> Self::Future {
        let traffic = &self.admission.traffic;
        traffic.accepted.inc();
        let Either::Left(stream) = stream else {
            // Nothing binds such a listener.
            let error = io::Error::other("TLS runs only over TCP");
            return Box::pin(ready(Err(error)));
        };
        match self.admit(service.source) {
            Ok(place) => {
                let newcomer = traffic.newcomers.token();
                Box::pin(self.clone().shake_hands(stream, service, place, newcomer))
            }
            Err(refusal) => Box::pin(ready(Err(refusal))),
        }
    }
}
