//! Owns the format of `client export`: JSON lines. The first says what the file is, the last how many clients it has, so
//! that a file that was cut off is noticed; between them each line is a client. Read line by line, for a file may
//! be larger than memory.

use std::io::BufRead;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::clients::transfer::document::{ExportedSecret, SecretDocument, client_document};
use crate::app::clients::transfer::formats::file::ImportFileError;
use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, RefusedRow, Row,
};
use crate::app::clients::transfer::secrets::SecretRules;
use crate::app::error::explain;
use crate::base::clock::UnixTime;
use crate::base::json;
use crate::domain::{Client, ClientRecord, ManagedBy};

/// What the first line calls the format.
pub(in crate::app::clients::transfer) const FORMAT: &str = "token-server/clients";

/// The version that is written, and the highest that is read.
const VERSION: u32 = 1;

/// No client takes more: metadata, keys and secrets are all bounded.
const MAX_LINE: u64 = 1 << 20;

#[derive(Deserialize, Serialize)]
struct Head {
    format: String,
    version: u32,
    exported_at: UnixTime,
}

#[derive(Deserialize, Serialize)]
struct End {
    end: bool,
    clients: u64,
}

#[derive(Serialize)]
struct Exported<'a> {
    #[serde(flatten)]
    client: &'a Client,
    secrets: Vec<ExportedSecret<'a>>,
}

client_document! {
    /// A line of an export.
    NativeClient {
        managed_by: Option<ManagedBy>,
        created_at: UnixTime,
        updated_at: UnixTime,
        secrets: Vec<SecretDocument>,
    }
}

/// The first line.
pub(in crate::app) fn head(exported_at: UnixTime) -> serde_json::Result<String> {
    line(&Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        exported_at,
    })
}

/// The line of a client.
pub(in crate::app) fn client(record: &ClientRecord) -> serde_json::Result<String> {
    line(&Exported {
        client: &record.client,
        secrets: record.secrets.iter().map(ExportedSecret::from).collect(),
    })
}

/// The last line.
pub(in crate::app) fn end(clients: u64) -> serde_json::Result<String> {
    line(&End { end: true, clients })
}

fn line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|text| text + "\n")
}

/// Whether a first line is that of an export; an error when it is one that cannot be read here.
pub(in crate::app::clients::transfer) fn is_head(line: &[u8]) -> Result<bool, ImportFileError> {
    let Ok(head) = json::from_slice::<Head>(line) else {
        return Ok(false);
    };
    if head.format != FORMAT {
        return Ok(false);
    }
    if !(1..=VERSION).contains(&head.version) {
        return Err(ImportFileError::Malformed {
            line: 1,
            message: format!(
                "the file is of version {}; this server reads up to {VERSION}",
                head.version
            ),
        });
    }
    Ok(true)
}

/// The lines after the first one.
pub(in crate::app::clients::transfer) struct NativeLines {
    reader: Box<dyn BufRead + Send>,
    rules: SecretRules,
    line: u64,
    clients: u64,
    has_ended: bool,
    is_done: bool,
}

impl NativeLines {
    /// Reads on behind the first line.
    pub(in crate::app::clients::transfer) fn new(
        reader: Box<dyn BufRead + Send>,
        rules: &SecretRules,
    ) -> Self {
        Self {
            reader,
            rules: *rules,
            line: 1,
            clients: 0,
            has_ended: false,
            is_done: false,
        }
    }

    /// The next row with its line.
    pub(in crate::app::clients::transfer) fn next(
        &mut self,
    ) -> Result<Option<(u64, Row)>, ImportFileError> {
        while !self.is_done {
            let bytes = read_line(&mut self.reader)?;
            let Some(bytes) = bytes else {
                self.is_done = true;
                if self.has_ended {
                    return Ok(None);
                }
                let reason = "the file ends before its last line: it was cut off";
                return Ok(Some((self.line, Err(RefusedRow::bad(None, reason)))));
            };
            self.line += 1;
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            if self.has_ended {
                let reason = "something stands behind the last line";
                return Ok(Some((self.line, Err(RefusedRow::bad(None, reason)))));
            }
            if bytes.starts_with(b"{\"end\"")
                && let Ok(end) = json::from_slice::<End>(&bytes)
            {
                self.has_ended = true;
                if end.clients == self.clients {
                    continue;
                }
                let reason = format!(
                    "the file has {} clients, and says that there are {}",
                    self.clients, end.clients
                );
                return Ok(Some((self.line, Err(RefusedRow::bad(None, reason)))));
            }
            self.clients += 1;
            return Ok(Some((self.line, parse(&bytes, &self.rules))));
        }
        Ok(None)
    }
}

/// A line, with what ends it, if there is one more. One that is too long is an error, for it could be all of memory.
pub(in crate::app::clients::transfer) fn read_line(
    reader: &mut (impl BufRead + ?Sized),
) -> Result<Option<Vec<u8>>, ImportFileError> {
    let mut bytes = Vec::new();
    let mut limited = std::io::Read::take(reader, MAX_LINE);
    let read = limited
        .read_until(b'\n', &mut bytes)
        .map_err(|error| ImportFileError::Unreadable(error.to_string()))?;
    if read as u64 == MAX_LINE && bytes.last() != Some(&b'\n') {
        return Err(ImportFileError::Unreadable(format!(
            "a line has more than {MAX_LINE} bytes"
        )));
    }
    Ok((read > 0).then_some(bytes))
}

fn parse(bytes: &[u8], rules: &SecretRules) -> Row {
    let mut document: NativeClient = json::from_slice(bytes).map_err(|error| {
        let members: Option<Value> = json::from_slice(bytes).ok();
        let id = members
            .as_ref()
            .and_then(|it| it.get("client_id")?.as_str());
        RefusedRow::bad(id, format!("no client: {}", explain(&error.to_string())))
    })?;
    let id = document.client_id.to_string();
    let bad = |reason: String| RefusedRow::bad(Some(&id), reason);
    let mut client = document.client().map_err(|error| bad(error.to_string()))?;
    client.managed_by = document.managed_by.take();
    client.created_at = document.created_at;
    client.updated_at = document.updated_at;
    let mut secrets = Vec::new();
    for secret in &document.secrets {
        if secret.secret_id.is_none() || secret.created_at.is_none() {
            return Err(bad(
                "a secret lacks its secret_id or its created_at".to_owned()
            ));
        }
        let secret = secret.read(&client.client_id, client.created_at, rules);
        let secret = secret.map_err(|error| bad(format!("a secret: {error}")))?;
        secrets.push(ImportedSecret::Kept(secret));
    }
    Ok(ImportedClient {
        client,
        secrets,
        is_exact: true,
        remarks: Vec::new(),
    })
}
