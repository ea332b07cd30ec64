//! Owns what several forms ask for: lifetimes to choose from, times and spans of time.

use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::config::parse_seconds;

/// A value of a form, and its label.
pub(in crate::http::portal) type Choice = (&'static str, &'static str);

/// When a new secret expires.
pub(in crate::http::portal) const LIFETIMES: &[Choice] = &[
    ("", "never"),
    ("30d", "in 30 days"),
    ("90d", "in 90 days"),
    ("180d", "in 180 days"),
    ("365d", "in 365 days"),
];

/// Not a span: a span is never zero.
pub(in crate::http::portal) const NOW: &str = "now";

/// When an old secret expires.
pub(in crate::http::portal) const SHORT_LIFETIMES: &[Choice] = &[
    (NOW, "now"),
    ("1h", "in 1 hour"),
    ("24h", "in 24 hours"),
    ("7d", "in 7 days"),
    ("30d", "in 30 days"),
    ("unused:1h", "1 hour after its last use"),
    ("unused:24h", "24 hours after its last use"),
    ("unused:7d", "7 days after its last use"),
    ("unused:never", "no idle expiry"),
];

/// Reads a lifetime that begins `now`; empty: it never ends.
pub(in crate::http::portal) fn read_lifetime(
    now: UnixTime,
    text: &str,
) -> Result<Option<UnixTime>> {
    match text {
        "" => Ok(None),
        span => Ok(Some(now.plus(read_span(span)?))),
    }
}

/// Reads a span such as `24h`, in seconds.
pub(in crate::http::portal) fn read_span(text: &str) -> Result<i64> {
    parse_seconds(text).map_err(Error::invalid_request)
}

/// Reads a time in UTC as browsers write it: `2026-07-01T12:00`.
pub(in crate::http::portal) fn read_time(text: &str) -> Result<UnixTime> {
    let has_seconds = text.len() != "2026-07-01T12:00".len();
    let seconds = if has_seconds { "" } else { ":00" };
    format!("{text}{seconds}Z")
        .parse()
        .map_err(|_| Error::invalid_request("expected a date and a time such as 2026-07-01T12:00"))
}
