//! Owns when a connection is given up: nothing was asked and no answer written for as long as it may be silent. One timer a
//! connection looks every now and then whether something happened since; one for each request, as HTTP servers have
//! them, would be set, and nearly always unset, thousands of times a second.
//!
//! Which written bytes are of an answer, is not seen here. HTTP/2 writes others by itself, all in reply to frames of the
//! client (PING, SETTINGS, streams in error), and never more than twice the bytes of these: so many are no activity.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::{TaskTrackerToken, TrackedFuture};
use tower::Service;

use crate::http::server::connection_room::ConnectionPlace;
use crate::http::server::lingering::Lingering;

/// How often a connection is looked at within the time that it may be silent. It is closed after that time or up to a
/// `LOOKS`th more.
const LOOKS: u32 = 4;

/// The most bytes that HTTP/2 writes by itself for each byte that it reads: `RST_STREAM` has 13, for a frame of 9 or more.
const REPLIED_BYTES: usize = 2;

/// What happens on one connection: its stream writes it down beside its requests.
struct Counts {
    begun: AtomicUsize,
    in_flight: TaskTracker,
    /// Until the first request.
    newcomer: Mutex<Option<TaskTrackerToken>>,
}

/// What a connection has while it is watched.
pub(in crate::http) struct Held<T> {
    /// Until its first request.
    pub(in crate::http) newcomer: Option<TaskTrackerToken>,
    /// Until it ends.
    pub(in crate::http) place: Option<ConnectionPlace>,
    /// How it ends; `None`: at once.
    pub(in crate::http) lingering: Option<Lingering<T>>,
}

// A derived one would ask for a default of `T`.
impl<T> Default for Held<T> {
    fn default() -> Self {
        Self {
            newcomer: None,
            place: None,
            lingering: None,
        }
    }
}

/// Makes a stream and the service of its requests know of one another. The stream fails after `limit` of silence.
pub(in crate::http) fn watch<T, S>(
    stream: T,
    service: S,
    limit: Duration,
    held: Held<T>,
) -> (Watched<T>, Counted<S>) {
    let requests = Arc::new(Counts {
        begun: AtomicUsize::new(0),
        in_flight: TaskTracker::new(),
        newcomer: Mutex::new(held.newcomer),
    });
    let watched = Watched {
        stream,
        requests: Arc::clone(&requests),
        requests_seen: 0,
        replies: 0,
        has_answered: false,
        quiet_looks: 0,
        pause: limit / LOOKS,
        next_look: Box::pin(sleep(limit / LOOKS)),
        lingering: held.lingering,
        _place: held.place,
    };
    (watched, Counted { service, requests })
}

/// A stream that fails when its connection was silent for too long. A head that comes byte by byte is silence, too.
pub(in crate::http) struct Watched<T> {
    stream: T,
    requests: Arc<Counts>,
    requests_seen: usize,
    /// Bytes that may be written in reply to what was read, and are of no answer then.
    replies: usize,
    /// More was written.
    has_answered: bool,
    quiet_looks: u32,
    pause: Duration,
    next_look: Pin<Box<Sleep>>,
    lingering: Option<Lingering<T>>,
    _place: Option<ConnectionPlace>,
}

impl<T> Watched<T> {
    /// What waits for the stream also waits for the next look.
    fn look(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.next_look.as_mut().poll(context));
            let begun = self.requests.begun.load(Ordering::Relaxed);
            let answering = !self.requests.in_flight.is_empty();
            let is_quiet = begun == self.requests_seen && !answering && !self.has_answered;
            self.requests_seen = begun;
            self.has_answered = false;
            if is_quiet {
                self.quiet_looks += 1;
            } else {
                self.quiet_looks = 0;
                // What was read was of requests.
                self.replies = 0;
            }
            if self.quiet_looks >= LOOKS {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            let next = Instant::now() + self.pause;
            self.next_look.as_mut().reset(next);
        }
    }

    /// While the stream is pending, polls the idle timer too; its error ends the connection.
    fn or_idle<V>(
        &mut self,
        polled: Poll<io::Result<V>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<V>> {
        match polled {
            Poll::Pending => self.look(context).map(Err),
            Poll::Ready(_) => polled,
        }
    }

    fn note_written(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            match self.replies.checked_sub(bytes) {
                Some(rest) => self.replies = rest,
                None => {
                    self.replies = 0;
                    self.has_answered = true;
                }
            }
        }
        self.or_idle(written, context)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let bytes = buffer.filled().len() - before;
        self.replies = self
            .replies
            .saturating_add(bytes.saturating_mul(REPLIED_BYTES));
        self.or_idle(read, context)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_written(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.note_written(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.or_idle(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let shut = match &mut this.lingering {
            Some(lingering) => lingering.poll_shutdown(&mut this.stream, context),
            None => Pin::new(&mut this.stream).poll_shutdown(context),
        };
        this.or_idle(shut, context)
    }
}

/// A service whose requests keep their connection open.
#[derive(Clone)]
pub(in crate::http) struct Counted<S> {
    service: S,
    requests: Arc<Counts>,
}

impl<S: Service<R>, R> Service<R> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = TrackedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let counts = &self.requests;
        if counts.begun.fetch_add(1, Ordering::Relaxed) == 0 {
            drop(counts.newcomer.lock().map(|mut newcomer| newcomer.take()));
        }
        counts.in_flight.track_future(self.service.call(request))
    }
}
