//! Importing clients: what comes in, with which hashes, and what is refused.

mod cases;
mod files;
mod foreign;
mod generated;
mod hashes;
mod hostile;
mod moving_in;
mod native;
mod other_forms;
mod secret_texts;
mod work;

use std::sync::LazyLock;

use token_server::app::clients::transfer::import::{
    FileSecrets, ImportLine, ImportNews, ImportOptions, ImportReport, ImportSource, Narrowing,
    OnConflict, SecretRules,
};

use token_server::app::ClientQuery;

use crate::harness::{BY, TestApp, config};

pub(crate) use hashes::{HASHES, OLD_SECRET};

/// How secrets are judged without a word of the operator's.
static RULES: LazyLock<SecretRules> =
    LazyLock::new(|| SecretRules::new(&config("sqlite:unused", &[]), FileSecrets::NONE));

/// Each row by itself, whatever becomes of the others.
const KEEP_GOING: ImportOptions = ImportOptions {
    on_conflict: OnConflict::Skip,
    keep_going: true,
    dry_run: false,
    max_plain: None,
    secrets: FileSecrets::NONE,
    narrowing: Narrowing::NONE,
};

/// Imports a file; what came of it.
pub(crate) async fn import(test: &TestApp, contents: &str, keep_going: bool) -> ImportReport {
    let options = ImportOptions {
        keep_going,
        ..ImportOptions::default()
    };
    import_with(test, contents, options).await.0
}

/// The same, and what came of each row.
async fn import_with(
    test: &TestApp,
    contents: &str,
    options: ImportOptions,
) -> (ImportReport, Vec<ImportLine>) {
    let source = ImportSource::of_bytes(None, contents.to_owned().into_bytes());
    let mut lines = Vec::new();
    let mut tell = |news: ImportNews<'_>| {
        if let ImportNews::Line(line) = news {
            lines.push(line.clone());
        }
    };
    let report = test.app.clients.import(BY, &source, options, &mut tell);
    let report = report.await.unwrap();
    (report, lines)
}

/// The ids of all clients.
async fn client_ids(test: &TestApp) -> Vec<String> {
    let all = ClientQuery {
        limit: 10_000,
        ..ClientQuery::default()
    };
    let listed = test.app.clients.list(&all).await.unwrap();
    listed
        .clients
        .iter()
        .map(|client| client.client_id.to_string())
        .collect()
}
