//! Owns what commands print: tables for people, JSON and YAML for programs. Secrets go to stdout and
//! nowhere else; remarks go to stderr, so that a pipe carries only the result.

pub(in crate::cli) mod confirmation;
pub(in crate::cli) mod stdin;
mod yaml;

use std::io::{self, ErrorKind, Write};

use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::base::clock::with_times_as_text;
use crate::base::redact::redact_string;

/// How a command prints its result.
#[derive(Args, Clone, Copy)]
pub(super) struct Output {
    /// The output format; `id`: only the IDs, one a line
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
    /// The same as `--output json`
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

/// How a command prints a result that has no ID, or a secret that `--output id` would lose.
#[derive(Args, Clone, Copy)]
pub(super) struct OutputWithoutId {
    /// The output format
    #[arg(short, long, value_parser = format_without_id(), default_value = "table", value_name = "FORMAT")]
    output: Format,
    /// The same as `--output json`
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Yaml,
    Id,
}

fn format_without_id() -> impl TypedValueParser<Value = Format> {
    let formats = Format::value_variants()
        .iter()
        .filter(|it| **it != Format::Id);
    PossibleValuesParser::new(formats.filter_map(ValueEnum::to_possible_value))
        .try_map(|name| Format::from_str(&name, false))
}

impl Output {
    /// Prints the result: as `people` write it, as a document, or the members `id` of it alone.
    pub(super) fn print(
        self,
        value: &impl Serialize,
        id: &str,
        people: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        Self::text(&self.render(value, id, people)?)
    }

    fn render(
        self,
        value: &impl Serialize,
        id: &str,
        people: impl FnOnce() -> String,
    ) -> anyhow::Result<String> {
        match self.output {
            _ if self.json => json(value),
            Format::Json => json(value),
            Format::Yaml => yaml::from_json(&json(value)?),
            Format::Table => Ok(people() + "\n"),
            Format::Id => yaml::list_ids(&json(value)?, id),
        }
    }

    /// Prints a text as it is. A reader that has gone, as `head` does, has read enough.
    pub(super) fn text(text: &str) -> anyhow::Result<()> {
        match write_out(text) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.context("cannot write to stdout"),
        }
    }

    /// Prints a text that cannot be printed a second time: that nobody read it is a failure.
    pub(super) fn text_once(text: &str) -> anyhow::Result<()> {
        Ok(write_out(text)?)
    }

    /// Says something beside the result; whether anybody reads it changes nothing.
    pub(super) fn remark(text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Says that a command is called by a name that the next release does not know.
    pub(super) fn remark_renamed(old: &str, new: &str) {
        Self::remark(&format!(
            "warning: `{old}` is now `{new}`; the next release removes the old name"
        ));
    }
}

impl From<OutputWithoutId> for Output {
    fn from(OutputWithoutId { output, json }: OutputWithoutId) -> Self {
        Self { output, json }
    }
}

impl OutputWithoutId {
    /// Prints the result: as `people` write it, or as a document.
    pub(super) fn print(
        self,
        value: &impl Serialize,
        people: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        Output::from(self).print(value, "", people)
    }

    /// Prints what cannot be printed a second time: that nobody read it is a failure.
    pub(super) fn print_once(
        self,
        value: &impl Serialize,
        people: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        Output::text_once(&Output::from(self).render(value, "", people)?)
    }

    /// Whether a program reads the result.
    pub(super) fn is_document(self) -> bool {
        self.json || self.output != Format::Table
    }
}

/// JSON with times as ISO 8601.
fn json(value: &impl Serialize) -> anyhow::Result<String> {
    let text = with_times_as_text(|| serde_json::to_string_pretty(value))?;
    Ok(text + "\n")
}

/// The error and its causes, redacted, without those that the one before quotes already.
pub(super) fn chain(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.ends_with(&cause) {
            told += &format!(": {cause}");
        }
    }
    redact_string(told)
}

fn write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A column of a table: its name, and its cell in a row.
pub(super) type Column<T> = (&'static str, fn(&T) -> String);

/// A table with a header line.
pub(super) fn table<T>(rows: &[T], columns: &[Column<T>]) -> String {
    let mut table = bare_table();
    table.set_header(columns.iter().map(|(name, _)| name.to_uppercase()));
    for row in rows {
        table.add_row(columns.iter().map(|(_, cell)| printable(&cell(row))));
    }
    table.trim_fmt()
}

/// Names and their values, one a line.
pub(super) fn list(pairs: &[(impl AsRef<str>, String)]) -> String {
    let mut table = bare_table();
    for (name, value) in pairs {
        table.add_row([name.as_ref().to_owned(), printable(value)]);
    }
    table.trim_fmt()
}

fn bare_table() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// A value, or a word where there is none.
pub(super) fn text_or(value: Option<impl ToString>, word: &str) -> String {
    value.map_or_else(|| word.to_owned(), |value| value.to_string())
}

/// Text that others wrote must not steer the terminal.
pub(super) fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}
