//! Owns the log: where it goes and what it looks like. What is logged is decided where it happens;
//! no secret, token or Authorization header ever reaches here.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::config::{LogConfig, LogFormat};

/// Starts logging to stderr: stdout is for what commands print.
pub fn start(config: &LogConfig) -> anyhow::Result<()> {
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter(&config.filter)?)
        // A log that cannot be written is reported to stderr, which panics when that is what is gone: the
        // service would stop working because nobody reads its log.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let terminal = std::io::stderr().is_terminal();
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let started = if json {
        log.json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init()
    } else {
        log.with_ansi(terminal).with_target(false).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}

/// Parses a filter such as `info` or `token_server=debug,warn`.
pub fn filter(text: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(text)
}
