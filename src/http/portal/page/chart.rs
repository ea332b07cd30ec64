//! Owns how counts over time are drawn: a shape that SVG takes, scaled to its highest value, and words for those who
//! do not see it.

use std::fmt::{self, Write};

use askama::Template;

use crate::base::clock::UnixTime;
use crate::domain::{UsageIn, UsageSpan};

/// The height of a drawing; its width is the number of its columns.
const HEIGHT: u64 = 100;

/// Columns beside one another, each as high as its value.
#[derive(Template)]
#[template(path = "page/chart.html")]
pub(in crate::http::portal) struct Chart {
    label: &'static str,
    /// A class of the style: the colour.
    kind: &'static str,
    /// Part of the IDs in the page.
    axis: &'static str,
    width: usize,
    path: String,
    /// The height of the drawing and half of it, as numbers that are read easily.
    top: String,
    middle: String,
    total: String,
    /// The times below its beginning, its middle and its end.
    times: [String; 3],
    /// For the script, which shows the value below the pointer: the first second, the seconds of a column, the values.
    start: i64,
    step: i64,
    values: String,
    /// What the drawing shows, in a sentence.
    sentence: String,
}

/// One chart for each count. Issued and refused share a scale: both are answers to the same requests.
pub(in crate::http::portal) fn charts(column: UsageSpan, spans: &[UsageIn]) -> [Chart; 3] {
    let values = |count: fn(&UsageIn) -> u64| spans.iter().map(count).collect::<Vec<u64>>();
    let issued = values(|it| it.counts.issued);
    let verified = values(|it| it.counts.verified);
    let refused = values(|it| it.counts.refused);
    let highest = issued.iter().chain(&refused).copied().max();
    let highest = highest.unwrap_or_default();
    let chart = |names, values, highest| Chart::new(names, column, spans, values, highest);
    [
        chart(("Issued", "issued"), &issued, highest),
        chart(("Verified", "verified"), &verified, 0),
        chart(("Refused", "refused"), &refused, highest),
    ]
}

impl Chart {
    /// A chart of `values`, with room for `highest`, which charts to be compared have in common.
    fn new(
        (label, kind): (&'static str, &'static str),
        column: UsageSpan,
        spans: &[UsageIn],
        values: &[u64],
        highest: u64,
    ) -> Self {
        let most = values.iter().copied().max().unwrap_or_default();
        let top = round_up(most.max(highest));
        let total: u64 = values.iter().sum();
        let start = |n: usize| spans.get(n).map_or(UnixTime(0), |it| it.start);
        let last = start(spans.len().saturating_sub(1));
        let all: Vec<String> = values.iter().map(u64::to_string).collect();
        // Nothing where half of the height is no whole number.
        let half = top.is_multiple_of(2).then(|| Grouped(top / 2).to_string());
        // Of minutes the axis has the time of day, of hours the day.
        let (axis, a_column, shown) = match column {
            UsageSpan::Minute => ("minutes", "a minute", 11..16),
            UsageSpan::Hour => ("hours", "an hour", 5..10),
        };
        let time = |at: UnixTime| {
            let text = at.to_string();
            text.get(shown.clone()).unwrap_or_default().to_owned()
        };
        Self {
            label,
            kind,
            axis,
            width: values.len(),
            path: path(values, top),
            top: Grouped(top).to_string(),
            middle: half.unwrap_or_default(),
            total: Grouped(total).to_string(),
            times: [start(0), start(spans.len() / 2), last].map(time),
            start: start(0).0,
            step: column.seconds(),
            values: all.join(","),
            sentence: format!(
                "{} in all, at most {} in {a_column}.",
                Grouped(total),
                Grouped(most)
            ),
        }
    }
}

/// The outline of all columns; nothing where all are empty.
fn path(values: &[u64], top: u64) -> String {
    let mut path = format!("M0 {HEIGHT}");
    for value in values {
        let height = scaled(*value, top);
        // A value that is there is seen, however small.
        let height = if *value > 0 { height.max(1) } else { 0 };
        // A text takes any number.
        let _ = write!(path, "V{}h1", HEIGHT - height);
    }
    path + "V100z"
}

fn scaled(value: u64, top: u64) -> u64 {
    u64::try_from(u128::from(value) * u128::from(HEIGHT) / u128::from(top.max(1))).unwrap_or(HEIGHT)
}

/// The next one of 1, 2, 5, 10, 20, 50, …
fn round_up(value: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for step in [1, 2, 5] {
            let rounded = power.saturating_mul(step);
            if rounded >= value {
                return rounded;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// A number with its thousands apart, by a space that does not break.
pub(in crate::http::portal) struct Grouped(pub(in crate::http::portal) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                f.write_char('\u{a0}')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_and_grouped_for_the_eye() {
        for (value, rounded) in [(0, 1), (1, 1), (3, 5), (10, 10), (11, 20), (501, 1_000)] {
            assert_eq!(round_up(value), rounded);
        }
        assert_eq!(round_up(u64::MAX), u64::MAX);
        assert_eq!(Grouped(1_234_567).to_string(), "1\u{a0}234\u{a0}567");
        assert_eq!(
            (Grouped(0).to_string(), Grouped(999).to_string()),
            ("0".into(), "999".into())
        );
    }

    #[test]
    fn a_shape_fits_into_its_frame_and_what_is_there_is_seen() {
        assert_eq!(path(&[0, 5, 10, 1], 10), "M0 100V100h1V50h1V0h1V90h1V100z");
        assert_eq!(path(&[1], 1_000_000), "M0 100V99h1V100z");
        assert_eq!(path(&[u64::MAX], u64::MAX), "M0 100V0h1V100z");
        assert_eq!(path(&[], 1), "M0 100V100z");
    }
}
