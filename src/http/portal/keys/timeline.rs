//! Owns how the lives of signing keys are drawn beside one another on one line of time.

use crate::app::KeyStatus;
use crate::base::clock::UnixTime;
use crate::domain::SigningAlg;

/// The width of a line.
const WIDTH: i64 = 1_000;

/// The life of a key.
pub(in crate::http::portal) struct KeyLine {
    /// The beginning of its name.
    pub(in crate::http::portal) name: String,
    pub(in crate::http::portal) alg: SigningAlg,
    pub(in crate::http::portal) parts: Vec<Part>,
    /// Where now is.
    pub(in crate::http::portal) now: i64,
    /// The same in words.
    pub(in crate::http::portal) sentence: String,
}

/// A part of it.
pub(in crate::http::portal) struct Part {
    /// A class of the style.
    pub(in crate::http::portal) kind: &'static str,
    pub(in crate::http::portal) x: i64,
    pub(in crate::http::portal) width: i64,
}

/// All of them, from the first that was made until the last has ended.
pub(in crate::http::portal) fn draw(keys: &[KeyStatus], now: UnixTime) -> Vec<KeyLine> {
    let first = keys.iter().map(|key| key.created_at).min().unwrap_or(now);
    let ends = keys.iter().filter_map(|key| key.verifies_until);
    let last = ends.chain([now]).max().unwrap_or(now);
    let all = last.since(first).max(1);
    // A line that ends at its edge would look cut off.
    let scale = |at: UnixTime| (at.since(first).clamp(0, all) * (WIDTH - 20)) / all;
    let line = |key: &KeyStatus| {
        let spans = spans(key, now);
        let part = |(kind, from, until): &(&'static str, UnixTime, UnixTime)| Part {
            kind,
            x: scale(*from),
            width: (scale(*until) - scale(*from)).max(3),
        };
        let words = |(kind, from, until): &(&str, UnixTime, UnixTime)| {
            format!("{kind} from {from} until {until}")
        };
        let told: Vec<String> = spans.iter().map(words).collect();
        KeyLine {
            name: key.kid.as_str().chars().take(8).collect(),
            alg: key.alg,
            parts: spans.iter().map(part).collect(),
            now: scale(now),
            sentence: format!("{}: {}", key.kid, told.join(", ")),
        }
    };
    keys.iter().map(line).collect()
}

fn spans(key: &KeyStatus, now: UnixTime) -> Vec<(&'static str, UnixTime, UnixTime)> {
    let made = key.created_at;
    match (key.activated_at, key.retired_at, key.verifies_until) {
        // When it began to sign is not kept then.
        (_, Some(retired), Some(end)) => {
            vec![("signs", made, retired), ("verifies", retired, end)]
        }
        (Some(active), _, _) => vec![("published", made, active), ("signs", active, now)],
        (None, _, _) => vec![("published", made, now)],
    }
}
