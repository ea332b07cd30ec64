//! Owns what commands print: tables for people, JSON for programs. Secrets go to stdout and
//! nowhere else; remarks go to stderr, so that a pipe carries only the result.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anyhow::Context;
use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::app::error::Error;
use crate::base::redact::redact_string;

/// How a command prints its result.
#[derive(Args, Clone, Copy)]
pub(super) struct Output {
    /// Print JSON, for programs
    #[arg(long)]
    pub(super) json: bool,
}

impl Output {
    /// Prints the result: as JSON when asked to, else as `people` write it.
    pub(super) fn print(
        self,
        value: &impl Serialize,
        people: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        Self::text(&self.render(value, people)?)
    }

    /// The same for what cannot be printed a second time: that nobody read it is a failure.
    pub(super) fn print_once(
        self,
        value: &impl Serialize,
        people: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        Ok(write_out(&self.render(value, people)?)?)
    }

    /// Prints a text as it is. A reader that has gone, as `head` does, has read enough.
    pub(super) fn text(text: &str) -> anyhow::Result<()> {
        match write_out(text) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.context("cannot write to stdout"),
        }
    }

    /// Says something beside the result; whether anybody reads it changes nothing.
    pub(super) fn remark(text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// What somebody at the terminal answers to `question`. Where there is none, `why` one has to be sure is an error.
    pub(super) fn ask(why: &str, question: &str) -> anyhow::Result<String> {
        if !io::stdin().is_terminal() {
            let description = format!("{why}; say --yes if you mean it");
            return Err(Error::invalid_request(description).into());
        }
        let _ = write!(io::stderr(), "{question}");
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }

    fn render(
        self,
        value: &impl Serialize,
        people: impl FnOnce() -> String,
    ) -> serde_json::Result<String> {
        let text = if self.json {
            serde_json::to_string_pretty(value)?
        } else {
            people()
        };
        Ok(text + "\n")
    }
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

/// A table with a header line.
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    table.trim_fmt()
}

/// Names and their values, one a line.
pub(super) fn list(pairs: &[(impl AsRef<str>, String)]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    for (name, value) in pairs {
        table.add_row([name.as_ref().to_owned(), printable(value)]);
    }
    table.trim_fmt()
}

/// Text that others wrote must not steer the terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}
