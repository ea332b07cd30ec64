//! Owns the files that are read whole: CSV with a header, a JSON array, JSON lines, and what others have inside of an
//! object. Parses untrusted bytes; every row knows its line.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::app::clients::transfer::formats::imported_client::{RefusedRow, Row};
use crate::app::clients::transfer::formats::keycloak_realm::Realm;
use crate::app::clients::transfer::formats::{hydra, keycloak, table, values};
use crate::app::clients::transfer::import::ImportFormat;
use crate::app::clients::transfer::secrets::SecretRules;
use crate::base::json::{self, exact};
use crate::domain::ParseError;

/// The rows of a file, each with the line it begins on.
#[derive(Debug, Default)]
pub struct ImportFile {
    /// A client, or why the row is none.
    pub rows: Vec<(u64, Row)>,
    /// Names in the file that mean nothing to us.
    pub ignored: BTreeSet<String>,
}

/// Why a file as a whole cannot be read.
pub(super) fn at_line(line: u64, why: impl Display) -> ParseError {
    ParseError::new(format!("line {line}: {why}"))
}

impl ImportFile {
    /// Reads the rows of a home-made server.
    pub fn parse(bytes: &[u8], rules: &SecretRules) -> Result<Self, ParseError> {
        Self::parse_as(ImportFormat::Table, bytes, rules)
    }

    /// Reads JSON when the first character is `[` or `{`; else CSV, where there may be any.
    pub(super) fn parse_as(
        format: ImportFormat,
        bytes: &[u8],
        rules: &SecretRules,
    ) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            at_line(line_at(bytes, error.valid_up_to()), "the file is not UTF-8")
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let parse = Parse {
            format,
            rules: *rules,
        };
        let mut file = Self::default();
        match (text.trim_start().chars().next(), format) {
            (None, _) => return Err(at_line(1, "the file is empty")),
            (Some('[' | '{'), ImportFormat::Hydra) => file.read_hydra(text, parse)?,
            (Some('[' | '{'), ImportFormat::Keycloak) => file.read_keycloak(text, parse)?,
            (Some('['), _) => file.read_json_array(text, parse)?,
            (Some('{'), _) => file.read_json_lines(text, parse),
            (Some(_), ImportFormat::Table) => file.read_csv(text, parse)?,
            (Some(_), _) => return Err(at_line(1, "not JSON")),
        }
        Ok(file)
    }

    fn read_json_array(&mut self, text: &str, parse: Parse) -> Result<(), ParseError> {
        let values: Vec<&RawValue> = json::from_str(text).map_err(|error| malformed(&error))?;
        let mut lines = Lines::of(text);
        for value in values.into_iter().map(RawValue::get) {
            self.push(lines.line_of(value), read_object(value), parse, None);
        }
        Ok(())
    }

    /// The rows of Hydra's table and the items of its lists, joined where both are of one client.
    fn read_hydra(&mut self, text: &str, parse: Parse) -> Result<(), ParseError> {
        let found = values::find(text, "items").map_err(|error| malformed(&error))?;
        let mut lines = Lines::of(text);
        let found = found.into_iter().map(|client| client.text);
        let rows = found.map(|text| (lines.line_of(text), read_object(text)));
        for joined in hydra::join(rows.collect()) {
            self.push(joined.line, joined.row, parse, None);
            if let (Some(remark), Some((_, Ok(client)))) = (joined.remark, self.rows.last_mut()) {
                client.remarks.push(remark);
            }
        }
        Ok(())
    }

    /// The clients of Keycloak, each with its realm, if the file has that.
    fn read_keycloak(&mut self, text: &str, parse: Parse) -> Result<(), ParseError> {
        let found = values::find(text, "clients").map_err(|error| malformed(&error))?;
        let mut lines = Lines::of(text);
        let (mut realm, mut realm_at) = (None, None);
        for client in found {
            // Clients of one realm have the very same text as owner.
            let owner_at = client.owner.map(str::as_ptr);
            if owner_at != realm_at {
                realm = client.owner.map(Realm::read).transpose()?;
                realm_at = owner_at;
            }
            let (line, row) = (lines.line_of(client.text), read_object(client.text));
            self.push(line, row, parse, realm.as_ref());
        }
        Ok(())
    }

    fn read_json_lines(&mut self, text: &str, parse: Parse) {
        for (number, line) in (1..).zip(text.lines()) {
            if !line.trim().is_empty() {
                self.push(number, read_object(line), parse, None);
            }
        }
    }

    fn read_csv(&mut self, text: &str, parse: Parse) -> Result<(), ParseError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let malformed = |error: csv::Error| {
            let line = error.position().map_or(1, csv::Position::line);
            at_line(line, format_args!("not CSV: {error}"))
        };
        let header = reader.headers().map_err(malformed)?.clone();
        let names: Vec<&str> = header.iter().map(str::trim).collect();
        if !names.contains(&"client_id") {
            let why = "the first line must name the columns, including `client_id`";
            return Err(at_line(1, why));
        }
        let mut places = (0..).zip(&names);
        if let Some((_, twice)) = places.find(|(i, name)| names[..*i].contains(name)) {
            return Err(at_line(
                1,
                format_args!("the file has the column `{twice}` twice"),
            ));
        }
        let mut lines = Lines::of(text);
        let mut line_of = |position: Option<&csv::Position>| {
            let offset = position.map_or(0, csv::Position::byte);
            lines.line_of_row_from(usize::try_from(offset).unwrap_or(usize::MAX))
        };
        for record in reader.records() {
            let (line, row) = match record {
                Ok(record) => {
                    let cells = names.iter().zip(&record);
                    let row = cells
                        .map(|(name, text)| ((*name).to_owned(), Value::from(trimmed(name, text))))
                        .collect();
                    (line_of(record.position()), Ok(row))
                }
                Err(error) => {
                    let reason = if let csv::ErrorKind::UnequalLengths {
                        expected_len, len, ..
                    } = error.kind()
                    {
                        format!("it has {len} cells, the first line has {expected_len}")
                    } else {
                        format!("not CSV: {error}")
                    };
                    let line = line_of(error.position());
                    (line, Err(RefusedRow::bad(None, reason)))
                }
            };
            self.push(line, row, parse, None);
        }
        Ok(())
    }

    fn push(
        &mut self,
        line: u64,
        row: Result<Map<String, Value>, RefusedRow>,
        parse: Parse,
        realm: Option<&Realm>,
    ) {
        let mut row = match row {
            Ok(row) => row,
            Err(refused) => return self.rows.push((line, Err(refused))),
        };
        let rules = &parse.rules;
        let parsed = match parse.format {
            ImportFormat::Table | ImportFormat::TokenServer => table::parse(&mut row, rules),
            ImportFormat::Hydra => hydra::parse(&mut row, rules),
            ImportFormat::Keycloak => keycloak::parse(&mut row, realm, rules),
        };
        // What was not taken means nothing here; what is empty would not anywhere. A row of another server that is
        // refused was not looked at as a whole. What `false` means in a home-made one, such as `enabled`, nobody knows.
        let is_homemade = parse.format == ImportFormat::Table;
        let is_read = parsed.is_ok() || is_homemade;
        let left = row.into_iter().filter(|(_, value)| {
            let says_something = is_homemade && matches!(value, Value::Bool(_) | Value::Number(_));
            is_read && (says_something || !is_empty(value))
        });
        self.ignored.extend(left.map(|(name, _)| name));
        self.rows.push((line, parsed));
    }
}

/// How the rows of a file are read.
#[derive(Clone, Copy)]
struct Parse {
    format: ImportFormat,
    rules: SecretRules,
}

fn read_object(text: &str) -> Result<Map<String, Value>, RefusedRow> {
    // Not the error's own line: it counts from the row, and may quote what should stay secret.
    let row: Map<String, Value> =
        json::from_str(text).map_err(|_| RefusedRow::bad(None, "not a JSON object"))?;
    match exact::check(text) {
        Ok(()) => Ok(row),
        Err(why) => {
            let names = ["client_id", "clientId", "id"];
            let id = names.iter().find_map(|name| row.get(*name)?.as_str());
            Err(RefusedRow::bad(id, why.to_string()))
        }
    }
}

/// The text of a cell. An id and a secret are judged as they are: with white space at an end they are refused.
fn trimmed<'a>(column: &str, text: &'a str) -> &'a str {
    if column == "client_id" || column.starts_with("client_secret") {
        text
    } else {
        text.trim()
    }
}

/// Whether a member says nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

fn malformed(error: &serde_json::Error) -> ParseError {
    at_line(error.line() as u64, format_args!("not JSON: {error}"))
}

/// Counts lines along a text whose places are asked for in their order.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    seen: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            seen: 0,
            line: 1,
        }
    }

    /// The line on which a part of the text begins.
    pub(super) fn line_of(&mut self, part: &str) -> u64 {
        self.line_at(part.as_ptr() as usize - self.text.as_ptr() as usize)
    }

    /// The line on which the byte at `offset` stands.
    fn line_at(&mut self, offset: usize) -> u64 {
        let offset = offset.clamp(self.seen, self.text.len());
        self.line += line_at(&self.text[self.seen..offset], offset) - 1;
        self.seen = offset;
        self.line
    }

    /// The same for a row of CSV, whose position is right behind the row before: on the line break of
    /// that one, when it is CRLF, and before empty lines.
    fn line_of_row_from(&mut self, offset: usize) -> u64 {
        let rest = self.text.get(offset..).unwrap_or_default();
        let breaks = rest.iter().take_while(|b| matches!(b, b'\r' | b'\n'));
        self.line_at(offset.saturating_add(breaks.count()))
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
