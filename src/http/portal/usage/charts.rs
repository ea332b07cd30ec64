//! Owns the charts of usage: what was issued, verified and refused over time.

use crate::domain::UsageIn;
use crate::http::portal::page::chart::{Axis, Chart, Series};

/// One chart for each count. Issued and refused share a scale: both are answers to the same requests.
pub(in crate::http::portal) fn charts(axis: Axis, spans: &[UsageIn]) -> [Chart; 3] {
    let values = |count: fn(&UsageIn) -> u64| spans.iter().map(count).collect::<Vec<u64>>();
    let issued = values(|it| it.counts.issued);
    let verified = values(|it| it.counts.verified);
    let refused = values(|it| it.counts.refused);
    let highest = issued.iter().chain(&refused).copied().max();
    let chart = |label, kind, values, highest| {
        let series = Series {
            label,
            kind,
            values,
        };
        Chart::new(axis, spans, series, highest)
    };
    let highest = highest.unwrap_or_default();
    [
        chart("Issued", "issued", &issued, highest),
        chart("Verified", "verified", &verified, 0),
        chart("Refused", "refused", &refused, highest),
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
