//! Owns how an event looks as a line of JSON. tracing-subscriber has such a format too; it writes in many small
//! pieces, each checked to be UTF-8, which took a fifth of the time of a request.

use std::fmt;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

const TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// An event as one JSON object: its fields beside the time and the level.
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
        let mut object = Object::begin();
        object.print_time(Timestamp::now())?;
        object.member("level", metadata.level().as_str());
        event.record(&mut object);
        object.member("target", metadata.target());
        writer.write_str(object.end().map_err(|_| fmt::Error)?)
    }
}

/// A JSON object that is being written.
struct Object(Vec<u8>);

impl Object {
    fn begin() -> Self {
        let mut json = Vec::with_capacity(512);
        json.push(b'{');
        Self(json)
    }

    fn print_time(&mut self, now: Timestamp) -> fmt::Result {
        self.0.extend_from_slice(b"\"timestamp\":\"");
        TIME.print_timestamp(&now, &mut self.0)
            .map_err(|_| fmt::Error)?;
        self.0.push(b'"');
        Ok(())
    }

    /// Names stand in our code and need no escaping.
    fn member(&mut self, name: &str, value: impl Serialize) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        if serde_json::to_writer(&mut self.0, &value).is_err() {
            self.0.extend_from_slice(b"null");
        }
    }

    fn end(&mut self) -> Result<&str, std::str::Utf8Error> {
        self.0.extend_from_slice(b"}\n");
        std::str::from_utf8(&self.0)
    }
}

impl Visit for Object {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field.name(), value);
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
        self.member(field.name(), format!("{value:?}"));
    }
}
