//! Owns the rest of a request body that the response did not wait for. In HTTP/1.1 the next request comes behind that rest:
//! it is read and discarded up to `MAX_BODY` within `BODY_TIMEOUT`, so that the connection serves the next request. Beyond
//! `MAX_BODY` the response says `Connection: close`, and the connection lingers. In HTTP/2 more is discarded before the
//! stream is reset, since there are clients that drop a response whose stream is reset.
//!
//! A request without a body, and one whose announced body was read to its end, pass without an allocation, a lock or a timer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, Version};
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tower::Service;

use crate::config::HttpConfig;
use crate::http::request::body::ignores_body;
use crate::http::server::lingering::{Linger, LingerLimits};

/// A body whose next byte takes longer is not about to end: its response does not wait for it any more.
const NEXT_BYTE: Duration = Duration::from_millis(50);

/// No response waits longer for the end of a body that nobody reads.
const ARRIVAL: Duration = Duration::from_secs(1);

/// So much of a body is discarded at least before its peer is cut off: what a client sends that writes all before it
/// reads, 2 MiB for example, and has to see its 413.
const MIN_DISCARDED: u64 = 8 * 1024 * 1024;

/// How much of an unread body is discarded, and for how long.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct DiscardLimits {
    max_body: u64,
    /// As much as the server reads of the largest body that it takes, or more.
    most: u64,
    time: Duration,
}

impl DiscardLimits {
    pub(in crate::http) fn new(config: &HttpConfig) -> Self {
        let most = config.max_import.max(config.max_body) as u64;
        Self {
            max_body: config.max_body as u64,
            most: most.max(MIN_DISCARDED),
            time: config.body_timeout,
        }
    }

    /// Those of a connection that lingers.
    pub(in crate::http) fn lingering(self) -> LingerLimits {
        LingerLimits {
            bytes: self.most,
            time: self.time,
        }
    }
}

/// The service of one connection, which looks after what its handlers leave of bodies.
#[derive(Clone)]
pub(in crate::http) struct DiscardUnread<S> {
    service: S,
    limits: DiscardLimits,
    linger: Linger,
}

impl<S> DiscardUnread<S> {
    pub(in crate::http) fn new(service: S, limits: DiscardLimits, linger: Linger) -> Self {
        Self {
            service,
            limits,
            linger,
        }
    }

    fn rules(&self, request: &Request<Incoming>) -> Rules {
        let is_http1 = request.version() <= Version::HTTP_11;
        Rules {
            max_bytes: if is_http1 {
                self.limits.max_body
            } else {
                self.limits.most
            },
            time: self.limits.time,
            linger: is_http1.then(|| self.linger.clone()),
        }
    }
}

impl<S> Service<Request<Incoming>> for DiscardUnread<S>
where
    S: Service<Request<RequestBody>, Response = Response>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        if request.body().is_end_stream() {
            let request = request.map(|_| RequestBody::default());
            return Either::Left(self.service.call(request));
        }
        let rules = self.rules(&request);
        let Some(terms) = Terms::of(&request, &rules) else {
            let request = request.map(|incoming| RequestBody::new(incoming, rules, None));
            return Either::Left(self.service.call(request));
        };
        let (leave, mut left) = oneshot::channel();
        let request = request.map(|incoming| RequestBody::new(incoming, rules, Some(leave)));
        let answering = self.service.call(request);
        let answer = async move {
            let mut response = answering.await?;
            // From here on `send` fails, and the body discards its rest itself.
            left.close();
            if let Ok(rest) = left.try_recv()
                && rest.settle(terms).await == Fate::Closed
            {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok(response)
        };
        Either::Right(answer.boxed())
    }
}

/// How the rest of one body is discarded.
#[derive(Debug)]
struct Rules {
    /// Of the whole body, with what was read of it.
    max_bytes: u64,
    time: Duration,
    /// HTTP/1.1 only: an HTTP/2 connection goes on without the stream.
    linger: Option<Linger>,
}

/// What the head of an HTTP/1.1 request says of a body of which it is not certain that all is discarded in time.
#[derive(Clone, Copy)]
struct Terms {
    is_too_large: bool,
    /// The client sends the body once it is told to (RFC 9110 §10.1.1), and otherwise possibly never.
    expects_continue: bool,
    /// Nobody looks at the body: a proxy may have sent its length without it. It must not be taken from the next request.
    is_ignored: bool,
}

impl Terms {
    /// `None`: the rest is discarded after the response, whatever it is.
    fn of(request: &Request<Incoming>, rules: &Rules) -> Option<Self> {
        rules.linger.as_ref()?;
        let announced = request.body().size_hint().exact();
        let terms = Self {
            is_too_large: announced.is_some_and(|length| length > rules.max_bytes),
            expects_continue: request.headers().contains_key(EXPECT),
            is_ignored: ignores_body(request.method(), request.uri().path()),
        };
        let is_certain = announced.is_some()
            && !(terms.is_too_large || terms.expects_continue || terms.is_ignored);
        (!is_certain).then_some(terms)
    }
}

/// The body of a request. What is left of it when it is dropped is discarded.
#[derive(Debug, Default)]
pub struct RequestBody {
    /// `None` at its end.
    rest: Option<Rest>,
    /// Where it leaves its rest for the response.
    leave: Option<oneshot::Sender<Rest>>,
}

/// A body that was not read to its end.
#[derive(Debug)]
struct Rest {
    incoming: Incoming,
    rules: Rules,
    read_bytes: u64,
    /// When a reader first had to wait.
    waiting_since: Option<Instant>,
}

impl RequestBody {
    fn new(incoming: Incoming, rules: Rules, leave: Option<oneshot::Sender<Rest>>) -> Self {
        let rest = Some(Rest {
            incoming,
            rules,
            read_bytes: 0,
            waiting_since: None,
        });
        Self { rest, leave }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(&mut rest.incoming).poll_frame(context);
        match &polled {
            Poll::Pending => {
                rest.waiting_since.get_or_insert_with(Instant::now);
            }
            Poll::Ready(Some(Ok(frame))) => rest.count(frame),
            Poll::Ready(Some(Err(_)) | None) => self.rest = None,
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        let rest = self.rest.as_ref();
        rest.is_none_or(|rest| rest.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.as_ref();
        rest.map_or_else(|| SizeHint::with_exact(0), |rest| rest.incoming.size_hint())
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let rest = self.rest.take();
        let Some(rest) = rest.filter(|rest| !rest.incoming.is_end_stream()) else {
            return;
        };
        let untaken = match self.leave.take() {
            Some(leave) => leave.send(rest).err(),
            None => Some(rest),
        };
        if let Some(rest) = untaken {
            rest.discard_later();
        }
    }
}

/// What becomes of a connection after a response over an unread body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    Closed,
}

impl Rest {
    fn count(&mut self, frame: &Frame<Bytes>) {
        self.read_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
    }

    /// Decides before the response whether the connection can be kept, and begins what has to be done for it.
    async fn settle(mut self, terms: Terms) -> Fate {
        let was_asked_for = self.waiting_since.is_some() || self.read_bytes > 0;
        let fate = if terms.is_too_large || (terms.expects_continue && !was_asked_for) {
            Fate::Closed
        } else {
            match timeout(ARRIVAL, self.arrive()).await {
                Ok(Some(fate)) => fate,
                // What came late may belong to the next request.
                Ok(None) | Err(_) if terms.is_ignored => Fate::Closed,
                Ok(None) | Err(_) => {
                    self.discard_later();
                    return Fate::Kept;
                }
            }
        };
        if fate == Fate::Closed {
            self.linger();
        }
        fate
    }

    /// Discards what is about to come; `None`: not all of it was.
    async fn arrive(&mut self) -> Option<Fate> {
        while self.read_bytes <= self.rules.max_bytes {
            match timeout(NEXT_BYTE, self.incoming.frame()).await {
                Ok(Some(Ok(frame))) => self.count(&frame),
                Ok(Some(Err(_)) | None) => return Some(Fate::Kept),
                Err(_) => return None,
            }
        }
        Some(Fate::Closed)
    }

    /// Discards the rest beside the response. Without a runtime there is no connection either.
    fn discard_later(self) {
        let deadline = self.waiting_since.unwrap_or_else(Instant::now) + self.rules.time;
        match Handle::try_current() {
            Ok(runtime) if deadline > Instant::now() => {
                runtime.spawn(self.discard(deadline));
            }
            Ok(_) | Err(_) => self.linger(),
        }
    }

    async fn discard(mut self, deadline: Instant) {
        let ended = async {
            while self.read_bytes <= self.rules.max_bytes {
                match self.incoming.frame().await {
                    Some(Ok(frame)) => self.count(&frame),
                    Some(Err(_)) | None => return true,
                }
            }
            false
        };
        if timeout_at(deadline, ended).await != Ok(true) {
            self.linger();
        }
    }

    /// To be called before it is dropped: then the HTTP library ends the connection.
    fn linger(&self) {
        if let Some(linger) = &self.rules.linger {
            linger.request();
        }
    }
}
