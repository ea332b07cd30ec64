//! Owns the log: where it goes and what it looks like. What is logged is decided where it happens;
//! no secret, token or Authorization header ever reaches here.

mod json_line;
mod lines;

use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogConfig, LogFormat};
use json_line::JsonLine;
use lines::{Lines, Writing};

/// How often dropped lines are reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// The log of a running service. Lines are written by a thread of its own, so that neither a slow reader nor a
/// full disk delays an answer; dropping this writes those that wait.
#[derive(Debug)]
pub struct Log {
    lines: Lines,
    _writing: Writing,
}

/// Starts logging to stderr: stdout is for what commands print.
pub fn start(config: &LogConfig) -> anyhow::Result<Log> {
    let lines = Lines::new(config.queue);
    let log = Log {
        lines: lines.clone(),
        _writing: lines.write_to(io::stderr())?,
    };
    let terminal = io::stderr().is_terminal();
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let filter = filter(&config.filter)?;
    let started = if json {
        tracing::subscriber::set_global_default(json_lines(filter, lines))
    } else {
        let text = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .log_internal_errors(false)
            .with_writer(lines)
            .with_ansi(terminal)
            .with_target(false);
        tracing::subscriber::set_global_default(text.finish())
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))?;
    Ok(log)
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

/// Parses a filter such as `info` or `token_server=debug,warn`.
pub fn filter(text: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(text)
}

/// How many lines were lost because they came faster than they could be written; by default those of no log.
#[derive(Clone, Debug, Default)]
pub struct DroppedLines(Option<Lines>);

impl DroppedLines {
    /// So many by now.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Lines::dropped)
    }
}

impl Log {
    /// How many lines are lost.
    pub fn dropped(&self) -> DroppedLines {
        DroppedLines(Some(self.lines.clone()))
    }

    /// Says every now and then how many lines were lost because they came faster than they could be written.
    pub fn report_dropped(&self, stop: CancellationToken) -> impl Future<Output = ()> + use<> {
        let lines = self.lines.clone();
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
