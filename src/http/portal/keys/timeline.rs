//! Owns how the lives of signing keys are drawn below one another on one axis of time: what was, and what is planned.

use crate::app::KeyStatus;
use crate::base::clock::UnixTime;
use crate::domain::SigningAlg;

/// The width of a line.
const WIDTH: i64 = 1_000;

/// Labels of the axis.
const TICKS: i64 = 5;

const DAY: i64 = 86_400;

/// All keys on one axis.
pub(super) struct Timeline {
    pub(super) lines: Vec<KeyLine>,
    /// Where now is.
    pub(super) now: i64,
    /// Where the axis has labels, and the labels.
    pub(super) ticks: Vec<(i64, String)>,
}

/// The life of a key.
pub(super) struct KeyLine {
    /// The beginning of its name.
    pub(super) name: String,
    pub(super) alg: SigningAlg,
    pub(super) parts: Vec<Part>,
    /// The same in words.
    pub(super) sentence: String,
}

/// A part of it.
pub(super) struct Part {
    /// A class of the style.
    pub(super) kind: &'static str,
    pub(super) is_planned: bool,
    pub(super) x: i64,
    pub(super) width: i64,
    pub(super) sentence: String,
}

struct Span {
    kind: &'static str,
    from: UnixTime,
    until: UnixTime,
}

/// All keys, from the first that was made until the last has ended. The active key is replaced by the next one at
/// `rotation_due`, if that is known.
pub(super) fn draw(keys: &[KeyStatus], now: UnixTime, rotation_due: Option<UnixTime>) -> Timeline {
    let due = rotation_due.filter(|due| *due > now);
    let lives: Vec<Vec<Span>> = keys.iter().map(|key| spans(key, now, due)).collect();
    let all = || lives.iter().flatten();
    let first = all().map(|span| span.from).min().unwrap_or(now);
    let last = all().map(|span| span.until).chain([now]).max();
    let length = last.unwrap_or(now).since(first).max(1);
    let scale = |at: UnixTime| (at.since(first).clamp(0, length) * WIDTH) / length;
    let part = |span: &Span| Part {
        kind: span.kind,
        is_planned: span.from >= now,
        x: scale(span.from),
        width: (scale(span.until) - scale(span.from)).max(3),
        sentence: words(span),
    };
    let line = |(key, spans): (&KeyStatus, &Vec<Span>)| KeyLine {
        name: key.kid.as_str().chars().take(8).collect(),
        alg: key.alg,
        parts: spans.iter().map(part).collect(),
        sentence: {
            let told: Vec<String> = spans.iter().map(words).collect();
            format!("{}: {}", key.kid, told.join(", "))
        },
    };
    let tick = |n: i64| {
        let at = first.plus(length * n / (TICKS - 1));
        (scale(at), label(at, length))
    };
    Timeline {
        lines: keys.iter().zip(&lives).map(line).collect(),
        now: scale(now),
        ticks: (0..TICKS).map(tick).collect(),
    }
}

fn words(span: &Span) -> String {
    format!("{} from {} until {}", span.kind, span.from, span.until)
}

/// A day; the time too where the whole axis is short.
fn label(at: UnixTime, length: i64) -> String {
    let text = at.to_string();
    let end = if length < TICKS * DAY { 16 } else { 10 };
    text.get(..end).unwrap_or(&text).replace('T', " ")
}

fn spans(key: &KeyStatus, now: UnixTime, due: Option<UnixTime>) -> Vec<Span> {
    let made = key.created_at;
    let span = |kind, from, until| Span { kind, from, until };
    match (key.activated_at, key.retired_at, key.verifies_until) {
        // When it began to sign is not kept then.
        (_, Some(retired), Some(end)) => vec![
            span("signs", made, retired),
            span("verifies", retired, end.min(now).max(retired)),
            span("verifies", now.max(retired), end),
        ],
        (Some(active), _, _) => {
            let mut life = vec![span("published", made, active), span("signs", active, now)];
            life.extend(due.map(|due| span("signs", now, due)));
            life
        }
        (None, _, _) => {
            let mut life = vec![span("published", made, now)];
            life.extend(due.map(|due| span("published", now, due)));
            life
        }
    }
    .into_iter()
    .filter(|span| span.until > span.from || span.from == now)
    .collect()
}
