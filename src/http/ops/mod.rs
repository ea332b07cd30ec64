//! What operators' programs ask, on a listener of its own without TLS: metrics for Prometheus, and health. Nothing of it
//! is secret, but it is nobody else's business: the listener is on the loopback interface unless it is set otherwise.

mod exposition;
mod families;
pub(in crate::http) mod health;
mod process;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_server::Handle;
use axum_server::accept::Accept;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tokio::net::TcpStream;
use tower::service_fn;

use super::AppState;
use crate::app::error::Error;
use crate::http::middleware::unread_body::{DiscardLimits, DiscardUnread};
use crate::http::request::host::check_host;
use crate::http::response::error;
use crate::http::server::connection_metrics::log_accept_error;
use crate::http::server::connection_room::MAX_OPS_CONNECTIONS;
use crate::http::server::idle_timeout::{Counted, Held, Watched, watch};
use crate::http::server::lingering::Linger;
use crate::http::server::listener;
use crate::http::server::log_pause::LogPause;
use crate::http::server::tls::certificate_status::CertificateStatus;
use crate::telemetry::{DroppedLines, ExportStatus};
use families::Snapshot;

/// The text format of <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What metrics are read from.
#[derive(Clone)]
pub struct Ops {
    /// The service, and who asks it.
    pub state: AppState,
    /// The certificate that it presents.
    pub certificate: Arc<CertificateStatus>,
    /// The log that it writes.
    pub log: DroppedLines,
    /// The traces that it sends.
    pub traces: ExportStatus,
}

/// The routes of operators' programs.
pub fn ops_router(ops: Ops) -> Router {
    let health = Router::new()
        .route("/healthz", get(health::show_health))
        .route("/readyz", get(health::show_readiness))
        .with_state(ops.state.clone());
    Router::new()
        .route("/metrics", get(show_metrics))
        .with_state(ops)
        .merge(health)
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
}

/// Serves them; never ends by itself.
pub async fn serve_ops(listener: TcpListener, ops: Ops) -> io::Result<()> {
    let config = &ops.state.config().http;
    let pause = LogPause::default();
    let acceptor = OpsAcceptor {
        handle: Handle::new(),
        idle_timeout: config.idle_timeout,
    };
    let mut server = axum_server::from_tcp(listener)?
        .handle(acceptor.handle.clone())
        .first_request_timeout(config.header_timeout)
        .accept_error_handler(move |peer, error| {
            // One that was accepted and is closed is no news.
            if peer.is_none() {
                log_accept_error(&pause, error);
            }
        })
        .acceptor(acceptor);
    listener::set_limits(&mut server, config);
    let unread = DiscardLimits::new(config);
    let router = ops_router(ops).layer(from_fn(refuse_host_problem));
    let connection = move |_| {
        let service = DiscardUnread::new(router.clone(), unread, Linger::default());
        ready(Ok::<_, Infallible>(service))
    };
    server.serve(service_fn(connection)).await
}

/// Limits the connections to `OPS_LISTEN`, so that it still has descriptors when other listeners have none. Closes idle
/// ones.
#[derive(Clone)]
struct OpsAcceptor {
    /// The server's, which knows how many are open.
    handle: Handle<SocketAddr>,
    idle_timeout: Duration,
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
            Ok(watch(stream, service, self.idle_timeout, Held::default()))
        })
    }
}

/// Answers a request whose host is missing or ambiguous.
async fn refuse_host_problem(request: Request, next: Next) -> Response {
    match check_host(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => Error::from(problem).into_response(),
    }
}

async fn show_metrics(State(ops): State<Ops>) -> Result<Response, Error> {
    let snapshot = Snapshot::take(&ops);
    let mut registry = Registry::default();
    registry.register_collector(Box::new(snapshot));
    let mut page = String::with_capacity(64 * 1024);
    text::encode(&mut page, &registry).map_err(Error::internal)?;
    let headers = [(CONTENT_TYPE, OPEN_METRICS), (CACHE_CONTROL, "no-store")];
    Ok((headers, page).into_response())
}
