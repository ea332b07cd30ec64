//! Owns the real time: nothing else in the crate may read a clock (`clippy.toml` forbids it).
//! Knows nothing of ours.

mod database_offset;
mod unix_time;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use database_offset::{DatabaseOffset, RoundTrip};
pub use unix_time::UnixTime;
pub(crate) use unix_time::with_times_as_text;

/// The one source of "now". A value, not a trait: tests make a fixed one and move it. Its clones are the same clock.
///
/// Three clocks stand behind it: the machine's wall clock, which anybody may set; the time since boot, which counts sleep and
/// which nobody can set; and, where the database has a clock of its own, that one, as an offset from the time since boot.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Clocks>);

#[derive(Debug)]
struct Clocks {
    machine: Machine,
    /// Milliseconds by which the wall clock was ahead of the time since boot when this value was made.
    ahead_at_start: i64,
    /// The same when this value was made, or when somebody last confirmed the wall clock.
    ahead_when_right: AtomicI64,
    database: DatabaseOffset,
}

#[derive(Debug)]
enum Machine {
    System,
    Fixed(Fixed),
}

/// The time of a test, in milliseconds.
#[derive(Debug)]
struct Fixed {
    /// The true time. It is also the time since boot.
    true_time: AtomicI64,
    /// By how much this machine's wall clock is ahead of it.
    ahead: AtomicI64,
    /// By how much the database's clock is ahead of it.
    database_ahead: AtomicI64,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::of(Machine::System)
    }

    /// A clock that stands at `now` until [`advance`](Self::advance) moves it.
    pub fn fixed(now: UnixTime) -> Self {
        Self::fixed_ahead(now, 0)
    }

    /// A fixed clock whose wall clock was `seconds` ahead of the true time already when the process started.
    pub fn fixed_ahead(true_time: UnixTime, seconds: i64) -> Self {
        Self::of(Machine::Fixed(Fixed {
            true_time: AtomicI64::new(true_time.0.saturating_mul(1_000)),
            ahead: AtomicI64::new(seconds.saturating_mul(1_000)),
            database_ahead: AtomicI64::new(0),
        }))
    }

    fn of(machine: Machine) -> Self {
        let ahead = machine.ahead();
        Self(Arc::new(Clocks {
            machine,
            ahead_at_start: ahead,
            ahead_when_right: AtomicI64::new(ahead),
            database: DatabaseOffset::default(),
        }))
    }

    /// The time that decides: the database's, from the first measurement of it on; else the wall clock's.
    pub fn now(&self) -> UnixTime {
        seconds(self.now_ms())
    }

    /// [`now`](Self::now) in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        match self.0.database.in_force() {
            Some(offset) => self.0.machine.since_boot().saturating_add(offset),
            None => self.0.machine.wall(),
        }
    }

    /// The time of the wall clock.
    pub fn wall(&self) -> UnixTime {
        seconds(self.0.machine.wall())
    }

    /// The time by the clock that nobody can set, dated as at the start: for ages of what is in memory. Neither a wall clock
    /// that is set nor another time of the database makes memory younger or older.
    pub fn steady(&self) -> UnixTime {
        let since_boot = self.0.machine.since_boot();
        seconds(since_boot.saturating_add(self.0.ahead_at_start))
    }

    /// Seconds by which the wall clock was set ahead since this value was made or [confirmed](Self::confirm_wall); negative
    /// when it was set back. Measured against the clock that counts sleep.
    pub fn jumped_by(&self) -> i64 {
        let right = self.0.ahead_when_right.load(Ordering::Relaxed);
        nearest_second(self.0.machine.ahead().saturating_sub(right))
    }

    /// [`now`](Self::now) as if nobody had set the wall clock since it was right. The database's time is the same.
    pub(crate) fn unset(&self) -> UnixTime {
        match self.0.database.in_force() {
            Some(_) => self.now(),
            None => self.now().plus(-self.jumped_by()),
        }
    }

    /// Takes the wall clock as it is now for right: [`jumped_by`](Self::jumped_by) counts from here.
    pub(crate) fn confirm_wall(&self) {
        let ahead = self.0.machine.ahead();
        self.0.ahead_when_right.store(ahead, Ordering::Relaxed);
    }

    /// The time since boot in milliseconds, as the begin of a measurement for [`follow`](Self::follow).
    pub(crate) fn since_boot(&self) -> i64 {
        self.0.machine.since_boot()
    }

    /// Follows the database's clock, which said `database_ms` (milliseconds since 1970) in a statement that began at `began`
    /// and whose answer has just come. Returns by how many milliseconds the time of the database is ahead of what
    /// [`now_ms`](Self::now_ms) would have said without this measurement.
    pub(crate) fn follow(&self, began: i64, database_ms: i64) -> i64 {
        let machine = &self.0.machine;
        let measured = RoundTrip {
            began,
            ended: machine.since_boot(),
            database_ms: machine.database_time(database_ms),
        };
        let before = self.0.database.in_force();
        let offset = self.0.database.follow(measured);
        offset.saturating_sub(before.unwrap_or(machine.ahead()))
    }

    /// The time of the database as last measured; `None` before the first measurement. [`now`](Self::now) is later than this
    /// for a while when the database's clock was set back.
    pub fn database_time(&self) -> Option<UnixTime> {
        let offset = self.0.database.measured()?;
        Some(seconds(self.0.machine.since_boot().saturating_add(offset)))
    }

    /// Seconds by which the wall clock is ahead of the database's; `None` before the first measurement.
    pub fn ahead_of_database(&self) -> Option<i64> {
        let offset = self.0.database.measured()?;
        Some(nearest_second(
            self.0.machine.ahead().saturating_sub(offset),
        ))
    }

    /// Lets time pass for a fixed clock; the system's cannot be moved and stays as it is.
    pub fn advance(&self, seconds: i64) {
        if let Machine::Fixed(fixed) = &self.0.machine {
            fixed
                .true_time
                .fetch_add(seconds.saturating_mul(1_000), Ordering::SeqCst);
        }
    }

    /// Sets the wall clock of a fixed clock ahead, or back, while no time passes: it is wrong from then on, or right again.
    pub fn set_ahead(&self, seconds: i64) {
        if let Machine::Fixed(fixed) = &self.0.machine {
            fixed
                .ahead
                .store(seconds.saturating_mul(1_000), Ordering::SeqCst);
        }
    }

    /// Sets the database's clock ahead of the true time, or back, for a fixed clock: as after a fail-over to a machine with
    /// another clock. The next measurement shows it.
    pub fn set_database_ahead(&self, seconds: i64) {
        if let Machine::Fixed(fixed) = &self.0.machine {
            fixed
                .database_ahead
                .store(seconds.saturating_mul(1_000), Ordering::SeqCst);
        }
    }
}

impl Machine {
    fn wall(&self) -> i64 {
        match self {
            Self::System => i64::try_from(since_1970().as_millis()).unwrap_or(i64::MAX),
            Self::Fixed(fixed) => fixed
                .true_time
                .load(Ordering::SeqCst)
                .saturating_add(fixed.ahead.load(Ordering::SeqCst)),
        }
    }

    fn since_boot(&self) -> i64 {
        match self {
            Self::System => since_boot(),
            Self::Fixed(fixed) => fixed.true_time.load(Ordering::SeqCst),
        }
    }

    /// Milliseconds by which the wall clock is ahead of the time since boot.
    fn ahead(&self) -> i64 {
        self.wall().saturating_sub(self.since_boot())
    }

    /// The time of the database, of which `measured` was read: a fixed clock fixes that as well.
    fn database_time(&self, measured: i64) -> i64 {
        match self {
            Self::System => measured,
            Self::Fixed(fixed) => fixed
                .true_time
                .load(Ordering::SeqCst)
                .saturating_add(fixed.database_ahead.load(Ordering::SeqCst)),
        }
    }
}

fn seconds(milliseconds: i64) -> UnixTime {
    UnixTime(milliseconds.div_euclid(1_000))
}

fn nearest_second(milliseconds: i64) -> i64 {
    milliseconds.saturating_add(500).div_euclid(1_000)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the time"
)]
fn since_1970() -> Duration {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.unwrap_or_default()
}

/// Milliseconds since boot. Sleep counts.
fn since_boot() -> i64 {
    // Elsewhere the monotonic clock: it stands still while the machine sleeps, which looks like a jump.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    let boot = clock_gettime(clock);
    boot.tv_sec * 1_000 + boot.tv_nsec / 1_000_000
}

/// Measures how long something took; never used to decide anything.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the time"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_nobody_sets_has_not_jumped() {
        let clock = Clock::system();
        assert_eq!(clock.jumped_by(), 0);
        assert!((0..=1).contains(&clock.steady().since(clock.now()).abs()));
    }

    #[test]
    fn setting_a_fixed_clock_is_a_jump_and_the_passing_of_time_is_none() {
        let clock = Clock::fixed_ahead(UnixTime(1_000), 7);
        clock.advance(100);
        assert_eq!((clock.now(), clock.jumped_by()), (UnixTime(1_107), 0));

        clock.set_ahead(-50);
        assert_eq!((clock.now(), clock.jumped_by()), (UnixTime(1_050), -57));
        assert_eq!(clock.steady(), UnixTime(1_107));

        clock.confirm_wall();
        assert_eq!((clock.now(), clock.jumped_by()), (UnixTime(1_050), 0));
        assert_eq!(clock.steady(), UnixTime(1_107));
    }

    #[test]
    fn from_the_first_measurement_on_the_database_has_the_time_whatever_the_wall_clock_says() {
        let clock = Clock::fixed_ahead(UnixTime(1_000), 20);
        assert_eq!(
            (clock.now(), clock.database_time()),
            (UnixTime(1_020), None)
        );
        assert_eq!(clock.ahead_of_database(), None);

        assert_eq!(clock.follow(clock.since_boot(), 0), -20_000);
        clock.set_ahead(86_400);
        clock.advance(5);

        assert_eq!((clock.now(), clock.now_ms()), (UnixTime(1_005), 1_005_000));
        assert_eq!(clock.database_time(), Some(UnixTime(1_005)));
        assert_eq!(clock.ahead_of_database(), Some(86_400));
        assert_eq!(clock.clone().now(), UnixTime(1_005));
    }

    #[test]
    fn another_time_of_the_database_makes_memory_neither_younger_nor_older() {
        let clock = Clock::fixed(UnixTime(1_000));
        for ahead in [0, 500, -500] {
            clock.set_database_ahead(ahead);
            clock.follow(clock.since_boot(), 0);
            clock.advance(10);
        }
        assert_eq!(clock.steady(), UnixTime(1_030));
    }

    #[test]
    fn the_real_clock_follows_what_a_database_says() {
        let clock = Clock::system();
        let theirs = clock.now_ms() - 3_600_000;
        clock.follow(clock.since_boot(), theirs);
        assert!((3_599..=3_601).contains(&clock.wall().since(clock.now())));
        assert_eq!(clock.ahead_of_database(), Some(3_600));
    }
}
