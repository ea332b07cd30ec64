//! Owns the pause between log lines about what can happen without end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::clock::Stopwatch;

/// How often the log is told, however often it happens.
const PAUSE: Duration = Duration::from_mins(1);

/// Lets one line a minute through.
#[derive(Debug, Default)]
pub(in crate::http) struct LogPause(Mutex<Option<Stopwatch>>);

impl LogPause {
    /// Whether the pause is over; it begins anew then.
    pub(in crate::http) fn is_over(&self) -> bool {
        self.has_lasted(PAUSE)
    }

    fn has_lasted(&self, pause: Duration) -> bool {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = since.as_ref().is_none_or(|it| it.elapsed() >= pause);
        if is_over {
            *since = Some(Stopwatch::start());
        }
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_let_through_until_the_pause_is_over() {
        let pause = LogPause::default();

        assert!(pause.is_over());
        assert!(!pause.is_over() && !pause.has_lasted(Duration::MAX));
        assert!(pause.has_lasted(Duration::ZERO));
    }
}
