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

/// A task that needs the database, and may be cancelled at any point.
pub(super) struct Job {
    interval: Duration,
    /// It begins at once. Then its interval varies, so that many replicas do not run it at the same time.
    begins_at_once: bool,
    report: Report,
    run: Run,
}

type Run = for<'a> fn(&'a App) -> BoxFuture<'a, Result<()>>;

/// What is told of a job.
pub(super) enum Report {
    /// When it succeeded; each failure is logged.
    Upkeep(Task, &'static str),
    /// That it begins to fail, and that it works again.
    Transitions(Transitions),
    /// Each failure.
    Failures(&'static str),
}

impl Job {
    /// A job that first waits for its interval.
    pub(super) fn later(interval: Duration, report: Report, run: Run) -> Self {
        Self {
            interval,
            begins_at_once: false,
            report,
            run,
        }
    }

    pub(super) fn at_once(interval: Duration, report: Report, run: Run) -> Self {
        Self {
            begins_at_once: true,
            ..Self::later(interval, report, run)
        }
    }

    /// Runs it while the database answers, until `stop` is cancelled.
    pub(super) async fn repeat(mut self, app: Arc<App>, stop: CancellationToken) {
        let mut is_due = self.begins_at_once;
        loop {
            if is_due && app.core.database().is_ok() {
                match stop.run_until_cancelled((self.run)(&app)).await {
                    None => return,
                    Some(outcome) => self.report.note(&app, outcome),
                }
            }
            let interval = if self.begins_at_once {
                spread(self.interval)
            } else {
                self.interval
            };
            if !pause(interval, &stop).await {
                return;
            }
            is_due = true;
        }
    }
}

impl Report {
    fn note(&mut self, app: &App, outcome: Result<()>) {
        match self {
            Self::Upkeep(task, failed) => match outcome {
                Ok(()) => app.upkeep.succeeded(*task, app.core.clock.now()),
                // The clock guard has said so, once.
                Err(_) if app.core.clock_guard.holds_back() => {}
                Err(_) => warn_of(outcome, failed),
            },
            Self::Transitions(transitions) => transitions.note(outcome),
            Self::Failures(failed) => warn_of(outcome, failed),
        }
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
