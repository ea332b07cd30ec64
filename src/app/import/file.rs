//! Owns the formats an import may come in: CSV with a header, a JSON array, JSON lines. Parses
//! untrusted bytes; every row knows its line.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::row::{COLUMNS, ImportedClient};

/// The rows of a file, each with the line it begins on.
#[derive(Debug, Default)]
pub struct ImportFile {
    /// A client, or why the row is none.
    pub rows: Vec<(u64, Result<ImportedClient, String>)>,
    /// Names in the file that mean nothing to us.
    pub ignored: BTreeSet<String>,
}

/// Why a file as a whole cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportFileError {
    /// It is not UTF-8.
    #[error("line {0}: the file is not UTF-8")]
    NotUtf8(u64),
    /// It is neither format.
    #[error("line {line}: {message}")]
    Malformed {
        /// Where.
        line: u64,
        /// Why.
        message: String,
    },
}

impl ImportFile {
    /// Reads JSON when the first character is `[` or `{`, else CSV.
    pub fn parse(bytes: &[u8]) -> Result<Self, ImportFileError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| ImportFileError::NotUtf8(line_at(bytes, error.valid_up_to())))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match text.trim_start().chars().next() {
            Some('[') => Self::parse_json_array(text),
            Some('{') => Ok(Self::parse_json_lines(text)),
            Some(_) => Self::parse_csv(text),
            None => Err(ImportFileError::Malformed {
                line: 1,
                message: "the file is empty".into(),
            }),
        }
    }

    fn parse_json_array(text: &str) -> Result<Self, ImportFileError> {
        let values: Vec<&RawValue> = serde_json::from_str(text).map_err(|e| malformed(&e))?;
        let mut file = Self::default();
        let mut lines = Lines::of(text);
        for value in values {
            let offset = value.get().as_ptr() as usize - text.as_ptr() as usize;
            file.push_json(lines.line_of(offset), value.get());
        }
        Ok(file)
    }

    fn parse_json_lines(text: &str) -> Self {
        let mut file = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            if !line.trim().is_empty() {
                file.push_json(number, line);
            }
        }
        file
    }

    fn parse_csv(text: &str) -> Result<Self, ImportFileError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let malformed_csv = |error: &csv::Error| ImportFileError::Malformed {
            line: error.position().map_or(1, csv::Position::line),
            message: format!("not CSV: {error}"),
        };
        let header = reader
            .headers()
            .map_err(|error| malformed_csv(&error))?
            .clone();
        let names: Vec<&str> = header.iter().map(str::trim).collect();
        if !names.contains(&"client_id") {
            return Err(ImportFileError::Malformed {
                line: 1,
                message: "the first line has to name the columns, `client_id` among them".into(),
            });
        }
        if let Some(twice) = names
            .iter()
            .enumerate()
            .find(|(i, n)| names[..*i].contains(n))
        {
            return Err(ImportFileError::Malformed {
                line: 1,
                message: format!("the column `{}` is there twice", twice.1),
            });
        }
        let mut file = Self::default();
        let mut lines = Lines::of(text);
        let mut line_of = |position: Option<&csv::Position>| {
            let offset = position.map_or(0, csv::Position::byte);
            lines.line_of_text_from(usize::try_from(offset).unwrap_or(usize::MAX))
        };
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let row = names
                        .iter()
                        .zip(&record)
                        .map(|(name, text)| ((*name).to_owned(), Value::from(text)))
                        .collect();
                    file.push(line_of(record.position()), row);
                }
                Err(error) => {
                    let line = line_of(error.position());
                    let reason = if let csv::ErrorKind::UnequalLengths {
                        expected_len, len, ..
                    } = error.kind()
                    {
                        format!("it has {len} cells, the first line has {expected_len}")
                    } else {
                        format!("not CSV: {error}")
                    };
                    file.rows.push((line, Err(reason)));
                }
            }
        }
        Ok(file)
    }

    fn push_json(&mut self, line: u64, text: &str) {
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(row) => self.push(line, row),
            // Not the error's own line: it counts from the row, and may quote what should stay secret.
            Err(_) => self.rows.push((line, Err("not a JSON object".to_owned()))),
        }
    }

    fn push(&mut self, line: u64, row: Map<String, Value>) {
        for name in row.keys().filter(|name| !COLUMNS.contains(&name.as_str())) {
            self.ignored.insert(name.clone());
        }
        self.rows.push((line, ImportedClient::parse(row)));
    }
}

fn malformed(error: &serde_json::Error) -> ImportFileError {
    ImportFileError::Malformed {
        line: error.line() as u64,
        message: format!("not JSON: {error}"),
    }
}

/// Counts lines along a text whose places are asked for in their order.
struct Lines<'a> {
    text: &'a [u8],
    seen: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            seen: 0,
            line: 1,
        }
    }

    /// The line on which the byte at `offset` stands.
    fn line_of(&mut self, offset: usize) -> u64 {
        let offset = offset.clamp(self.seen, self.text.len());
        self.line += line_at(&self.text[self.seen..offset], offset) - 1;
        self.seen = offset;
        self.line
    }

    /// The same for a row of CSV, whose position is right behind the row before: on the line break of
    /// that one, when it is CRLF, and before empty lines.
    fn line_of_text_from(&mut self, offset: usize) -> u64 {
        let rest = self.text.get(offset..).unwrap_or_default();
        let breaks = rest.iter().take_while(|b| matches!(b, b'\r' | b'\n'));
        self.line_of(offset.saturating_add(breaks.count()))
    }
}

/// The line, from 1, on which the byte at `offset` stands.
fn line_at(bytes: &[u8], offset: usize) -> u64 {
    1 + bytes
        .iter()
        .take(offset)
        .map(|byte| u64::from(*byte == b'\n'))
        .sum::<u64>()
}
