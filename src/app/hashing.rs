//! Owns the threads that hash: few, of low priority, behind a bounded queue, so that a flood of
//! bad credentials can neither slow the rest of the service nor take its memory.
//! Knows nothing of clients.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::secret_hash::Memory;
use crate::error::{Error, Result};

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The lowest of the twenty steps below the usual priority: hashing takes what others leave.
const NICE: i32 = 19;

/// After so long without work a thread gives its memory back.
const IDLE: Duration = Duration::from_secs(1);

/// A handle to the hashing threads. They end when it is dropped.
#[derive(Debug)]
pub(super) struct Hashing {
    queue: SyncSender<Job>,
}

impl Hashing {
    /// Starts the threads.
    pub(super) fn start(threads: usize, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel::<Job>(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..threads {
            let receiver = Arc::clone(&receiver);
            std::thread::Builder::new()
                .name(format!("hashing-{number}"))
                .spawn(move || work(&receiver))?;
        }
        Ok(Self { queue: sender })
    }

    /// Runs `job` on one of the threads; 503 at once when too many are waiting. A job whose caller
    /// has gone meanwhile is not begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            if !answer.is_closed() {
                // The caller may go while we work; then nobody wants the answer.
                let _ = answer.send(job(memory));
            }
        });
        self.queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                Error::temporarily_unavailable("too many logins at once; try again shortly")
                    .because(anyhow::anyhow!("the hashing queue is full"))
            }
            TrySendError::Disconnected(_) => {
                Error::internal(anyhow::anyhow!("the hashing threads are gone"))
            }
        })?;
        answered.await.map_err(Error::internal)
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    lower_priority();
    let mut memory = Memory::default();
    loop {
        let next = queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv_timeout(IDLE);
        match next {
            Ok(job) => job(&mut memory),
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
