//! Owns which clients have a live secret whose stored hash takes more work than a file may bring, or cannot be verified at all.

use crate::app::clients::Clients;
use crate::app::clients::transfer::secrets::{FileSecrets, SecretRules};
use crate::app::error::Result;
use crate::domain::ClientId;
use crate::store::ClientsPage;

/// Clients that are read at once.
const BATCH: u32 = 1_000;

/// Clients with such a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeavySecrets {
    /// The first of them by id.
    pub named: Vec<ClientId>,
    /// How many there are.
    pub clients: u64,
}

impl Clients {
    /// Reads all clients, and names at most so many.
    pub async fn find_heavy_secrets(&self, most_named: usize) -> Result<HeavySecrets> {
        let rules = SecretRules::new(&self.core.config, FileSecrets::NONE);
        let now = self.core.now();
        let mut heavy = HeavySecrets::default();
        let mut page = ClientsPage {
            after: None,
            limit: BATCH,
        };
        loop {
            let read = self.core.store.list_client_records(&page).await?;
            for record in &read.records {
                let mut live = record.secrets.iter().filter(|it| it.is_live(now));
                if live.all(|secret| rules.allow(&secret.secret_hash)) {
                    continue;
                }
                heavy.clients += 1;
                if heavy.named.len() < most_named {
                    heavy.named.push(record.client.client_id.clone());
                }
            }
            let is_last = read.records.len() < BATCH as usize;
            match read.records.into_iter().next_back() {
                Some(last) if !is_last => page.after = Some(last.client.client_id),
                Some(_) | None => return Ok(heavy),
            }
        }
    }
}
