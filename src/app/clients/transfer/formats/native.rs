//! Owns the format of `client export`: JSON lines. The first says what the file is, the last how many clients it has, so
//! that a file that was cut off is noticed; between them each line is a client. Read line by line, for a file may
//! be larger than memory. And that of `client list --output json`, which has no secrets.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::BufRead;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::app::clients::spec::ClientSpec;
use crate::app::clients::spec::secret::{ExportedSecret, SecretsSpec};
use crate::app::clients::transfer::formats::file::{ImportFile, Lines, at_line};
use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, OtherSecrets, RefusedRow, Row, Stamps, text_in,
};
use crate::app::clients::transfer::secrets::SecretRules;
use crate::app::error::explain;
use crate::base::clock::UnixTime;
use crate::base::json::{self, exact};
use crate::domain::{Client, ClientRecord, ParseError};

/// What the first line calls the format.
pub(super) const FORMAT: &str = "token-server/clients";

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
struct Trailer {
    end: bool,
    clients: u64,
    /// Those that are damaged in the database that the file comes from.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    left_out: BTreeSet<String>,
}

/// What `client list` prints.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page<'a> {
    #[serde(borrow)]
    clients: Vec<&'a RawValue>,
    #[serde(borrow)]
    after: &'a RawValue,
}

#[derive(Serialize)]
struct Exported<'a> {
    #[serde(flatten)]
    client: &'a Client,
    secrets: Vec<ExportedSecret<'a>>,
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

/// The last line; `left_out` are clients that are not in the file, though they should be.
pub(in crate::app) fn end(clients: u64, left_out: &BTreeSet<String>) -> serde_json::Result<String> {
    line(&Trailer {
        end: true,
        clients,
        left_out: left_out.clone(),
    })
}

fn line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|text| text + "\n")
}

/// Whether a first line is that of an export; an error when it is one that cannot be read here.
pub(super) fn is_head(line: &[u8]) -> Result<bool, ParseError> {
    let Ok(head) = json::from_slice::<Head>(line) else {
        return Ok(false);
    };
    if head.format != FORMAT {
        return Ok(false);
    }
    if !(1..=VERSION).contains(&head.version) {
        let version = head.version;
        let why =
            format!("the file has version {version}; this server reads versions up to {VERSION}");
        return Err(at_line(1, why));
    }
    Ok(true)
}

/// The lines after the first one.
pub(super) struct NativeLines {
    reader: Box<dyn BufRead + Send>,
    rules: SecretRules,
    line: u64,
    clients: u64,
    has_ended: bool,
    is_done: bool,
}

impl NativeLines {
    /// Reads on behind the first line.
    pub(super) fn new(reader: Box<dyn BufRead + Send>, rules: &SecretRules) -> Self {
        Self {
            reader,
            rules: *rules,
            line: 1,
            clients: 0,
            has_ended: false,
            is_done: false,
        }
    }

    fn read(&mut self) -> Result<Option<(u64, Row)>, ParseError> {
        while !self.is_done {
            let Some(bytes) = read_line(&mut self.reader)? else {
                self.is_done = true;
                if self.has_ended {
                    break;
                }
                return Ok(Some(
                    self.refuse("the file is incomplete: its last line is missing"),
                ));
            };
            self.line += 1;
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            if self.has_ended {
                return Ok(Some(self.refuse("the file continues after its last line")));
            }
            if bytes.starts_with(b"{\"end\"")
                && let Ok(Trailer { clients, .. }) = json::from_slice(&bytes)
            {
                self.has_ended = true;
                if clients == self.clients {
                    continue;
                }
                let found = self.clients;
                let why = format!("the file has {found} clients, but its last line says {clients}");
                return Ok(Some(self.refuse(why)));
            }
            self.clients += 1;
            return Ok(Some((self.line, parse(&bytes, &self.rules))));
        }
        Ok(None)
    }

    fn refuse(&self, why: impl Into<String>) -> (u64, Row) {
        (self.line, Err(RefusedRow::bad(None, why)))
    }
}

impl Iterator for NativeLines {
    type Item = Result<(u64, Row), ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// A line, with what ends it, if there is one more. One that is too long is an error, for it could be all of memory.
pub(super) fn read_line(
    reader: &mut (impl BufRead + ?Sized),
) -> Result<Option<Vec<u8>>, ParseError> {
    let mut bytes = Vec::new();
    let mut limited = std::io::Read::take(reader, MAX_LINE);
    let read = limited
        .read_until(b'\n', &mut bytes)
        .map_err(|error| ParseError::new(error.to_string()))?;
    if read as u64 == MAX_LINE && bytes.last() != Some(&b'\n') {
        let why = format!("a line has more than {MAX_LINE} bytes");
        return Err(ParseError::new(why));
    }
    Ok((read > 0).then_some(bytes))
}

/// Reads what `client list --output json` printed; `None`: it is something else.
pub(super) fn read_list(bytes: &[u8]) -> Option<ImportFile> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let page: Page<'_> = json::from_str(text).ok()?;
    let mut lines = Lines::of(text);
    let rows = page.clients.iter().map(|client| {
        let client = client.get();
        (lines.line_of(client), parse_listed(client))
    });
    let mut file = ImportFile {
        rows: rows.collect(),
        ..ImportFile::default()
    };
    if let (true, Some((_, Ok(last)))) = (page.after.get() != "null", file.rows.last_mut()) {
        let remark = "the list ends with this client, but there are more: list them with --after";
        last.remarks.push(remark.to_owned());
    }
    Some(file)
}

/// A client of a list. When and from where it was last used is not carried over, and its secrets are not in the list.
fn parse_listed(text: &str) -> Row {
    let members: Result<Map<String, Value>, _> = json::from_str(text);
    let mut members = members.map_err(|_| not_a_client(None, "not a JSON object"))?;
    let id = text_in(&members, "client_id");
    exact::check(text).map_err(|why| not_a_client(id.as_deref(), why))?;
    for usage in ["last_used_at", "last_used_from"] {
        members.remove(usage);
    }
    let text = Value::Object(members).to_string();
    let spec = json::from_str(&text);
    let mut spec: ClientSpec =
        spec.map_err(|error| not_a_client(id.as_deref(), explain(&error.to_string())))?;
    let parsed = parse_fields(&mut spec);
    let (mut imported, stamps) = parsed.map_err(|why| RefusedRow::bad(id.as_deref(), why))?;
    imported.stamps = Some(stamps);
    imported.other_secrets = OtherSecrets::Left;
    if imported.takes_secrets() {
        let remark = "a list has no secrets: add one with `client secret add`, or import a file of `client export`";
        imported.remarks.push(remark.to_owned());
    }
    Ok(imported)
}

fn parse(bytes: &[u8], rules: &SecretRules) -> Row {
    if let Err(why) = std::str::from_utf8(bytes).map_or(Ok(()), exact::check) {
        return Err(not_a_client(None, why));
    }
    let mut spec: ClientSpec = json::from_slice(bytes).map_err(|error| {
        let members: Option<Value> = json::from_slice(bytes).ok();
        let id = members
            .as_ref()
            .and_then(|it| it.get("client_id")?.as_str());
        not_a_client(id, explain(&error.to_string()))
    })?;
    let id = spec.client_id.as_ref().map(ToString::to_string);
    let bad = |reason: String| RefusedRow::bad(id.as_deref(), reason);
    parse_members(&mut spec, rules).map_err(bad)
}

fn parse_members(spec: &mut ClientSpec, rules: &SecretRules) -> Result<ImportedClient, String> {
    let Some(SecretsSpec::These(list)) = spec.secrets.take() else {
        return Err(missing("secrets"));
    };
    let (mut imported, stamps) = parse_fields(spec)?;
    for secret in &list {
        if secret.secret_id.is_none() || secret.created_at.is_none() {
            return Err("a secret has no secret_id or no created_at".to_owned());
        }
        let secret = secret.read(&imported.client_id, stamps.created_at, rules);
        let secret = secret.map_err(|error| format!("invalid secret: {error}"))?;
        imported.secrets.push(ImportedSecret::Kept(secret));
    }
    imported.stamps = Some(stamps);
    Ok(imported)
}

fn not_a_client(id: Option<&str>, why: impl Display) -> RefusedRow {
    RefusedRow::bad(id, format!("not a client: {why}"))
}

fn missing(name: &str) -> String {
    format!("not a client: missing field `{name}`")
}

/// All of a client but its secrets, and the stamps that belong to it.
fn parse_fields(spec: &mut ClientSpec) -> Result<(ImportedClient, Stamps), String> {
    spec.refuse_others(&["managed_by", "created_at", "updated_at"])
        .map_err(|error| format!("not a client: {error}"))?;
    let id = spec.client_id.take().ok_or_else(|| missing("client_id"))?;
    let stamps = Stamps {
        managed_by: spec.managed_by.take(),
        created_at: spec.created_at.ok_or_else(|| missing("created_at"))?.0,
        updated_at: spec.updated_at.ok_or_else(|| missing("updated_at"))?.0,
    };
    if spec.secrets.is_some() {
        return Err("not a client: unknown field `secrets`".to_owned());
    }
    let mut imported = ImportedClient::of(id, spec)?;
    imported.is_complete = true;
    Ok((imported, stamps))
}
