//! Owns how an event looks in the log, as a line of JSON or as text; and that no line holds a secret, whoever writes it:
//! also a library, or an error that quotes one.

use std::fmt;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use crate::base::json::writer::JsonObject;
use crate::base::redact::{REDACTED_TARGET, redact, redact_string};

const TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// An event as one JSON object: its fields beside the time and the level. tracing-subscriber has such a format too; it
/// writes in many small pieces, each checked to be UTF-8, which took a fifth of the time of a request.
pub(super) struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "a line has the time at which it was written, whatever clock the service runs on"
    )]
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut fields = Fields {
            json: JsonObject::with_capacity(512),
            // Else its texts were redacted where they were made.
            redacts: metadata.target() != REDACTED_TARGET,
        };
        fields.print_time(Timestamp::now())?;
        fields.text("level", metadata.level().as_str());
        event.record(&mut fields);
        fields.text("target", metadata.target());
        let mut line = fields.json.end();
        line.push(b'\n');
        writer.write_str(std::str::from_utf8(&line).map_err(|_| fmt::Error)?)
    }
}

struct Fields {
    json: JsonObject,
    redacts: bool,
}

impl Fields {
    fn print_time(&mut self, now: Timestamp) -> fmt::Result {
        let json = self.json.begin("timestamp");
        json.push(b'"');
        TIME.print_timestamp(&now, &mut *json)
            .map_err(|_| fmt::Error)?;
        json.push(b'"');
        Ok(())
    }

    fn text(&mut self, name: &str, value: &str) {
        let _ = self.json.text(name, value);
    }

    fn member(&mut self, name: &str, value: impl Serialize) {
        // Texts, numbers and truth values are all there are, and those can be written.
        let _ = self.json.member(name, &value);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.redacts {
            self.text(field.name(), &redact(value));
        } else {
            self.text(field.name(), value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        let text = if self.redacts {
            redact_string(text)
        } else {
            text
        };
        self.text(field.name(), &text);
    }
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
