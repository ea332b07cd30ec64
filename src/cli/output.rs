//! Owns what commands print: tables for people, JSON for programs. Secrets go to stdout and
//! nowhere else; remarks go to stderr, so that a pipe carries only the result.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is where commands print"
)]

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

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
        if self.json {
            println!("{}", serde_json::to_string_pretty(value)?);
        } else {
            println!("{}", people());
        }
        Ok(())
    }

    /// Prints a text as it is.
    pub(super) fn text(text: &str) {
        print!("{text}");
    }

    /// Says something beside the result.
    pub(super) fn remark(text: &str) {
        eprintln!("{text}");
    }
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
pub(super) fn list(pairs: &[(&str, String)]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    for (name, value) in pairs {
        table.add_row([(*name).to_owned(), printable(value)]);
    }
    table.trim_fmt()
}

/// Text that others wrote must not steer the terminal.
fn printable(text: &str) -> String {
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
