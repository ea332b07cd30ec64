//! Owns the threads that hash: few, of low priority, behind a bounded queue, so that a flood of
//! bad credentials can neither slow the rest of the service nor take its memory.
//! Knows nothing of clients.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::Instrument;

use crate::app::error::{Error, Result};
use crate::app::secrets::hash::Memory;
use crate::base::clock::Stopwatch;
use crate::base::metrics::{Counter, Distribution, Histogram, whole_micros};
use crate::base::tracing_span::{TARGET, within_request};

struct Job {
    run: Box<dyn FnOnce(&mut Memory) + Send>,
    waiting: Stopwatch,
}

/// The lowest of the twenty steps below the usual priority: hashing takes what others leave.
const NICE: i32 = 19;

/// After so long without work a thread gives its memory back.
const IDLE: Duration = Duration::from_secs(1);

/// A handle to the hashing threads. They end when it is dropped.
#[derive(Debug)]
pub(crate) struct Hashing {
    queue: SyncSender<Job>,
    work: Arc<Work>,
    threads: usize,
    queue_limit: usize,
}

/// Where attempts wait that may not hash yet. It has as many seats as the queue.
#[derive(Debug)]
pub(crate) struct WaitingRoom {
    seats: Arc<Semaphore>,
    limit: usize,
    work: Arc<Work>,
}

impl WaitingRoom {
    /// A seat, until it is dropped; 503 at once when all are taken.
    pub(crate) fn enter(&self) -> Result<OwnedSemaphorePermit> {
        let seat = Arc::clone(&self.seats).try_acquire_owned();
        seat.map_err(|_| {
            self.work
                .refuse("too many logins wait for others of their source")
        })
    }

    /// One without a queue beside it.
    #[cfg(test)]
    pub(crate) fn for_tests(seats: usize) -> Self {
        Self {
            seats: Arc::new(Semaphore::new(seats)),
            limit: seats,
            work: Arc::default(),
        }
    }

    /// Seats that are taken.
    pub(crate) fn taken(&self) -> usize {
        self.limit - self.seats.available_permits()
    }
}

impl Work {
    fn refuse(&self, reason: &'static str) -> Error {
        self.refused.inc();
        Error::temporarily_unavailable("too many logins at once; try again shortly")
            .with_source(anyhow::anyhow!(reason))
    }
}

/// What is counted of the work.
#[derive(Debug, Default)]
struct Work {
    queued: Counter,
    taken: Counter,
    refused: Counter,
    waited: Histogram,
    busy_micros: Counter,
}

/// What was counted of hashing up to a moment.
#[derive(Clone, Copy, Debug)]
pub struct HashingMetrics {
    /// Threads that hash.
    pub threads: usize,
    /// Hashes that wait for one.
    pub queue: u64,
    /// The most that may.
    pub queue_limit: usize,
    /// Logins that were refused because so many waited.
    pub refused: u64,
    /// How long hashes waited, those that are done or being done.
    pub waited: Distribution,
    /// How long the threads were busy, together.
    pub busy_micros: u64,
}

impl Hashing {
    /// Starts the threads.
    pub(crate) fn start(threads: usize, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel::<Job>(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        let counted = Arc::new(Work::default());
        for number in 0..threads {
            let (receiver, counted) = (Arc::clone(&receiver), Arc::clone(&counted));
            std::thread::Builder::new()
                .name(format!("hashing-{number}"))
                .spawn(move || work(&receiver, &counted))?;
        }
        Ok(Self {
            queue: sender,
            work: counted,
            threads,
            queue_limit: queue,
        })
    }

    /// Runs `job` on one of the threads; 503 at once when too many are waiting. A job whose caller
    /// has gone meanwhile is not begun.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let run = Box::new(move |memory: &mut Memory| {
            if !answer.is_closed() {
                // The caller may go while we work; then nobody wants the answer.
                let _ = answer.send(job(memory));
            }
        });
        let waiting = Stopwatch::start();
        let queued = self.queue.try_send(Job { run, waiting });
        queued.map_err(|refused| match refused {
            TrySendError::Full(_) => self.work.refuse("the hashing queue is full"),
            TrySendError::Disconnected(_) => {
                Error::internal(anyhow::anyhow!("the hashing threads are gone"))
            }
        })?;
        self.work.queued.inc();
        let hashing = within_request(|| tracing::debug_span!(target: TARGET, "hashing"));
        answered.instrument(hashing).await.map_err(Error::internal)
    }

    /// A place to wait in, for one kind of attempts: those of admins leave the seats of clients free.
    pub(crate) fn waiting_room(&self) -> WaitingRoom {
        WaitingRoom {
            seats: Arc::new(Semaphore::new(self.queue_limit)),
            limit: self.queue_limit,
            work: Arc::clone(&self.work),
        }
    }

    pub(crate) fn metrics(&self) -> HashingMetrics {
        // In this order: a job is taken after it was queued.
        let taken = self.work.taken.value();
        HashingMetrics {
            threads: self.threads,
            queue: self.work.queued.value().saturating_sub(taken),
            queue_limit: self.queue_limit,
            refused: self.work.refused.value(),
            waited: self.work.waited.read(),
            busy_micros: self.work.busy_micros.value(),
        }
    }
}

fn work(queue: &Mutex<Receiver<Job>>, counted: &Work) {
    lower_priority();
    let mut memory = Memory::default();
    loop {
        let next = queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv_timeout(IDLE);
        match next {
            Ok(job) => {
                counted.taken.inc();
                counted.waited.observe(job.waiting.elapsed());
                let busy = Stopwatch::start();
                (job.run)(&mut memory);
                counted.busy_micros.add(whole_micros(busy.elapsed()));
            }
            Err(RecvTimeoutError::Timeout) => memory.release(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// On Linux the "process" whose priority is set is a thread.
fn lower_priority() {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), NICE) {
        tracing::debug!(%error, "hashing threads keep the usual priority");
    }
}
