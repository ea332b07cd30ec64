//! Owns where the rows of an import come from: which format a file is of, and that it can be read twice, once to look
//! for mistakes and once to write.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Cursor, Read};

use serde_json::Value;

use crate::app::clients::transfer::formats::file::{ImportFile, at_line};
use crate::app::clients::transfer::formats::imported_client::Row;
use crate::app::clients::transfer::formats::native::{self, NativeLines};
use crate::app::clients::transfer::import::ImportFormat;
use crate::app::clients::transfer::secrets::SecretRules;
use crate::domain::ParseError;

type Open = dyn Fn() -> io::Result<Box<dyn BufRead + Send>> + Send + Sync;

/// A file of clients.
pub struct ImportSource {
    format: Option<ImportFormat>,
    open: Box<Open>,
}

impl ImportSource {
    /// What `open` gives, each time the same. Without a format it is told by what is in the file.
    pub fn new(
        format: Option<ImportFormat>,
        open: impl Fn() -> io::Result<Box<dyn BufRead + Send>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            format,
            open: Box::new(open),
        }
    }

    /// These bytes.
    pub fn of_bytes(
        format: Option<ImportFormat>,
        bytes: impl AsRef<[u8]> + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::new(format, move || Ok(Box::new(Cursor::new(bytes.clone()))))
    }

    /// Whether it is a file of clients at all.
    pub fn check(&self, rules: &SecretRules) -> Result<(), ParseError> {
        self.rows(rules).map(drop)
    }

    pub(in crate::app::clients::transfer) fn rows(
        &self,
        rules: &SecretRules,
    ) -> Result<Rows, ParseError> {
        let unreadable = |error: io::Error| ParseError::new(error.to_string());
        let mut reader = (self.open)().map_err(unreadable)?;
        // Other files may have lines of any length, being held in memory whole in any case.
        let begins_like_ours = match self.format {
            None => begins_like_ours(reader.fill_buf().map_err(unreadable)?),
            Some(format) => format == ImportFormat::TokenServer,
        };
        let mut bytes = Vec::new();
        if begins_like_ours {
            bytes = native::read_line(&mut reader)?.unwrap_or_default();
            if native::is_head(without_mark(&bytes))? {
                return Ok(Rows {
                    format: ImportFormat::TokenServer,
                    ignored: BTreeSet::new(),
                    remaining: Box::new(NativeLines::new(reader, rules)),
                });
            }
        }
        reader.read_to_end(&mut bytes).map_err(unreadable)?;
        let list = match self.format {
            None | Some(ImportFormat::TokenServer) => native::read_list(&bytes),
            Some(_) => None,
        };
        let (format, file) = match (list, self.format) {
            (Some(list), _) => (ImportFormat::TokenServer, list),
            (None, Some(ImportFormat::TokenServer)) => {
                let why = "this is neither the first line of an export nor the JSON of a list";
                return Err(at_line(1, why));
            }
            (None, format) => {
                let format = format.unwrap_or_else(|| detect(&bytes));
                (format, ImportFile::parse_as(format, &bytes, rules)?)
            }
        };
        Ok(Rows {
            format,
            ignored: file.ignored,
            remaining: Box::new(file.rows.into_iter().map(Ok)),
        })
    }
}

/// The rows of a file, each with the line it begins on.
pub(in crate::app::clients::transfer) struct Rows {
    pub(in crate::app::clients::transfer) format: ImportFormat,
    /// Names in the file that mean nothing to us.
    pub(in crate::app::clients::transfer) ignored: BTreeSet<String>,
    remaining: Box<dyn Iterator<Item = Result<(u64, Row), ParseError>> + Send>,
}

impl Rows {
    /// The next `count` of them, or fewer at the end.
    pub(in crate::app::clients::transfer) fn take(
        &mut self,
        count: usize,
    ) -> Result<Vec<(u64, Row)>, ParseError> {
        self.remaining.by_ref().take(count).collect()
    }
}

/// What stands behind a byte order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// Whether a file may be an export of ours, by its first bytes.
fn begins_like_ours(bytes: &[u8]) -> bool {
    let mut lines = without_mark(bytes).split(|byte| *byte == b'\n');
    let line = lines.next().unwrap_or_default();
    let format = native::FORMAT.as_bytes();
    line.windows(format.len()).take(100).any(|it| it == format)
}

/// What a file is, by the names in it.
#[expect(
    clippy::disallowed_methods,
    reason = "the first of many values; no struct is read"
)]
fn detect(bytes: &[u8]) -> ImportFormat {
    let bytes = without_mark(bytes);
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let Some(Ok(first)) = values.next() else {
        return ImportFormat::Table;
    };
    let first = match first.as_array() {
        Some(list) => list.first().cloned().unwrap_or_default(),
        None => first,
    };
    let has = |names: &[&str]| names.iter().any(|name| first.get(name).is_some());
    if has(&["clientId", "realm", "clients"]) {
        ImportFormat::Keycloak
    } else if has(&["grant_types", "token_endpoint_auth_method", "items"]) {
        ImportFormat::Hydra
    } else {
        ImportFormat::Table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_what_wrote_it() {
        for (text, format) in [
            ("client_id,client_secret\n", ImportFormat::Table),
            (r#"[{"client_id":"a","scope":"b"}]"#, ImportFormat::Table),
            (r#"{"client_id":"a"}"#, ImportFormat::Table),
            ("[]", ImportFormat::Table),
            (r#"{"client_id":"a","grant_types":[]}"#, ImportFormat::Hydra),
            (r#"{"items":[]}"#, ImportFormat::Hydra),
            (r#"[{"clientId":"a"}]"#, ImportFormat::Keycloak),
            (r#"{"realm":"a"}"#, ImportFormat::Keycloak),
        ] {
            assert_eq!(detect(text.as_bytes()), format, "{text}");
        }
    }
}
