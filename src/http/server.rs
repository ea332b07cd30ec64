//! Owns the listener: TLS, the limits of a connection, and stopping without losing a request.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::time::Duration;

use axum::Extension;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum_server::accept::{Accept, TcpConfigAcceptor, TcpSocketConfig};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;
use tower::{Layer, Service, service_fn};

use crate::config::HttpConfig;

/// How much more than `MAX_HEAD` is read, so that a head over it is answered in our shape.
const HEAD_SLACK: usize = 8;

/// Streams that one HTTP/2 connection may have open.
const MAX_STREAMS: u32 = 250;

/// Serves until `shutdown` resolves; then takes no new connection, lets requests in flight end
/// within the grace period, and returns.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    config: &HttpConfig,
    certificate: RustlsConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let handle = Handle::new();
    let tls = RustlsAcceptor::new(certificate)
        .handshake_timeout(config.handshake_timeout)
        .acceptor(TcpConfigAcceptor::new(TcpSocketConfig::new().nodelay(true)));
    let mut server = axum_server::from_tcp(listener)?
        .handle(handle.clone())
        .first_request_timeout(config.header_timeout)
        .accept_error_handler(log_accept_error)
        .acceptor(ConnectionAcceptor {
            tls,
            handle: handle.clone(),
            max_connections: config.max_connections,
            idle_timeout: config.idle_timeout,
        });
    set_limits(&mut server, config);

    let grace = config.shutdown_grace;
    let stopping = tokio::spawn(async move {
        shutdown.await;
        handle.graceful_shutdown(Some(grace));
    });
    let result = server
        .serve(service_fn(move |peer: SocketAddr| {
            ready(Ok::<_, Infallible>(
                Extension(ConnectInfo(peer)).layer(service.clone()),
            ))
        }))
        .await;
    stopping.abort();
    result
}

fn set_limits<A>(server: &mut Server<SocketAddr, A>, config: &HttpConfig) {
    let head = config.max_head.saturating_mul(HEAD_SLACK).max(8 * 1024);
    let builder = server.http_builder();
    builder
        .http1()
        .header_read_timeout(config.idle_timeout)
        .max_buf_size(head);
    builder
        .http2()
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX));
}

/// A scanner's failed handshake is not worth a line at the usual level; running out of files is.
fn log_accept_error(peer: Option<&SocketAddr>, error: &io::Error) {
    match peer {
        Some(peer) => tracing::debug!(%peer, "a connection was not taken: {error}"),
        None => tracing::warn!("connections cannot be accepted: {error}"),
    }
}

/// Counts connections, shakes hands, and then watches for silence.
#[derive(Clone)]
struct ConnectionAcceptor {
    tls: RustlsAcceptor<TcpConfigAcceptor>,
    handle: Handle<SocketAddr>,
    max_connections: usize,
    idle_timeout: Duration,
}

type TlsStream = <RustlsAcceptor<TcpConfigAcceptor> as Accept<TcpStream, ()>>::Stream;

impl<S: Send + 'static> Accept<TcpStream, S> for ConnectionAcceptor {
    type Stream = Pin<Box<TimeoutStream<TlsStream>>>;
    type Service = <RustlsAcceptor<TcpConfigAcceptor> as Accept<TcpStream, S>>::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        // The count has this one in it already.
        if self.handle.connection_count() > self.max_connections {
            let full = io::Error::other("there are MAX_CONNECTIONS connections already");
            return Box::pin(std::future::ready(Err(full)));
        }
        let shaking_hands = self.tls.accept(stream, service);
        let idle_timeout = self.idle_timeout;
        Box::pin(async move {
            let (stream, service) = shaking_hands.await?;
            // HTTP/1 has a timer of its own for the next head, and each request one for its body; a second
            // one for every read would cost some hundredths of a request.
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let mut stream = TimeoutStream::new(stream);
            stream.set_read_timeout(http2.then_some(idle_timeout));
            stream.set_write_timeout(Some(idle_timeout));
            Ok((Box::pin(stream), service))
        })
    }
}
