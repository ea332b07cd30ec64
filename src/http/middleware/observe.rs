//! Owns what every request goes through: its id, the limits of its head, the headers of its answer,
//! being counted, and its one line in the log.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use futures_util::FutureExt;
use futures_util::future::{Either, ready};
use tower::Service;
use tracing::Instrument;
use uuid::Uuid;

use crate::app::error::{Error, Result};
use crate::base::clock::Stopwatch;
use crate::base::metrics::whole_micros;
use crate::base::redact::{REDACTED_TARGET, holds_secret};
use crate::domain::{Actor, ClientId, ErrorCode, Origin};
use crate::http::AppState;
use crate::http::middleware::request_span::Trace;
use crate::http::request::body::{check_announced_length, ignores_body};
use crate::http::request::caller::{find_forwarded_source, peer};
use crate::http::request::host::HostProblem;
use crate::http::request::proof_of_possession::{DPOP_NONCE, next_nonce};
use crate::http::response::error;
use crate::http::response::{LogContext, WithLogContext};
use crate::http::route_metrics::{InFlight, PROBES, RouteTraffic};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps a route so that each of its requests goes through what this module owns.
#[derive(Clone)]
pub(in crate::http) struct Observe {
    /// In one piece: it is cloned for every request.
    place: Arc<Place>,
    inner: Route,
}

struct Place {
    app: AppState,
    /// Known at the first request: a layer is not told the path of what it wraps, which is always the same.
    route: OnceLock<Arc<RouteTraffic>>,
}

impl Observe {
    pub(in crate::http) fn new(app: AppState, inner: Route) -> Self {
        let route = OnceLock::new();
        let place = Arc::new(Place { app, route });
        Self { place, inner }
    }
}

/// By hand, because `axum::middleware::from_fn` boxes and copies each request twice more.
impl Service<Request> for Observe {
    type Response = Response;
    type Error = Infallible;
    type Future = Observed;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.inner, context)
    }

    fn call(&mut self, request: Request) -> Observed {
        let Place { app, route } = &*self.place;
        let route = route.get_or_init(|| {
            // The matched route, never the path: a path may hold what should not be in a log.
            let matched = request.extensions().get::<MatchedPath>();
            app.traffic()
                .route(matched.map_or("(none)", MatchedPath::as_str))
        });
        let inner = &mut self.inner;
        observe(app, route, request, |request| {
            inner.call(request).map(|Ok(response)| response)
        })
    }
}

pub(in crate::http) type Observed =
    Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// Lets `handler` answer a request, and does before and after it what this module owns.
pub(in crate::http) fn observe<F>(
    app: &AppState,
    route: &Arc<RouteTraffic>,
    mut request: Request,
    handler: impl FnOnce(Request) -> F,
) -> Observed
where
    F: Future<Output: Into<WithLogContext>> + Send + 'static,
{
    let mut exchange = Exchange::begin(&mut request, app, route);
    let span = exchange.trace.as_ref().map(|trace| trace.span());
    let limits = &app.config().http;
    let answering = exchange
        .passing
        .admit()
        .and_then(|()| check_head(&request, limits.max_head))
        .and_then(|()| {
            // The proxy itself may send a probe.
            if PROBES.contains(&route.path()) {
                return Ok(());
            }
            let forwarded = find_forwarded_source(&request, &app.config().proxies)?;
            exchange.source = forwarded.or(exchange.source);
            Ok(())
        })
        .and_then(|()| {
            if ignores_body(request.method(), route.path()) {
                return Ok(());
            }
            // Few routes take more, and few requests say that they bring it.
            check_announced_length(request.headers(), limits.max_body).or_else(|error| {
                if !takes_files(route.path()) {
                    return Err(error);
                }
                check_announced_length(request.headers(), limits.max_import)
            })
        })
        .map(|()| AssertUnwindSafe(handler(request)).catch_unwind());
    // Combinators, and no `async` block, which would have room for the handler's future twice.
    let answering = match answering {
        Ok(answering) => Either::Left(answering.map(|answered| {
            answered.map_or_else(|panic| error::panicked(panic).into(), Into::into)
        })),
        Err(error) => Either::Right(ready(error.into_response().into())),
    };
    let answer = answering.map(|noted| Ok(exchange.end(noted)));
    match span {
        None => Box::pin(answer),
        Some(span) => Box::pin(answer.instrument(span)),
    }
}

/// Whether the body of a request there may be a file of clients.
fn takes_files(path: &str) -> bool {
    let mut prefixes = ["/admin/api/v1/transfer/", "/admin/transfer/"].into_iter();
    prefixes.any(|prefix| path.starts_with(prefix))
}

/// What the log and the answer need of a request.
struct Exchange {
    stopwatch: Stopwatch,
    request_id: HeaderValue,
    method: &'static str,
    /// The address of the caller, for the log of refusals.
    source: Option<IpAddr>,
    passing: InFlight,
    /// Answered beside whatever is.
    dpop_nonce: Option<HeaderValue>,
    trace: Option<Box<Trace>>,
}

impl Exchange {
    fn begin(request: &mut Request, app: &AppState, route: &Arc<RouteTraffic>) -> Self {
        let method = known_method(request.method());
        let traced = || Box::new(Trace::begin(request, method, route.path()));
        let exchange = Self {
            stopwatch: Stopwatch::start(),
            request_id: request_id(request.headers()),
            method,
            source: peer(request.extensions()).ok(),
            passing: Arc::clone(route).begin(),
            dpop_nonce: route
                .takes_proofs
                .then(|| next_nonce(app, request.headers()))
                .flatten(),
            trace: app.is_traced().then(traced),
        };
        if route.may_change {
            let left = RequestId(exchange.request_id.clone());
            request.extensions_mut().insert(left);
        }
        exchange
    }

    fn end(mut self, WithLogContext { mut response, note }: WithLogContext) -> Response {
        let took = self.stopwatch.elapsed();
        let status = response.status();
        // An introspection is answered 200 also when the log knows better.
        let refused_for = note.error.as_ref().filter(|_| !status.is_success());
        self.passing
            .end(status, refused_for.map(|error| error.code), took);
        if let Some(trace) = &self.trace {
            trace.end(status, &self.request_id, &note);
        }
        self.log(status, &note, took);
        if let Some(error) = &note.error {
            let request_id = self.request_id.to_str().unwrap_or_default();
            self.passing.note_refusal(request_id, error);
        }
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(X_REQUEST_ID, self.request_id);
        if let Some(nonce) = self.dpop_nonce {
            headers.insert(DPOP_NONCE, nonce);
        }
        response
    }

    /// One line a request: 5xx at `error`, the rest at `info`. That of a refusal has the client, if it is known, and the
    /// address.
    fn log(&self, status: StatusCode, note: &LogContext, took: Duration) {
        let method = self.method;
        let route = self.passing.path();
        let request_id = self.request_id.to_str().unwrap_or_default();
        let trace_id = self.trace.as_ref().and_then(|trace| trace.id());
        let error = note.error.as_deref();
        let client_id = note.client_id.as_ref().or_else(|| client_of(error?));
        let client_id = client_id.map(ClientId::as_str);
        let source = (error.is_some() || status.as_u16() >= 400)
            .then(|| self.source.map(|source| source.to_canonical()))
            .flatten();
        let source = source.map(tracing::field::display);
        let latency_us = whole_micros(took);
        let code = error.map(|error| error.code.as_str());
        let reason = error.map(Error::reason);
        let failed = status >= StatusCode::INTERNAL_SERVER_ERROR;
        let status = status.as_u16();
        macro_rules! answered {
            ($level:ident) => {
                tracing::$level!(
                    target: REDACTED_TARGET,
                    request_id,
                    method,
                    route,
                    status,
                    client_id,
                    source,
                    trace_id,
                    latency_us,
                    error = code,
                    reason,
                    "answered"
                )
            };
        }
        if failed {
            answered!(error);
        } else {
            answered!(info);
        }
    }
}

/// The client that was refused, or whose token was.
fn client_of(error: &Error) -> Option<&ClientId> {
    let attempt = error.attempt.as_deref();
    let claimed = attempt.and_then(|attempt| attempt.client_id.as_ref());
    error.client_id.as_deref().or(claimed)
}

/// The id of a request, left in it for the audit trail.
#[derive(Clone)]
pub(in crate::http) struct RequestId(HeaderValue);

impl RequestId {
    pub(in crate::http) fn to_text(&self) -> Option<String> {
        self.0.to_str().ok().map(str::to_owned)
    }

    /// Where a change comes from that this request asks for.
    pub(in crate::http) fn origin(&self, actor: Actor, source: IpAddr) -> Origin {
        Origin {
            actor,
            source: Some(source),
            request_id: self.to_text(),
        }
    }
}

/// The caller's id when it is sane: short, nothing that could forge a log line, and no secret. Else one of ours.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let sane = |value: &&HeaderValue| {
        (1..=128).contains(&value.len())
            && value
                .as_bytes()
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(b))
            && !may_hold_secret(value)
    };
    if let Some(theirs) = headers.get(X_REQUEST_ID).filter(sane) {
        return theirs.clone();
    }
    let mut buffer = Uuid::encode_buffer();
    let ours = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(ours).unwrap_or_else(|_| HeaderValue::from_static("none"))
}

/// Whether an id has the form of a secret. Hexadecimal digits, as in nearly all ids of requests, are not searched.
fn may_hold_secret(id: &HeaderValue) -> bool {
    let is_uuid_digit = |b: &u8| b.is_ascii_hexdigit() || *b == b'-';
    !id.as_bytes().iter().all(is_uuid_digit) && id.to_str().is_ok_and(holds_secret)
}

/// The method as log and traces have it, in OpenTelemetry's words. Callers make up others, and may write anything there.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}

/// The server reads somewhat more than `max_head` so that this can say why it goes no further.
fn check_head(request: &Request, max_head: usize) -> Result<(), Error> {
    if let Some(problem) = request.extensions().get::<HostProblem>() {
        return Err((*problem).into());
    }
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if target + headers > max_head {
        let description = format!("a request's head can have at most {max_head} bytes");
        return Err(Error::new(ErrorCode::HeaderFieldsTooLarge, description));
    }
    Ok(())
}
