//! The settings of traces, under the names that every OpenTelemetry SDK has for them
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;

use super::reader::{Reader, inside};
use crate::base::secret::Secret;

/// Where traces are sent, and which.
#[derive(Clone, Debug)]
pub struct TracesConfig {
    /// The collector's URL for traces, whole.
    pub endpoint: Url,
    /// Headers of each request to it.
    pub headers: Vec<(String, Secret<String>)>,
    /// For one request to it.
    pub timeout: Duration,
    /// Authorities, PEM, that are trusted there beside the system's.
    pub certificate: Option<PathBuf>,
    /// What this service says of itself.
    pub resource: Vec<(String, String)>,
    /// Which traces are recorded.
    pub sampler: TraceSampler,
    /// How long spans gather before they are sent.
    pub schedule_delay: Duration,
    /// Spans that may wait.
    pub max_queue: usize,
    /// Spans in one request.
    pub max_batch: usize,
}

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceSampler {
    /// Whether the caller decides, when it sends a trace with its request.
    pub parent_based: bool,
    /// The share of those that are decided here.
    pub ratio: f64,
}

impl TracesConfig {
    /// `None` when no collector is named, or traces are turned off.
    pub(super) fn read(read: &mut Reader<'_>) -> Option<Self> {
        let mark = read.errors.len();
        let disabled = read.flag("OTEL_SDK_DISABLED");
        let exported = read.checked(
            "OTEL_TRACES_EXPORTER",
            "`otlp` or `none`",
            "otlp",
            one_of(&["otlp", "none"]),
        );
        // Of this protocol alone; another one would be spoken to a collector that does not understand.
        let protocols = one_of(&["http/protobuf"]);
        signal(
            read,
            "PROTOCOL",
            "`http/protobuf`",
            Some("http/protobuf"),
            protocols,
        );
        signal(
            read,
            "COMPRESSION",
            "`none`",
            Some("none"),
            one_of(&["none"]),
        );
        let endpoint = read_endpoint(read);
        let headers = read_headers(read);
        let timeout = signal(read, "TIMEOUT", "milliseconds", Some("10000"), milliseconds);
        let certificate = signal(read, "CERTIFICATE", "a path", None, |text| {
            text.parse::<PathBuf>()
        });
        let resource = read_resource(read);
        let sampler = read_sampler(read);
        let millis = "milliseconds";
        let schedule_delay = read.checked("OTEL_BSP_SCHEDULE_DELAY", millis, "5000", milliseconds);
        let max_queue = read.within("OTEL_BSP_MAX_QUEUE_SIZE", 1..=1_000_000, "2048");
        let max_batch = read.within("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1..=1_000_000, "512");
        let is_named = [
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        ]
        .iter()
        .any(|name| read.is_set(name));
        if disabled || exported == "none" || !is_named {
            // They may be set for all that runs on a machine.
            read.tolerate_since(mark, "has no effect, because the server sends no traces");
            return None;
        }
        Some(Self {
            endpoint: endpoint?,
            headers,
            timeout: timeout.unwrap_or_default(),
            certificate,
            resource,
            sampler,
            schedule_delay,
            max_queue,
            max_batch: max_batch.min(max_queue),
        })
    }
}

/// A setting of the exporter: that of traces, else that of all signals.
fn signal<T, E: Display>(
    read: &mut Reader<'_>,
    name: &str,
    expected: &str,
    default: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    let all = read.optional_checked(&format!("OTEL_EXPORTER_OTLP_{name}"), expected, &parse);
    let own = read.optional_checked(
        &format!("OTEL_EXPORTER_OTLP_TRACES_{name}"),
        expected,
        &parse,
    );
    own.or(all).or_else(|| parse(default?).ok())
}

/// That of all signals is a folder, that of traces is the URL itself.
fn read_endpoint(read: &mut Reader<'_>) -> Option<Url> {
    let expected = "an http:// or https:// URL";
    let all = read.optional_checked("OTEL_EXPORTER_OTLP_ENDPOINT", expected, |text| {
        endpoint(&format!("{}/v1/traces", text.trim_end_matches('/')))
    });
    let own = read.optional_checked("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", expected, endpoint);
    own.or(all)
}

fn endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if ["http", "https"].contains(&url.scheme()) && url.host().is_some() {
        Ok(url)
    } else {
        Err("it has another scheme".to_owned())
    }
}

/// They may hold a password, so that neither they nor what is wrong with them is repeated.
fn read_headers(read: &mut Reader<'_>) -> Vec<(String, Secret<String>)> {
    let names = [
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    ];
    let [all, own] = names.map(|name| {
        let secret = read.secret(name)?;
        match pairs(secret.expose()) {
            Ok(pairs) => Some(pairs),
            Err(_) => read.refuse_none(name, "expected name=value pairs, separated by commas"),
        }
    });
    let pairs = own.or(all).unwrap_or_default().into_iter();
    pairs
        .map(|(name, value)| (name, Secret::new(value)))
        .collect()
}

fn read_resource(read: &mut Reader<'_>) -> Vec<(String, String)> {
    let expected = "name=value pairs, separated by commas";
    let mut resource = read.checked("OTEL_RESOURCE_ATTRIBUTES", expected, "", pairs);
    let whole = |text: &str| Ok::<_, String>(text.to_owned());
    let name = read.optional_checked("OTEL_SERVICE_NAME", "a name", whole);
    let is_named = resource.iter().any(|(name, _)| name == "service.name");
    if let Some(name) = name.or((!is_named).then(|| "token-server".to_owned())) {
        resource.retain(|(name, _)| name != "service.name");
        resource.push(("service.name".to_owned(), name));
    }
    resource
}

fn read_sampler(read: &mut Reader<'_>) -> TraceSampler {
    let names = [
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ];
    let expected =
        "`always_on`, `always_off` or `traceidratio`, each also with `parentbased_` before it";
    let name = read.checked(
        "OTEL_TRACES_SAMPLER",
        expected,
        "parentbased_always_on",
        one_of(&names),
    );
    let ratio = read.checked(
        "OTEL_TRACES_SAMPLER_ARG",
        "a number from 0 to 1",
        "1",
        |text| {
            let ratio = text.parse::<f64>().map_err(|error| error.to_string())?;
            inside(&(0.0..=1.0), ratio)
        },
    );
    let own = name.strip_prefix("parentbased_");
    TraceSampler {
        parent_based: own.is_some(),
        ratio: match own.unwrap_or(name) {
            "always_on" => 1.0,
            "always_off" => 0.0,
            _ => ratio,
        },
    }
}

fn one_of(words: &[&'static str]) -> impl Fn(&str) -> Result<&'static str, String> {
    let words = words.to_vec();
    move |text| {
        let found = words.iter().find(|word| **word == text);
        found
            .copied()
            .ok_or_else(|| "it is not one of them".to_owned())
    }
}

/// At most an hour: what is longer was most likely meant otherwise.
fn milliseconds(text: &str) -> Result<Duration, String> {
    let millis = text.parse().map_err(|_| "there is no number".to_owned())?;
    inside(&(1..=3_600_000), millis).map(Duration::from_millis)
}

/// `name=value,name=value`, values percent-encoded, as W3C Baggage writes them.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or("there is no `=`")?;
            let value = percent_decode_str(value.trim()).decode_utf8();
            let value = value.map_err(|_| "a value is not UTF-8")?;
            if name.trim().is_empty() {
                return Err("a name is missing".to_owned());
            }
            Ok((name.trim().to_owned(), value.into_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_written_as_in_baggage() {
        let own = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect::<Vec<_>>()
        };

        assert_eq!(
            pairs("a=1, b = x%20y ,c=k=v,"),
            Ok(own(&[("a", "1"), ("b", "x y"), ("c", "k=v")]))
        );
        assert_eq!(pairs(""), Ok(Vec::new()));
        for bad in ["a", "=1", "a=%FF"] {
            assert!(pairs(bad).is_err(), "{bad}");
        }
    }
}
