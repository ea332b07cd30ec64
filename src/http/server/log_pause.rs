//! Owns the pause between log lines about what can happen without end.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often the log is told, however often it happens.
const PAUSE: Duration = Duration::from_mins(1);

/// Lets one line a minute through.
#[derive(Debug, Default)]
pub(in crate::http) struct LogPause(Mutex<Option<Instant>>);

impl LogPause {
    /// Whether the pause is over; it begins anew then.
    pub(in crate::http) fn is_over(&self) -> bool {
        self.is_over_at(Instant::now())
    }

    fn is_over_at(&self, now: Instant) -> bool {
        let mut told_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = told_at.is_none_or(|at| now.saturating_duration_since(at) >= PAUSE);
        if is_over {
            *told_at = Some(now);
        }
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_minute_is_let_through() {
        let (pause, begin) = (LogPause::default(), Instant::now());
        let is_over = |seconds| pause.is_over_at(begin + Duration::from_secs(seconds));

        assert!(is_over(0));
        assert!(!is_over(0) && !is_over(59));
        assert!(is_over(60));
        assert!(!is_over(119));
    }
}
