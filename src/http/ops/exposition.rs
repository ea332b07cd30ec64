//! Owns how metrics are written for Prometheus. Knows none of them.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;

use crate::base::metrics::{BOUNDS, Distribution};

/// A page of metrics. A family is written once, with all its series; without any only its name and type are.
pub(super) struct Page<'a>(pub(super) DescriptorEncoder<'a>);

/// Names and values.
type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

/// Writes metrics in this order: of each the kind, the name and the meaning; behind the colon its value or its series.
macro_rules! metrics {
    ($page:ident { $($kind:ident $name:literal $help:literal: $value:expr;)* }) => {{
        $($page.$kind($name, $help, $value)?;)*
        Ok(())
    }};
}
pub(super) use metrics;

/// A series for each value of one label.
pub(super) fn labelled<'a, V>(
    label: &'static str,
    values: impl IntoIterator<Item = (&'a str, V)>,
) -> impl Iterator<Item = (Labels<'a, 1>, V)> {
    let values = values.into_iter();
    values.map(move |(name, value)| ([(label, name)], value))
}

impl Page<'_> {
    /// What happened, once for each of `series`. The name is written with `_total`.
    pub(super) fn counters<'a, const N: usize, V: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'a, N>, V)>,
    ) -> fmt::Result {
        let write = |mut metric: MetricEncoder<'_>, value: V| {
            metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
        };
        self.family(name, help, MetricType::Counter, series, write)
    }

    /// What is.
    pub(super) fn gauges<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'a, N>, f64)>,
    ) -> fmt::Result {
        let write = |mut metric: MetricEncoder<'_>, value: f64| metric.encode_gauge(&value);
        self.family(name, help, MetricType::Gauge, series, write)
    }

    /// How long it took.
    pub(super) fn histograms<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'a, N>, Distribution)>,
    ) -> fmt::Result {
        let write = |mut metric: MetricEncoder<'_>, value: Distribution| {
            let ends = BOUNDS.into_iter().map(seconds).chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = ends.zip(value.buckets).collect();
            let sum = seconds(value.micros);
            metric.encode_histogram::<NoLabelSet>(sum, value.count(), &buckets, None)
        };
        self.family(name, help, MetricType::Histogram, series, write)
    }

    /// One of the first.
    pub(super) fn counter(
        &mut self,
        name: &str,
        help: &str,
        value: impl EncodeCounterValue,
    ) -> fmt::Result {
        self.counters(name, help, [([], value)])
    }

    /// One of the second, where there is a value.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: impl Into<Option<f64>>,
    ) -> fmt::Result {
        self.gauges(name, help, value.into().map(|value| ([], value)))
    }

    fn family<'a, const N: usize, V>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        series: impl IntoIterator<Item = (Labels<'a, N>, V)>,
        write: impl Fn(MetricEncoder<'_>, V) -> fmt::Result,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, kind)?;
        let mut series = series.into_iter();
        if N == 0 {
            return series
                .next()
                .map_or(Ok(()), |(_, value)| write(metric, value));
        }
        for (labels, value) in series {
            write(metric.encode_family(&labels)?, value)?;
        }
        Ok(())
    }
}

/// Microseconds as Prometheus wants them.
#[expect(
    clippy::cast_precision_loss,
    reason = "a sum of years is told to the microsecond"
)]
pub(super) fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
