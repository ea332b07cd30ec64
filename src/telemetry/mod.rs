//! Owns the log: where it goes and what it looks like. What is logged is decided where it happens;
//! no secret, token or Authorization header ever reaches here.

mod json_line;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogConfig, LogFormat};
use json_line::JsonLine;

/// What one write to stderr takes at most. Under load many lines go out by one system call.
const BUFFER: usize = 64 * 1024;

/// How long lines gather before they are written: nobody reads a log faster.
const GATHER: Duration = Duration::from_millis(5);

/// How often dropped lines are reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// The log of a running service. Lines are written by a thread of its own, so that neither a slow reader nor a
/// full disk delays an answer; dropping this writes those that wait.
#[derive(Debug)]
pub struct Log {
    dropped: ErrorCounter,
    _writer: WorkerGuard,
}

/// Starts logging to stderr: stdout is for what commands print.
pub fn start(config: &LogConfig) -> anyhow::Result<Log> {
    let (lines, writer) = NonBlockingBuilder::default()
        .buffered_lines_limit(config.queue)
        .thread_name("log")
        .finish(InBatches(BufWriter::with_capacity(BUFFER, io::stderr())));
    let log = Log {
        dropped: lines.error_counter(),
        _writer: writer,
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

impl Log {
    /// Says every now and then how many lines were lost because they came faster than they could be written.
    pub fn report_dropped(&self, stop: CancellationToken) -> impl Future<Output = ()> + use<> {
        let dropped = self.dropped.clone();
        async move {
            let mut reported = 0;
            let pause = || stop.run_until_cancelled(tokio::time::sleep(REPORT_INTERVAL));
            while pause().await.is_some() {
                let lines = dropped.dropped_lines();
                if lines > reported {
                    tracing::warn!(lines, "{} log lines were dropped", lines - reported);
                    reported = lines;
                }
            }
        }
    }
}

/// Rests after each flush, so that lines gather meanwhile. Else the writing thread, woken by each single line,
/// would take a quarter of the time of a request.
struct InBatches<W>(W);

impl<W: Write> Write for InBatches<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.0.flush();
        std::thread::sleep(GATHER);
        flushed
    }
}
