//! Importing a plain database: what comes in, with which hashes, and what is refused.

mod files;
mod hashes;
mod hostile;

use token_server::app::import::{ImportFile, ImportReport};

use crate::harness::{BY, TestApp};

/// A file of clients as the use case takes it.
async fn import(test: &TestApp, contents: &str, keep_going: bool) -> ImportReport {
    let file = ImportFile::parse(contents.as_bytes()).unwrap();
    test.app
        .import_clients(BY, file, keep_going, |_, _| {})
        .await
        .unwrap()
}

/// The ids of all clients.
async fn client_ids(test: &TestApp) -> Vec<String> {
    let page = token_server::store::ClientsPage {
        after: None,
        limit: 10_000,
    };
    let clients = test.app.list_clients(&page).await.unwrap();
    clients
        .iter()
        .map(|client| client.client_id.to_string())
        .collect()
}
