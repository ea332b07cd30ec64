//! Owns the threads of slow work. A lane is a few threads of low priority behind a bounded queue, so that a flood of such
//! work neither slows the rest of the service nor takes its memory. No lane waits for another: work cannot be interrupted
//! once it runs, so each lane has threads of its own, and the kernel shares the processor among them. Knows no feature.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::app::error::{Error, Result};
use crate::base::clock::Stopwatch;
use crate::base::collections::fair_queue::{FairQueue, Ticket};
use crate::base::metrics::{Counter, Distribution, Histogram, whole_micros};
use crate::base::source_network::source_network;
use crate::base::tracing_span::{TARGET, within_request};

/// After so long without work a thread gives its memory back.
const IDLE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub(crate) struct LaneSetup {
    /// Its name in metrics and logs, and of its threads.
    pub(crate) name: &'static str,
    pub(crate) threads: usize,
    /// The most jobs that wait.
    pub(crate) queue: usize,
    /// How much the threads yield to others: 19 is the most.
    pub(crate) nice: i32,
    /// What a caller learns when there is no place in the queue.
    pub(crate) full: &'static str,
}

/// A handle to the threads of a lane. They end when it is dropped. Each thread has a value of `S`, which its jobs share one
/// after another, and makes a new one when it was idle.
pub(crate) struct Lane<S>(Arc<Shared<S>>);

struct Shared<S> {
    setup: LaneSetup,
    queue: Mutex<Queue<S>>,
    /// A job arrived, or the lane was closed.
    changed: Condvar,
    refused: Counter,
    waited: Histogram,
    busy_micros: Counter,
}

struct Queue<S> {
    waiting: FairQueue<Option<IpAddr>, Job<S>>,
    is_closed: bool,
}

/// Runs a job; without a value of `S`, the job has given its place away.
type Run<S> = dyn FnOnce(Option<&mut S>) + Send;

struct Job<S> {
    run: Box<Run<S>>,
    waiting: Stopwatch,
}

/// The metrics of one lane.
#[derive(Clone, Copy, Debug)]
pub struct LaneMetrics {
    /// Its name.
    pub name: &'static str,
    /// Its threads.
    pub threads: usize,
    /// Jobs that wait for a thread.
    pub queue: usize,
    /// The most that may.
    pub queue_limit: usize,
    /// Jobs that found no place in the queue, or gave it away.
    pub refused: u64,
    /// How long jobs waited, those that are done or being done.
    pub waited: Distribution,
    /// How long the threads were busy, together.
    pub busy_micros: u64,
}

impl<S: Default + 'static> Lane<S> {
    pub(crate) fn start(setup: LaneSetup) -> std::io::Result<Self> {
        let lane = Self(Arc::new(Shared {
            setup,
            queue: Mutex::new(Queue {
                waiting: FairQueue::new(setup.queue),
                is_closed: false,
            }),
            changed: Condvar::new(),
            refused: Counter::default(),
            waited: Histogram::default(),
            busy_micros: Counter::default(),
        }));
        for number in 0..setup.threads {
            let shared = Arc::clone(&lane.0);
            std::thread::Builder::new()
                .name(format!("{}-{number}", setup.name))
                .spawn(move || shared.work())?;
        }
        Ok(lane)
    }

    /// Runs `job` on one of the threads. 503 when the queue is full and no source has more places in it than `source`, or when
    /// the job has to give its place to another source. `None` is the source of what the server and its operators do. A job
    /// whose caller has gone meanwhile is not begun.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        source: Option<IpAddr>,
        job: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let run = Box::new(move |state: Option<&mut S>| {
            if !answer.is_closed() {
                // The caller may go while we work; then nobody wants the answer.
                let _ = answer.send(state.map(job));
            }
        });
        let waiting = Stopwatch::start();
        let _entry = self.0.enqueue(source, Job { run, waiting })?;
        let name = self.0.setup.name;
        let span = within_request(|| tracing::debug_span!(target: TARGET, "lane", lane = name));
        match answered.instrument(span).await {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err(self.0.refuse("the job gave its place to another source")),
            Err(_) => Err(Error::internal(anyhow!(
                "a job of the lane `{name}` panicked"
            ))),
        }
    }
}

impl<S> Lane<S> {
    pub(crate) fn metrics(&self) -> LaneMetrics {
        let (setup, shared) = (self.0.setup, &self.0);
        LaneMetrics {
            name: setup.name,
            threads: setup.threads,
            queue: shared.lock().waiting.len(),
            queue_limit: setup.queue,
            refused: shared.refused.value(),
            waited: shared.waited.read(),
            busy_micros: shared.busy_micros.value(),
        }
    }
}

impl<S> Drop for Lane<S> {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

/// A job that waits. Dropped, it leaves the queue: its caller has gone.
struct Entry<'a, S> {
    lane: &'a Shared<S>,
    source: Option<IpAddr>,
    ticket: Ticket,
}

impl<S> Drop for Entry<'_, S> {
    fn drop(&mut self) {
        let removed = self.lane.lock().waiting.remove(self.source, self.ticket);
        // Not under the lock: what it holds may be large.
        drop(removed);
    }
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, Queue<S>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, source: Option<IpAddr>, job: Job<S>) -> Result<Entry<'_, S>> {
        let source = source.map(source_network);
        let pushed = self.lock().waiting.push(source, job);
        let (ticket, evicted) = pushed.map_err(|_| self.refuse("is full"))?;
        if let Some(evicted) = evicted {
            (evicted.run)(None);
        }
        self.changed.notify_one();
        Ok(Entry {
            lane: self,
            source,
            ticket,
        })
    }

    fn refuse(&self, reason: &str) -> Error {
        self.refused.inc();
        let reason = anyhow!("the queue of the lane `{}`: {reason}", self.setup.name);
        Error::temporarily_unavailable(self.setup.full).with_source(reason)
    }
}

impl<S: Default> Shared<S> {
    fn work(&self) {
        lower_priority(self.setup.nice);
        let mut state = S::default();
        while let Some(job) = self.next(&mut state) {
            self.waited.observe(job.waiting.elapsed());
            let busy = Stopwatch::start();
            // A thread that ended would be missing for ever; its caller learns of the panic by the answer that is dropped.
            if catch_unwind(AssertUnwindSafe(|| (job.run)(Some(&mut state)))).is_err() {
                tracing::error!("a job of the lane `{}` panicked", self.setup.name);
                state = S::default();
            }
            self.busy_micros.add(whole_micros(busy.elapsed()));
        }
    }

    /// Waits for a job; `None` when the lane is closed.
    fn next(&self, state: &mut S) -> Option<Job<S>> {
        let has_nothing = |queue: &mut Queue<S>| queue.waiting.len() == 0 && !queue.is_closed;
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), IDLE, has_nothing);
        let (mut queue, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            drop(queue);
            *state = S::default();
            queue = self.lock();
        }
        // Not by a wait with a condition: on a poisoned mutex it ends with whatever wakes it.
        loop {
            if queue.is_closed {
                return None;
            }
            if let Some(job) = queue.waiting.pop() {
                return Some(job);
            }
            let woken = self.changed.wait(queue);
            queue = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// On Linux the "process" whose priority is set is a thread.
fn lower_priority(nice: i32) {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), nice) {
        tracing::debug!(%error, "the threads of a lane keep the usual priority");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::{FutureExt, poll};

    use super::*;
    use crate::domain::ErrorCode;

    const A: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
    const B: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)));

    fn lane(queue: usize) -> Lane<u32> {
        let setup = LaneSetup {
            name: "test",
            threads: 1,
            queue,
            nice: 19,
            full: "try again shortly",
        };
        Lane::start(setup).unwrap()
    }

    /// Occupies the thread until the sender is dropped or used.
    async fn block(lane: &Lane<u32>) -> (mpsc::Sender<()>, impl Future<Output = Result<()>>) {
        let (end, until) = mpsc::channel();
        let mut job = Box::pin(lane.run(None, move |_| {
            let _ = until.recv();
        }));
        assert!(poll!(&mut job).is_pending());
        while lane.metrics().waited.count() == 0 {
            tokio::task::yield_now().await;
        }
        (end, job)
    }

    #[tokio::test]
    async fn jobs_share_the_value_of_their_thread() {
        let lane = lane(1);
        let count = |state: &mut u32| {
            *state += 1;
            *state
        };

        assert_eq!(lane.run(A, count).await.unwrap(), 1);
        assert_eq!(lane.run(B, count).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_a_source_with_more_places_gives_one_to_another() {
        let lane = lane(2);
        let (end, blocked) = block(&lane).await;
        let mut first = Box::pin(lane.run(A, |_| "first"));
        let mut second = Box::pin(lane.run(A, |_| "second"));
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());

        let refused = lane.run(A, |_| "third").now_or_never().unwrap();
        let refused = refused.unwrap_err();
        let mut other = Box::pin(lane.run(B, |_| "other"));
        assert!(poll!(&mut other).is_pending());
        let evicted = second.now_or_never().unwrap().unwrap_err();

        for error in [refused, evicted] {
            assert_eq!(error.code, ErrorCode::TemporarilyUnavailable);
            assert_eq!(error.retry_after, Some(1));
        }
        assert_eq!(lane.metrics().refused, 2);
        drop(end);
        blocked.await.unwrap();
        assert_eq!(first.await.unwrap(), "first");
        assert_eq!(other.await.unwrap(), "other");
    }

    #[tokio::test]
    async fn a_thread_outlives_a_poisoned_queue() {
        let lane = lane(1);
        lane.run(A, |_| ()).await.unwrap();
        let poisoned = catch_unwind(AssertUnwindSafe(|| {
            let _queue = lane.0.lock();
            std::panic::resume_unwind(Box::new("without a word in the output of the test"));
        }));
        assert!(poisoned.is_err() && lane.0.queue.is_poisoned());
        for _ in 0..3 {
            // Nothing has arrived, as for a thread that another one was quicker than.
            lane.0.changed.notify_all();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }

        let job = tokio::time::timeout(Duration::from_secs(10), lane.run(A, |_| "done"));
        assert_eq!(job.await.unwrap().unwrap(), "done");
    }

    #[tokio::test]
    async fn the_networks_of_one_customer_are_one_source() {
        let lane = lane(2);
        let (_end, _blocked) = block(&lane).await;
        let address = |text: &str| Some(text.parse().unwrap());
        let mut jobs = ["2001:db8::1", "2001:db8::2"]
            .map(|source| Box::pin(lane.run(address(source), |_| ())));
        for job in &mut jobs {
            assert!(poll!(job).is_pending());
        }

        let same = lane.run(address("2001:db8::3"), |_| ());
        assert!(same.now_or_never().unwrap().is_err());
        let mut other = Box::pin(lane.run(address("2001:db8:0:1::1"), |_| ()));
        assert!(poll!(&mut other).is_pending());
    }

    #[tokio::test]
    async fn a_caller_that_goes_leaves_the_queue() {
        let lane = lane(1);
        let (_end, _blocked) = block(&lane).await;
        let mut gone = Box::pin(lane.run(A, |_| ()));
        assert!(poll!(&mut gone).is_pending());
        assert_eq!(lane.metrics().queue, 1);

        drop(gone);

        assert_eq!(lane.metrics().queue, 0);
    }

    #[tokio::test]
    async fn a_panic_costs_no_thread() {
        let lane = lane(1);

        let failed = lane.run(A, |_| panic!("on purpose")).await;

        let failed: Error = failed.unwrap_err();
        assert_eq!(failed.code, ErrorCode::ServerError);
        assert_eq!(lane.run(A, |state| *state).await.unwrap(), 0);
    }
}
