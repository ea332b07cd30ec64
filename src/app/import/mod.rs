//! Importing clients from a file: the use case. Reading the file is `file`'s and `row`'s business.

mod file;
mod row;

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};

pub use file::{ImportFile, ImportFileError};
pub use row::{ImportedClient, ImportedSecret};

use super::App;
use crate::domain::{
    AuthenticationSettings, Client, ClientRecord, ClientSecret, Origin, SecretId, SecretOrigin,
};
use crate::error::Result;

/// A row that cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Where it begins in the file, from 1.
    pub line: u64,
    /// What to mend.
    pub reason: String,
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Clients that were added.
    pub imported: u64,
    /// Clients whose id was taken; they are left as they are, so that a file can be imported twice.
    pub existing: u64,
    /// Rows that cannot be imported. Unless told to keep going, one of them means that nothing was.
    pub bad_rows: Vec<BadRow>,
}

/// How many look-ups are under way at once.
const LOOKUPS: usize = 8;

impl App {
    /// Adds the clients of a file in one transaction. With a bad row nothing is added, unless `keep_going`.
    /// `progress` hears how many rows of how many are ready.
    pub async fn import_clients(
        &self,
        by: &Origin,
        file: ImportFile,
        keep_going: bool,
        progress: impl Fn(u64, u64),
    ) -> Result<ImportReport> {
        let (rows, bad_rows) = split_rows(file);
        let mut report = ImportReport {
            bad_rows,
            ..ImportReport::default()
        };
        if !report.bad_rows.is_empty() && !keep_going {
            return Ok(report);
        }
        let total = rows.len() as u64;
        let missing = self.without_existing(rows).await?;
        report.existing = total - missing.len() as u64;
        progress(report.existing, total);

        let mut records = Vec::with_capacity(missing.len());
        let threads = self.config.authentication.hashing_threads;
        let mut ready = stream::iter(missing)
            .map(|client| self.prepare_import(client))
            .buffered(threads);
        while let Some(record) = ready.try_next().await? {
            records.push(record);
            progress(report.existing + records.len() as u64, total);
        }
        let stamp = by.at(self.clock.now());
        report.imported = self.store.insert_missing_clients(&records, stamp).await?;
        // Those that somebody else registered while we were hashing.
        report.existing += records.len() as u64 - report.imported;
        for record in &records {
            self.directory.forget(&record.client.client_id);
        }
        Ok(report)
    }

    async fn without_existing(&self, rows: Vec<ImportedClient>) -> Result<Vec<ImportedClient>> {
        let looked_up: Vec<(ImportedClient, bool)> = stream::iter(rows)
            .map(|row| async move {
                let exists = self.store.has_client(&row.client_id).await?;
                Ok::<_, crate::error::Error>((row, exists))
            })
            .buffered(LOOKUPS)
            .try_collect()
            .await?;
        Ok(looked_up
            .into_iter()
            .filter(|(_, exists)| !exists)
            .map(|(row, _)| row)
            .collect())
    }

    async fn prepare_import(&self, row: ImportedClient) -> Result<ClientRecord> {
        let now = self.clock.now();
        let origin = SecretOrigin::Chosen;
        let secret_hash = match row.secret {
            ImportedSecret::Plain(plain) => self.hash_secret(&plain, origin).await?,
            ImportedSecret::Hash(hash) => hash,
        };
        let secret = ClientSecret {
            secret_id: SecretId::random(),
            origin,
            secret_hash,
            hint: String::new(),
            created_at: now,
            expires_at: None,
        };
        let client = Client {
            client_id: row.client_id,
            name: row.name,
            description: row.description,
            status: row.status,
            scopes: row.scopes,
            audiences: row.audiences,
            metadata: row.metadata,
            token_ttl: row.token_ttl,
            authentication: AuthenticationSettings::default(),
            sender_constraint: row.sender_constraint,
            created_at: now,
            updated_at: now,
        };
        Ok(ClientRecord {
            client,
            secrets: vec![secret],
        })
    }
}

/// The good rows, and the bad ones with their reasons; a `client_id` that comes again is bad.
fn split_rows(file: ImportFile) -> (Vec<ImportedClient>, Vec<BadRow>) {
    let (mut good, mut bad, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
    for (line, row) in file.rows {
        match row {
            Ok(client) => match seen.get(&client.client_id) {
                Some(first) => bad.push(BadRow {
                    line,
                    reason: format!(
                        "the client_id `{}` stands on line {first} already",
                        client.client_id
                    ),
                }),
                None => {
                    seen.insert(client.client_id.clone(), line);
                    good.push(client);
                }
            },
            Err(reason) => bad.push(BadRow { line, reason }),
        }
    }
    (good, bad)
}
