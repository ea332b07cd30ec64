//! Owns the charts of usage: what was issued, verified and refused over time.

use crate::domain::UsageIn;
use crate::http::portal::page::chart::{Axis, Chart};

/// One chart for each count.
pub(in crate::http::portal) fn charts(axis: Axis, spans: &[UsageIn]) -> [Chart; 3] {
    let chart = |label, kind, count: fn(&UsageIn) -> u64| {
        let values: Vec<u64> = spans.iter().map(count).collect();
        Chart::new(label, kind, axis, &values)
    };
    [
        chart("Issued", "issued", |it| it.counts.issued),
        chart("Verified", "verified", |it| it.counts.verified),
        chart("Refused", "refused", |it| it.counts.refused),
    ]
}

/// The sums of every 24 hours, for a table that is not too long.
pub(in crate::http::portal) fn by_day(hours: &[UsageIn]) -> Vec<UsageIn> {
    let sum = |day: &[UsageIn]| {
        let mut sum = *day.first()?;
        for hour in &day[1..] {
            sum.counts.add(hour.counts);
        }
        Some(sum)
    };
    hours.chunks(24).filter_map(sum).collect()
}
