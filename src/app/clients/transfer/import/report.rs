//! Owns how an import is asked for, and what is told of it.

use std::collections::BTreeSet;
use utoipa::ToSchema;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::clients::transfer::formats::imported_client::RefusedRow;
use crate::app::clients::transfer::formats::widening::Narrowing;
use crate::app::clients::transfer::secrets::FileSecrets;
use crate::base::redact::redact_string;
use crate::domain::word_enum;

word_enum! {
    /// The format of a file of clients.
    pub enum ImportFormat, "a format" {
        /// `client export`.
        TokenServer = "token-server",
        /// A home-made server: CSV, a JSON array or JSON lines.
        Table = "table",
        /// Ory Hydra.
        Hydra = "hydra",
        /// Keycloak: a realm, or clients of one.
        Keycloak = "keycloak",
    }
}

word_enum! {
    /// What to do with an existing client.
    #[derive(Default)]
    pub enum OnConflict, "what to do with an id that exists already" {
        /// It stays as it is, and is none of the mistakes.
        #[default]
        Skip = "skip",
        /// It is a mistake of the file.
        Refuse = "refuse",
        /// It becomes what the file says, with its secrets.
        Replace = "replace",
    }
}

/// Secrets in clear that a request may have: each takes some 25 ms to hash.
pub const MAX_PLAIN: u64 = 1_000;

/// How an import goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// What to do with an existing client.
    pub on_conflict: OnConflict,
    /// Whether the good rows are imported although there are bad ones.
    pub keep_going: bool,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// The most secrets in clear that are hashed; `None`: any number.
    pub max_plain: Option<u64>,
    /// What the operator vouches for about the secrets.
    pub secrets: FileSecrets,
    /// What is taken away from the clients.
    pub narrowing: Narrowing,
}

word_enum! {
    /// The result of a row, also in a dry run.
    pub enum ImportOutcome, "an outcome" {
        /// The client is added.
        Created = "created",
        /// The client was there, and members of it are others now.
        Replaced = "replaced",
        /// The client was there, as the file says.
        Unchanged = "unchanged",
        /// The client was there, and is left as it is.
        Existing = "existing",
        /// It is none that could get tokens here: not a mistake.
        Skipped = "skipped",
        /// A mistake.
        Bad = "bad",
    }
}

/// A row of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportLine {
    /// The line where it begins in the file, from 1.
    pub line: u64,
    /// The number of the row in the file, from 1: one line may contain all rows.
    pub row: u64,
    /// The client, if it is known.
    pub client_id: Option<String>,
    /// The result.
    pub outcome: ImportOutcome,
    /// The reason why it is not imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The names of the changed members of a replaced client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// Fields that have no equivalent here, or another meaning.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// The client at the other server, in the words of that server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub there: Option<Map<String, Value>>,
    /// The client after the import.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub here: Option<Map<String, Value>>,
    /// Whether it is a mistake because the actor may not write such a client.
    #[serde(skip)]
    pub(in crate::app::clients::transfer) is_denied: bool,
}

impl ImportLine {
    /// A mistake, until something better comes of it. Redacted: columns may be in another order than somebody thought.
    pub(in crate::app::clients::transfer) fn new(line: u64, client_id: Option<String>) -> Self {
        Self {
            line,
            row: 0,
            client_id: client_id.map(redact_string),
            outcome: ImportOutcome::Bad,
            reason: None,
            fields: None,
            remarks: Vec::new(),
            there: None,
            here: None,
            is_denied: false,
        }
    }

    /// A row that is no client.
    pub(in crate::app::clients::transfer) fn refused(line: u64, refused: RefusedRow) -> Self {
        let mut told = Self::new(line, refused.client_id);
        told.reason = Some(refused.reason);
        if !refused.is_bad {
            told.outcome = ImportOutcome::Skipped;
        }
        told
    }

    /// Whether it is a mistake.
    pub fn is_bad(&self) -> bool {
        self.outcome == ImportOutcome::Bad
    }
}

/// What is told while an import goes on.
#[derive(Debug)]
pub enum ImportNews<'a> {
    /// A row is done.
    Line(&'a ImportLine),
    /// So many rows are done, of so many if that is known.
    Progress(u64, Option<u64>),
}

/// The result of a file, also in a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportResult)]
pub struct ImportReport {
    /// Whether it was a dry run, which writes nothing.
    pub dry_run: bool,
    /// Whether mistakes in rows prevent the import.
    pub refused: bool,
    /// The format of the file.
    pub format: ImportFormat,
    /// Created clients.
    pub imported: u64,
    /// Changed clients.
    pub replaced: u64,
    /// Existing clients that equal the file.
    pub unchanged: u64,
    /// Skipped existing clients.
    pub existing: u64,
    /// Rows of clients that could get no tokens here.
    pub skipped: u64,
    /// Rows with mistakes.
    pub bad: u64,
    /// Those of them that the actor may not import.
    #[serde(skip)]
    pub denied: u64,
    /// Fields in the file without a meaning here.
    pub ignored: BTreeSet<String>,
    /// The rows of the file: over the admin API all of them.
    pub clients: Vec<ImportLine>,
}

impl ImportReport {
    pub(super) fn new(format: ImportFormat, dry_run: bool) -> Self {
        Self {
            dry_run,
            refused: false,
            format,
            imported: 0,
            replaced: 0,
            unchanged: 0,
            existing: 0,
            skipped: 0,
            bad: 0,
            denied: 0,
            ignored: BTreeSet::new(),
            clients: Vec::new(),
        }
    }

    pub(super) fn count(&mut self, line: &ImportLine) {
        self.denied += u64::from(line.is_denied);
        *match line.outcome {
            ImportOutcome::Created => &mut self.imported,
            ImportOutcome::Replaced => &mut self.replaced,
            ImportOutcome::Unchanged => &mut self.unchanged,
            ImportOutcome::Existing => &mut self.existing,
            ImportOutcome::Skipped => &mut self.skipped,
            ImportOutcome::Bad => &mut self.bad,
        } += 1;
    }

    /// The rows there were.
    pub fn rows(&self) -> u64 {
        self.imported + self.replaced + self.unchanged + self.existing + self.skipped + self.bad
    }
}
