//! What speaks against a clock. Pure but for the memory of what it has seen since the start.

use crate::base::clock::{Clock, UnixTime};
use crate::store::ClockMark;

/// Seconds by which a wall clock may jump, or a row be ahead, before nothing is removed; and by which it may differ from the
/// database's before the operator is warned.
pub const CLOCK_TOLERANCE: i64 = 5;

/// Seconds: 7 days. A database that no server used for longer may be as old as it looks, or the clock may be ahead.
const TOO_OLD: i64 = 7 * DAY;

const DAY: i64 = 86_400;

/// Seconds between two notes that the clock is right.
const NOTE_EVERY: i64 = 3_600;

/// Why the clock is not trusted. The texts say what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockDoubt {
    /// The database has another time than this machine.
    #[error(
        "this machine's clock differs from the database's by {0} s, more than MAX_CLOCK_DIFFERENCE: set the wrong one of the two"
    )]
    Differs(i64),
    /// Somebody set the clock.
    #[error(
        "this machine's clock was changed by {0} s since this process started: set it back; if it is right now, run \
            `token-server clock confirm`"
    )]
    Jumped(i64),
    /// Something was written under a later time.
    #[error(
        "the newest row of the database is {0} s ahead of this machine's clock: set the clock; if it is right, \
         run `token-server clock confirm`"
    )]
    NewestRowAhead(i64),
    /// Nothing was written for long, or the clock is ahead by as much.
    #[error(
        "the newest row of the database is {0} days old: set this machine's clock; if it is right, \
         run `token-server clock confirm`"
    )]
    NewestRowOld(i64),
}

impl ClockDoubt {
    /// Whether `clock confirm` ends it.
    pub fn can_be_confirmed(self) -> bool {
        !matches!(self, Self::Differs(_))
    }
}

/// What the guard of SQLite remembers of this process.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// The confirmations in the database when it was last read; `None` before the first time, which is the start.
    confirmations: Option<i64>,
    /// What spoke against the clock at the start, until somebody confirms it.
    doubt_at_start: Option<ClockDoubt>,
    /// When the clock was last noted to be right, by the steady time.
    pub(super) noted_at: Option<UnixTime>,
}

impl Process {
    /// What speaks against a clock that has no other beside it.
    pub(super) fn judge(&mut self, mark: &ClockMark, clock: &Clock) -> Option<ClockDoubt> {
        match self.confirmations {
            None => self.doubt_at_start = doubt_at_start(mark, clock.now()),
            Some(known) if mark.confirmations > known => {
                clock.confirm_wall();
                self.doubt_at_start = None;
            }
            Some(_) => {}
        }
        self.confirmations = Some(mark.confirmations);
        let jump = clock.jumped_by();
        if jump.abs() > CLOCK_TOLERANCE {
            return Some(ClockDoubt::Jumped(jump));
        }
        self.doubt_at_start
    }

    /// Whether it is time to note that the clock is right: at the start and then each hour.
    pub(super) fn is_note_due(&self, steady: UnixTime) -> bool {
        self.noted_at
            .is_none_or(|at| steady.since(at) >= NOTE_EVERY)
    }
}

/// The events count as rows from the future only: in place of an old note they would hide it as soon as somebody logs in.
fn doubt_at_start(mark: &ClockMark, now: UnixTime) -> Option<ClockDoubt> {
    let newest = mark.noted_at.max(mark.last_event_at)?;
    if newest.since(now) > CLOCK_TOLERANCE {
        return Some(ClockDoubt::NewestRowAhead(newest.since(now)));
    }
    let age = now.since(mark.noted_at?);
    (age > TOO_OLD).then_some(ClockDoubt::NewestRowOld(age / DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn mark(noted: i64, event: i64, confirmations: i64) -> ClockMark {
        ClockMark {
            noted_at: Some(NOW.plus(noted)),
            last_event_at: Some(NOW.plus(event)),
            confirmations,
        }
    }

    fn judge_start(noted: i64, event: i64) -> Option<ClockDoubt> {
        Process::default().judge(&mark(noted, event, 0), &Clock::fixed(NOW))
    }

    #[test]
    fn a_newest_row_5_s_ahead_or_7_days_old_is_no_reason_for_doubt_at_the_start_and_more_is() {
        assert_eq!(judge_start(5, 5), None);
        assert_eq!(judge_start(6, 0), Some(ClockDoubt::NewestRowAhead(6)));
        assert_eq!(judge_start(0, 6), Some(ClockDoubt::NewestRowAhead(6)));
        assert_eq!(judge_start(-TOO_OLD, -TOO_OLD), None);
        assert_eq!(
            judge_start(-TOO_OLD - 1, 0),
            Some(ClockDoubt::NewestRowOld(7))
        );
        let never = ClockMark {
            noted_at: None,
            last_event_at: None,
            confirmations: 0,
        };
        assert_eq!(Process::default().judge(&never, &Clock::fixed(NOW)), None);
    }

    #[test]
    fn a_doubt_of_the_start_ends_by_a_confirmation_and_by_nothing_else() {
        let (mut process, clock) = (Process::default(), Clock::fixed(NOW));
        let doubt = Some(ClockDoubt::NewestRowAhead(60));
        assert_eq!(process.judge(&mark(60, 0, 3), &clock), doubt);
        clock.advance(100);
        assert_eq!(process.judge(&mark(0, 0, 3), &clock), doubt);
        // A database that was put back.
        assert_eq!(process.judge(&mark(0, 0, 2), &clock), doubt);

        assert_eq!(process.judge(&mark(100, 100, 3), &clock), None);
    }

    #[test]
    fn a_jump_ends_when_the_clock_is_set_back_or_confirmed() {
        let (mut process, clock) = (Process::default(), Clock::fixed(NOW));
        let mut judge = |ahead, confirmations| {
            clock.set_ahead(ahead);
            process.judge(&mark(0, 0, confirmations), &clock)
        };
        assert_eq!(judge(0, 0), None);
        assert_eq!(judge(5, 0), None);
        assert_eq!(judge(6, 0), Some(ClockDoubt::Jumped(6)));
        assert_eq!(judge(-6, 0), Some(ClockDoubt::Jumped(-6)));
        assert_eq!(judge(0, 0), None);

        assert_eq!(judge(900, 0), Some(ClockDoubt::Jumped(900)));
        assert_eq!(judge(900, 1), None);
        assert_eq!(judge(0, 1), Some(ClockDoubt::Jumped(-900)));
    }

    #[test]
    fn the_clock_is_noted_at_the_start_and_each_hour() {
        let mut process = Process::default();
        assert!(process.is_note_due(NOW));
        process.noted_at = Some(NOW);
        assert!(!process.is_note_due(NOW.plus(3_599)));
        assert!(process.is_note_due(NOW.plus(3_600)));
    }
}
