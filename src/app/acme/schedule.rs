//! Owns when a certificate is ordered: in good time before the old one ends, and ever later after failures. Pure.

use crate::base::clock::UnixTime;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Below that a certificate is short-lived, and renewed when half of its life is over; others at two thirds.
const SHORT_LIVED: i64 = 10 * DAY;

/// A certificate that came is not renewed at once, whatever its dates say.
const LEAST: i64 = MINUTE;

/// Five tries in the first hour: authorities allow about as many failures of one name.
const FIRST_WAIT: i64 = 2 * MINUTE;
const LONGEST_WAIT: i64 = 6 * HOUR;

/// An authority that wants to be left alone for longer is asked again nevertheless.
const LONGEST_ASKED: i64 = 3 * DAY;

/// Nobody is to order while somebody does; longer than that takes, [`ORDER_TIMEOUT`].
pub(super) const LEASE: i64 = 10 * MINUTE;

/// For one order, all in all, in seconds.
pub(super) const ORDER_TIMEOUT: u64 = 5 * 60;

/// So long a certificate is kept after its end.
pub(super) const KEPT_AFTER_END: i64 = 30 * DAY;

/// When to renew a certificate that came now. `random` from 0 to 1 spreads them: an authority is not to hear of all that
/// it issued at once at the same moment again.
pub(super) fn renewal(
    now: UnixTime,
    not_before: UnixTime,
    not_after: UnixTime,
    random: f64,
) -> UnixTime {
    let life = not_after.since(not_before).max(0);
    let at = if life < SHORT_LIVED {
        life / 2
    } else {
        life / 3 * 2
    };
    let earlier = share(life / 20, random);
    not_before.plus(at - earlier).max(now.plus(LEAST))
}

/// For how long to wait after so many failures, in seconds.
pub(super) fn wait(failures: i64, retry_after: Option<i64>, random: f64) -> i64 {
    let doublings = u32::try_from(failures.clamp(1, 16) - 1).unwrap_or(0);
    let wait = (FIRST_WAIT << doublings).min(LONGEST_WAIT);
    let asked = retry_after.unwrap_or(0).clamp(0, LONGEST_ASKED);
    wait.max(asked) + share(wait / 5, random)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a part of a span of years, to the second"
)]
fn share(span: i64, random: f64) -> i64 {
    (span as f64 * random.clamp(0.0, 1.0)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    /// After how many days one that lives for so many is renewed.
    fn days(life: i64, random: f64) -> i64 {
        renewal(NOW, NOW, NOW.plus(life * DAY), random).since(NOW) / DAY
    }

    #[test]
    fn a_certificate_is_renewed_at_two_thirds_of_its_life_and_a_short_one_at_half() {
        assert_eq!((days(90, 0.0), days(90, 1.0)), (60, 55));
        assert_eq!(days(6, 0.0), 3);
    }

    #[test]
    fn one_that_is_over_already_does_not_make_a_loop() {
        let renewal = renewal(NOW, NOW.plus(-90 * DAY), NOW.plus(-1), 0.5);
        assert_eq!(renewal, NOW.plus(LEAST));
    }

    #[test]
    fn the_waits_grow_and_end_at_six_hours() {
        let waits: Vec<i64> = (1..=9).map(|failures| wait(failures, None, 0.0)).collect();
        assert_eq!(
            waits,
            [120, 240, 480, 960, 1_920, 3_840, 7_680, 15_360, 21_600]
        );
        assert_eq!(wait(i64::MAX, None, 1.0), 21_600 + 4_320);
    }

    #[test]
    fn what_the_authority_asks_for_is_heeded_within_reason() {
        assert_eq!(wait(1, Some(3_600), 0.0), 3_600);
        assert_eq!(wait(1, Some(5), 0.0), 120);
        assert_eq!(wait(1, Some(i64::MAX), 0.0), LONGEST_ASKED);
        assert_eq!(wait(1, Some(-5), 0.0), 120);
    }
}
