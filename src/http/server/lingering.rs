//! Owns the end of a connection whose peer may still send: half-closes it, then reads and discards for a while. A socket
//! that is closed with unread bytes sends a TCP reset, and the reset makes the peer's kernel drop the response that the peer
//! has not read yet (RFC 9112 §9.6).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// After so long without a byte the peer has read its response, or will not.
const QUIET: Duration = Duration::from_secs(2);

/// Read at once, to be discarded.
const PIECE: usize = 8 * 1024;

/// Whether a connection lingers when it ends: shared by its stream and the service of its requests.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Linger(Arc<AtomicBool>);

impl Linger {
    /// Has the connection linger.
    pub(in crate::http) fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long a connection lingers at most.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct LingerLimits {
    pub(in crate::http) bytes: u64,
    pub(in crate::http) time: Duration,
}

/// Reads from the socket below a stream, past TLS: nobody needs the plaintext of what is discarded.
pub(in crate::http) type ReadSocket<T> =
    fn(&mut T, &mut Context<'_>, &mut ReadBuf<'_>) -> Poll<io::Result<()>>;

/// How a stream lingers at its end, if that was requested.
pub(in crate::http) struct Lingering<T> {
    linger: Linger,
    limits: LingerLimits,
    read_socket: ReadSocket<T>,
    /// Once the stream is half-closed.
    discarding: Option<Box<Discarding>>,
}

struct Discarding {
    bytes_left: u64,
    until: Pin<Box<Sleep>>,
    quiet: Pin<Box<Sleep>>,
}

impl<T> Lingering<T> {
    pub(in crate::http) fn new(
        linger: Linger,
        limits: LingerLimits,
        read_socket: ReadSocket<T>,
    ) -> Self {
        Self {
            linger,
            limits,
            read_socket,
            discarding: None,
        }
    }
}

impl<T: AsyncWrite + Unpin> Lingering<T> {
    /// Half-closes the stream, and lingers if that was requested.
    pub(in crate::http) fn poll_shutdown(
        &mut self,
        stream: &mut T,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.discarding.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
            if !self.linger.is_requested() {
                return Poll::Ready(Ok(()));
            }
        }
        let limits = self.limits;
        let discarding = self
            .discarding
            .get_or_insert_with(|| Box::new(Discarding::new(limits)));
        let discarded = discarding.poll(stream, self.read_socket, context);
        discarded.map(Ok)
    }
}

impl Discarding {
    fn new(limits: LingerLimits) -> Self {
        Self {
            bytes_left: limits.bytes,
            until: Box::pin(sleep(limits.time)),
            quiet: Box::pin(sleep(QUIET.min(limits.time))),
        }
    }

    /// Discards what the peer sends. Ready when the peer has closed, or a limit is reached.
    fn poll<T>(
        &mut self,
        stream: &mut T,
        read_socket: ReadSocket<T>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let mut has_read = false;
        while self.bytes_left > 0 {
            let mut piece = [0; PIECE];
            let mut piece = ReadBuf::new(&mut piece);
            match read_socket(stream, context, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {
                    has_read = true;
                    let read = piece.filled().len() as u64;
                    self.bytes_left = self.bytes_left.saturating_sub(read);
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    if has_read {
                        self.quiet.as_mut().reset(Instant::now() + QUIET);
                    }
                    if self.until.as_mut().poll(context).is_pending() {
                        return self.quiet.as_mut().poll(context);
                    }
                    return Poll::Ready(());
                }
            }
        }
        Poll::Ready(())
    }
}
