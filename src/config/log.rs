//! Owns the settings of the log.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use super::reader::Reader;
use crate::base::units::LogFormat;

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// A filter as `tracing` writes it.
    pub filter: String,
    /// Text or JSON.
    pub format: LogFormat,
    /// Lines that may wait to be written.
    pub queue: usize,
}

impl LogConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        Self {
            filter: read.checked("LOG", "a tracing filter such as `info`", "info", |text| {
                filter(text).map(|_| text.to_owned())
            }),
            format: read.parsed("LOG_FORMAT", "`auto`, `text` or `json`", "auto"),
            queue: read.within("LOG_QUEUE", 1..=1_000_000, "16384"),
        }
    }
}

/// Parses a filter such as `info` or `token_server=debug,warn`.
pub fn filter(text: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(text)
}
