//! Owns that no line of the log holds a secret, whoever writes it: also a library, or an error that quotes one.

use std::fmt;

use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use crate::base::redact::{REDACTED_TARGET, redact_string};

/// Whether the texts of an event were redacted where they were made.
pub(super) fn is_redacted_already(metadata: &Metadata<'_>) -> bool {
    metadata.target() == REDACTED_TARGET
}

/// An event as another format has it, redacted.
pub(super) struct Redacted<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for Redacted<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&redact_string(line))
    }
}
