//! Owns the log and the traces: where they go and what they look like. What is said is decided where it happens;
//! what has the form of a secret or token nevertheless is hidden here.

mod collector;
mod event_format;
mod log_writer;
mod traces;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::Subscriber;
use tracing_subscriber::fmt::{self, MakeWriter, format};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

pub use collector::ExportStatus;
pub use traces::Traces;

use crate::config::{LogConfig, LogFormat, TracesConfig, log_filter};
use event_format::{JsonLine, Redacted};
use log_writer::{Lines, Writing};

/// How often dropped lines are reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// The log of a running service. Lines are written by a thread of its own, so that neither a slow reader nor a
/// full disk delays an answer; dropping this writes those that wait.
#[derive(Debug)]
pub struct Log {
    lines: Arc<Lines>,
    traces: Option<Traces>,
    _writing: Writing,
}

/// Starts logging to stderr (stdout is for what commands print), and recording traces if they are wanted.
pub fn start(config: &LogConfig, traces: Option<&TracesConfig>) -> anyhow::Result<Log> {
    let lines = Lines::new(config.queue);
    let log = Log {
        lines: Arc::clone(&lines),
        traces: traces.map(Traces::start).transpose()?,
        _writing: lines.write_to(io::stderr())?,
    };
    let terminal = io::stderr().is_terminal();
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let filter = log_filter(&config.filter)?;
    let text = Redacted(format().with_ansi(terminal).with_target(false));
    match (&log.traces, json) {
        (None, true) => set(json_lines(filter, lines)),
        (Some(traces), true) => set(traced_json_lines(filter, lines, traces)),
        (None, false) => {
            let text = tracing_subscriber::fmt()
                .with_env_filter(filter)
                .log_internal_errors(false)
                .with_writer(lines)
                .with_ansi(terminal)
                .event_format(text);
            set(text.finish())
        }
        (Some(traces), false) => {
            let text = fmt::layer()
                .log_internal_errors(false)
                .with_writer(lines)
                .with_ansi(terminal)
                .event_format(text);
            let text = text.with_filter(filter);
            set(tracing_subscriber::registry()
                .with(text)
                .with(traces.layer()))
        }
    }?;
    Ok(log)
}

fn set(subscriber: impl Subscriber + Send + Sync) -> anyhow::Result<()> {
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}

/// A log of one JSON object a line.
pub fn json_lines<W>(filter: EnvFilter, lines: W) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        // It would be reported to stderr, which panics when that is what is gone.
        .log_internal_errors(false)
        .with_writer(lines)
        .event_format(JsonLine)
        .finish()
}

/// A log of one JSON object a line, with the traces beside it. The filter is for the log alone.
pub fn traced_json_lines<W>(
    filter: EnvFilter,
    lines: W,
    traces: &Traces,
) -> impl Subscriber + for<'a> LookupSpan<'a> + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let json = fmt::layer()
        .log_internal_errors(false)
        .with_writer(lines)
        .event_format(JsonLine);
    let json = json.with_filter(filter);
    tracing_subscriber::registry()
        .with(json)
        .with(traces.layer())
}

/// How many lines were lost because they came faster than they could be written; by default those of no log.
#[derive(Clone, Debug, Default)]
pub struct DroppedLines(Option<Arc<Lines>>);

impl DroppedLines {
    /// So many by now.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |lines| lines.dropped())
    }
}

impl Log {
    /// How many lines are lost.
    pub fn dropped(&self) -> DroppedLines {
        DroppedLines(Some(Arc::clone(&self.lines)))
    }

    /// What has become of the traces.
    pub fn exports(&self) -> ExportStatus {
        self.traces.as_ref().map(Traces::status).unwrap_or_default()
    }

    /// Sends the traces that wait, and no more.
    pub async fn stop_traces(self) {
        if let Some(traces) = self.traces {
            // It blocks; and should it panic, there is nothing more to send.
            let _ = tokio::task::spawn_blocking(move || traces.stop()).await;
        }
    }

    /// Says every now and then how many lines were lost because they came faster than they could be written.
    pub fn report_dropped(&self, stop: CancellationToken) -> impl Future<Output = ()> + use<> {
        let lines = Arc::clone(&self.lines);
        async move {
            let mut reported = 0;
            let pause = || stop.run_until_cancelled(tokio::time::sleep(REPORT_INTERVAL));
            while pause().await.is_some() {
                let dropped = lines.dropped();
                if dropped > reported {
                    let lost = dropped - reported;
                    tracing::warn!(lines = dropped, "{lost} log lines were dropped");
                    reported = dropped;
                }
            }
        }
    }
}
