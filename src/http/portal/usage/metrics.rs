//! Owns the numbers above the charts: the last 24 hours, how they changed, and how long answers take.

use crate::base::metrics::{BOUNDS, Distribution};
use crate::domain::{UsageCounts, UsageIn};
use crate::http::AppState;
use crate::http::portal::page::Grouped;

const DAY: usize = 24;

/// A number, and how it changed.
pub(super) struct Metric {
    pub(super) label: &'static str,
    pub(super) value: String,
    /// Against the day before, by full hours; empty: that day had nothing to compare with.
    pub(super) change: String,
}

/// The metrics of the last 24 hours. Their changes are of full hours: the hour that is not over yet would be compared with
/// a whole one.
pub(super) fn metrics(hours: &[UsageIn]) -> [Metric; 4] {
    let last_day = |hours: &[UsageIn]| sum(&hours[hours.len().saturating_sub(DAY)..]);
    let full = &hours[..hours.len().saturating_sub(1)];
    let earlier = &full[..full.len().saturating_sub(DAY)];
    let (now, day, before) = (last_day(hours), last_day(full), last_day(earlier));
    let count = |label, count: fn(UsageCounts) -> u64| Metric {
        label,
        value: Grouped(count(now)).to_string(),
        change: change(count(day), count(before)),
    };
    [
        count("Issued", |it| it.issued),
        count("Verified", |it| it.verified),
        count("Refused", |it| it.refused),
        Metric {
            label: "Error rate",
            value: tenths(now).map_or_else(|| "none".to_owned(), |rate| decimal(rate) + " %"),
            change: change_of_rate(day, before),
        },
    ]
}

fn sum(hours: &[UsageIn]) -> UsageCounts {
    let mut sum = UsageCounts::default();
    for hour in hours {
        sum.add(hour.counts);
    }
    sum
}

/// The sums of every 24 hours, for a table that is not too long.
pub(super) fn by_day(hours: &[UsageIn]) -> Vec<UsageIn> {
    let day = |day: &[UsageIn]| UsageIn {
        start: day[0].start,
        counts: sum(day),
    };
    hours.chunks(DAY).map(day).collect()
}

/// By how many percent a count changed.
fn change(now: u64, before: u64) -> String {
    if before == 0 {
        return String::new();
    }
    let percent = (i128::from(now) - i128::from(before)) * 100 / i128::from(before);
    match percent {
        0 => "no change".to_owned(),
        percent => format!("{percent:+} %"),
    }
}

/// By how many percentage points the error rate changed.
fn change_of_rate(now: UsageCounts, before: UsageCounts) -> String {
    match tenths(now).zip(tenths(before)) {
        Some((rate, earlier)) if rate == earlier => "no change".to_owned(),
        Some((rate, earlier)) => {
            let sign = if rate > earlier { '+' } else { '-' };
            format!("{sign}{} points", decimal(rate.abs_diff(earlier)))
        }
        None => String::new(),
    }
}

/// Refused requests of all, in tenths of a percent.
fn tenths(counts: UsageCounts) -> Option<u64> {
    let all = u128::from(counts.issued) + u128::from(counts.refused);
    let rate = (u128::from(counts.refused) * 1_000).checked_div(all)?;
    u64::try_from(rate).ok()
}

fn decimal(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// How long a route of this replica takes to answer.
pub(super) struct Latency {
    pub(super) label: &'static str,
    pub(super) p50: String,
    pub(super) p99: String,
    pub(super) requests: u64,
}

/// The latencies of this replica since it was started, of the routes that were asked.
pub(super) fn latencies(app: &AppState) -> Vec<Latency> {
    let routes = app.traffic().routes();
    let of = |label, paths: &[&str]| {
        let mut sum = Distribution::default();
        for route in routes.iter().filter(|it| paths.contains(&it.path())) {
            let read = route.read().latency;
            for (bucket, count) in sum.buckets.iter_mut().zip(read.buckets) {
                *bucket += count;
            }
        }
        let requests = sum.count();
        (requests > 0).then(|| Latency {
            label,
            p50: bound(&sum, 50),
            p99: bound(&sum, 99),
            requests,
        })
    };
    let issue = of("Issue", &["/authorize", "/token"]);
    let verify = of("Verify", &["/verify"]);
    [issue, verify].into_iter().flatten().collect()
}

/// A time within which so many percent of the answers came: the end of the bucket that has the last of them.
fn bound(latency: &Distribution, percent: u64) -> String {
    let needed = (latency.count() * percent).div_ceil(100);
    let mut seen = 0;
    let bucket = latency.buckets.iter().position(|count| {
        seen += count;
        seen >= needed
    });
    let end = bucket.and_then(|bucket| BOUNDS.get(bucket));
    end.map_or_else(
        || format!("more than {}", duration(BOUNDS[BOUNDS.len() - 1])),
        |micros| format!("at most {}", duration(*micros)),
    )
}

fn duration(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10),
        1_000..1_000_000 if !micros.is_multiple_of(1_000) => {
            format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
        }
        1_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{} s", micros / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::UnixTime;

    fn hours(counts: &[(u64, u64)]) -> Vec<UsageIn> {
        let hour = |(n, (issued, refused)): (usize, &(u64, u64))| UsageIn {
            start: UnixTime(i64::try_from(n).unwrap() * 3_600),
            counts: UsageCounts {
                issued: *issued,
                refused: *refused,
                verified: 0,
            },
        };
        counts.iter().enumerate().map(hour).collect()
    }

    #[test]
    fn a_day_is_compared_with_the_day_before_without_the_hour_that_is_not_over() {
        let mut counts = vec![(1_000, 1_000)];
        counts.extend([(10, 0); 24]);
        counts.extend([(15, 5); 24]);
        counts.push((999, 999));

        let [issued, verified, refused, rate] = metrics(&hours(&counts));

        let shown = |metric: Metric| (metric.value, metric.change);
        let pair = |value: &str, change: &str| (value.to_owned(), change.to_owned());
        assert_eq!(shown(issued), pair("1\u{a0}344", "+50 %"));
        assert_eq!(shown(verified), pair("0", ""));
        assert_eq!(shown(refused), pair("1\u{a0}114", ""));
        assert_eq!(shown(rate), pair("45.3 %", "+25.0 points"));
    }

    #[test]
    fn without_requests_there_is_no_rate() {
        let [.., rate] = metrics(&hours(&[(0, 0); 720]));

        assert_eq!((rate.value.as_str(), rate.change.as_str()), ("none", ""));
        assert_eq!(metrics(&[]).len(), 4);
    }

    #[test]
    fn a_latency_is_the_end_of_its_bucket() {
        let mut latency = Distribution::default();
        latency.buckets[0] = 98;
        latency.buckets[4] = 1;
        latency.buckets[12] = 1;

        assert_eq!(bound(&latency, 50), "at most 0.05 ms");
        assert_eq!(bound(&latency, 99), "at most 2.5 ms");
        assert_eq!(bound(&latency, 100), "more than 5 s");
        let ends: Vec<String> = BOUNDS.into_iter().map(duration).collect();
        assert_eq!(ends[1..6], ["0.10 ms", "0.25 ms", "1 ms", "2.5 ms", "5 ms"]);
    }
}
