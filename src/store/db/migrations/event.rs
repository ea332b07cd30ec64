//! Owns what is told of migrations while they run, and when.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::base::clock::Stopwatch;

/// So often something is told of what takes long.
pub(super) const TELL_EVERY: Duration = Duration::from_secs(5);

/// Hears of each event, while the migrations wait for its return.
pub type Tell<'a> = &'a (dyn Fn(&MigrationEvent) + Send + Sync);

/// What happens while the schema is brought up to this version. Its text is a line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrationEvent {
    /// Another process migrates, or on SQLite writes.
    Waiting {
        /// Who it is, as far as the database says it.
        holder: String,
        /// For how long this process has waited.
        waited: Duration,
    },
    /// A migration begins.
    Begun(Place),
    /// An index that was left half made is removed first.
    DroppingInvalidIndex(String),
    /// A migration goes on.
    Running {
        /// Which one.
        place: Place,
        /// Since it began.
        running: Duration,
        /// How far it is, as far as the database says it.
        progress: Option<String>,
    },
    /// A migration is done.
    Applied(Place),
}

/// A migration and its place among those that were pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number and description, as `0100 clients`.
    pub name: String,
    /// From 1 on.
    pub number: usize,
    /// How many were pending.
    pub of: usize,
}

impl fmt::Display for MigrationEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting { holder, waited } => write!(
                f,
                "waiting for the migration lock, which {holder} holds; waited for {} s",
                waited.as_secs()
            ),
            Self::Begun(place) => write!(f, "migration {place} begins"),
            Self::DroppingInvalidIndex(name) => {
                write!(
                    f,
                    "dropping the index {name}, which an earlier run left incomplete"
                )
            }
            Self::Running {
                place,
                running,
                progress,
            } => {
                write!(f, "migration {place} has run for {} s", running.as_secs())?;
                match progress {
                    Some(progress) => write!(f, ": {progress}"),
                    None => Ok(()),
                }
            }
            Self::Applied(place) => write!(f, "migration {place} is applied"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}, {},", self.number, self.of, self.name)
    }
}

/// What comes of a migration; until then it is told every few seconds that it goes on.
pub(super) async fn told_while<'a, T>(
    applying: impl Future<Output = T>,
    place: &Place,
    tell: Tell<'_>,
    progress: impl Fn() -> BoxFuture<'a, Option<String>>,
) -> T {
    let began = Stopwatch::start();
    let mut applying = std::pin::pin!(applying);
    let mut ticks = interval_at(Instant::now() + TELL_EVERY, TELL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            applied = &mut applying => return applied,
            _ = ticks.tick() => tell(&MigrationEvent::Running {
                place: place.clone(),
                running: began.elapsed(),
                progress: progress().await,
            }),
        }
    }
}

/// A wait for somebody else, of whom it is told at once, every few seconds, and when it is another one.
pub(super) struct Wait<'a> {
    tell: Tell<'a>,
    began: Stopwatch,
    told: Option<(String, Stopwatch)>,
}

impl<'a> Wait<'a> {
    pub(super) fn new(tell: Tell<'a>) -> Self {
        Self {
            tell,
            began: Stopwatch::start(),
            told: None,
        }
    }

    pub(super) fn for_holder(&mut self, holder: String) {
        let is_known =
            |(known, at): &(String, Stopwatch)| *known == holder && at.elapsed() < TELL_EVERY;
        if self.told.as_ref().is_some_and(is_known) {
            return;
        }
        (self.tell)(&MigrationEvent::Waiting {
            holder: holder.clone(),
            waited: self.began.elapsed(),
        });
        self.told = Some((holder, Stopwatch::start()));
    }
}
