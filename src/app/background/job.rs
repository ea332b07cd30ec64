//! A task that is run again and again: how often, what is logged of it, and when it last succeeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::base::secret::random_bytes;

/// What the service does by itself, and when each last succeeded.
#[derive(Debug)]
pub(in crate::app) struct Upkeep([AtomicI64; Upkeep::NAMES.len()]);

/// One thing that the service does by itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// Removing what has ended.
    Prune,
    /// Looking after the signing keys.
    RotateKeys,
    /// Counting whose secret ends soon.
    CountSecrets,
    /// Writing what was counted of clients.
    WriteUsage,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self(Self::NAMES.map(|_| AtomicI64::new(i64::MIN)))
    }
}

impl Upkeep {
    /// By number of the task.
    const NAMES: [&'static str; 4] = ["prune", "rotate_keys", "count_secrets", "write_usage"];

    pub(super) fn succeeded(&self, task: Task, now: UnixTime) {
        self.0[task as usize].store(now.0, Ordering::Relaxed);
    }

    pub(in crate::app) fn read(&self) -> Vec<(&'static str, Option<UnixTime>)> {
        let read = |at: &AtomicI64| Some(at.load(Ordering::Relaxed)).filter(|at| *at != i64::MIN);
        let tasks = Self::NAMES.into_iter().zip(&self.0);
        tasks
            .map(|(name, at)| (name, read(at).map(UnixTime)))
            .collect()
    }
}

/// How often a job is run.
#[derive(Clone, Copy)]
pub(super) enum Every {
    /// It first waits for this interval.
    Later(Duration),
    /// It begins at once. Then its interval varies, so that many replicas do not run it at the same time.
    AtOnce(Duration),
}

/// What is run.
pub(super) type Run = for<'a> fn(&'a App) -> BoxFuture<'a, Result<()>>;

/// Runs a job that needs the database, and may be cancelled at any point, while the database answers and until `stop` is
/// cancelled. `note` is told what comes of it.
pub(super) async fn repeat(
    (app, stop): (Arc<App>, CancellationToken),
    every: Every,
    run: Run,
    mut note: impl FnMut(&App, Result<()>),
) {
    let mut is_due = matches!(every, Every::AtOnce(_));
    loop {
        if is_due && app.core.database().is_ok() {
            match stop.run_until_cancelled(run(&app)).await {
                None => return,
                Some(outcome) => note(&app, outcome),
            }
        }
        let interval = match every {
            Every::Later(interval) => interval,
            Every::AtOnce(interval) => spread(interval),
        };
        if !pause(interval, &stop).await {
            return;
        }
        is_due = true;
    }
}

/// Logs that something fails, and that it works again: once, not every second of an outage.
pub(super) struct Transitions {
    failing: bool,
    failed: &'static str,
    recovered: &'static str,
}

impl Transitions {
    pub(super) fn new(failed: &'static str, recovered: &'static str) -> Self {
        Self {
            failing: false,
            failed,
            recovered,
        }
    }

    pub(super) fn note<T>(&mut self, outcome: Result<T>) {
        match outcome {
            Err(_) if !self.failing => warn_of(outcome, self.failed),
            Ok(_) if self.failing => tracing::info!("{}", self.recovered),
            Ok(_) | Err(_) => return,
        }
        self.failing = !self.failing;
    }
}

pub(super) fn warn_of<T>(outcome: Result<T>, failed: &str) {
    if let Err(error) = outcome {
        tracing::warn!("{failed}: {}", error.reason());
    }
}

/// The interval, a fifth more or less at random: what many replicas do is not to happen at once.
pub(super) fn spread(interval: Duration) -> Duration {
    let [random] = random_bytes::<1>();
    interval.mul_f64(0.8 + 0.4 * f64::from(random) / 255.0)
}

/// False when it is time to stop.
pub(super) async fn pause(interval: Duration, stop: &CancellationToken) -> bool {
    stop.run_until_cancelled(tokio::time::sleep(interval))
        .await
        .is_some()
}
