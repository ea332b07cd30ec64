//! Owns the judging of rows: what would come of each, beside what is there and what came before it in the file. Writes
//! nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::app::clients::Clients;
use crate::app::clients::diff::diff;
use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, RefusedRow, Row,
};
use crate::app::clients::transfer::import::report::{ImportLine, ImportOutcome, OnConflict};
use crate::app::error::{Error, Result};
use crate::domain::{
    Client, ClientEffect, ClientId, ClientRecord, ClientVersion, ErrorCode, ExpectedVersion,
    MAX_LIVE_SECRETS, Origin, SecretId,
};

/// A row that was judged, and what is to be written of it.
pub(in crate::app::clients::transfer) struct Examined {
    pub(in crate::app::clients::transfer) line: ImportLine,
    pub(in crate::app::clients::transfer) planned: Option<Planned>,
    /// Whether the row is bad because its actor may not write such a client.
    pub(in crate::app::clients::transfer) is_denied: bool,
}

/// A client to be written.
pub(in crate::app::clients::transfer) struct Planned {
    /// As it will be.
    pub(in crate::app::clients::transfer) client: Client,
    pub(in crate::app::clients::transfer) secrets: Vec<ImportedSecret>,
    /// What is there.
    pub(in crate::app::clients::transfer) before: Option<ClientRecord>,
    /// What has to be there still: of a client that the file does not say whole, a part is taken from it.
    pub(in crate::app::clients::transfer) expected: ExpectedVersion,
}

/// Which names came before, on which line. Their digests: a file may have millions, and ids are long.
#[derive(Default)]
pub(in crate::app::clients::transfer) struct Seen {
    lines: HashMap<u64, u64>,
    hasher: RandomState,
}

impl Seen {
    /// The line on which the name came before; else it has come on this one.
    fn line_of(&mut self, kind: &str, name: &str, line: u64) -> Option<u64> {
        match self.lines.entry(self.hasher.hash_one((kind, name))) {
            std::collections::hash_map::Entry::Occupied(entry) => Some(*entry.get()),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(line);
                None
            }
        }
    }
}

impl Clients {
    /// Judges rows, in their order.
    pub(in crate::app::clients::transfer) async fn examine_import(
        &self,
        by: &Origin,
        rows: Vec<(u64, Row)>,
        on_conflict: OnConflict,
        seen: &mut Seen,
    ) -> Result<Vec<Examined>> {
        let clients = rows.iter().filter_map(|(_, row)| row.as_ref().ok());
        let ids: Vec<&ClientId> = clients.clone().map(|it| &it.client_id).collect();
        let mut there = self.core.store.find_clients(&ids).await?;
        let kept: Vec<&SecretId> = clients.flat_map(kept_secrets).collect();
        let owners = self.core.store.find_secret_owners(&kept).await?;
        let examined = rows.into_iter().map(|(line, row)| match row {
            Ok(imported) => {
                let before = there.remove(&imported.client_id);
                let twice =
                    find_twice(&imported, line, seen).or_else(|| find_owner(&imported, &owners));
                self.examine_row(by, line, imported, before, on_conflict, twice)
            }
            Err(refused) => Examined::refused(line, refused),
        });
        Ok(examined.collect())
    }

    fn examine_row(
        &self,
        by: &Origin,
        line: u64,
        imported: ImportedClient,
        before: Option<ClientRecord>,
        on_conflict: OnConflict,
        twice: Option<String>,
    ) -> Examined {
        let id = imported.client_id.to_string();
        let now = self.core.now();
        let replaced = before.as_ref();
        let replaced = replaced.filter(|_| on_conflict == OnConflict::Replace);
        let client = imported.client_beside(replaced.map(|it| &it.client), now);
        let live_secrets = imported.secrets.iter().filter(|it| it.is_live(now));
        // An export may have secrets from before the methods changed.
        let count = imported
            .stamps
            .as_ref()
            .map_or(imported.secrets.len(), |_| 0);
        let checked = client.authentication.check_secrets(count);
        let checked = checked
            .map_err(Error::from)
            .and_then(|()| self.check_described(by, &client, live_secrets.count(), replaced))
            .and_then(|()| twice.map_or(Ok(()), |why| Err(Error::invalid_request(why))));
        if let Err(error) = checked {
            let is_denied = error.code == ErrorCode::AccessDenied;
            let refused = RefusedRow::bad(Some(&id), error.description);
            return Examined {
                is_denied,
                ..Examined::refused(line, refused)
            };
        }
        let outcome = match &before {
            None => ImportOutcome::Created,
            Some(_) if on_conflict == OnConflict::Skip => ImportOutcome::Existing,
            Some(_) if on_conflict == OnConflict::Refuse => ImportOutcome::Bad {
                reason: format!("there is a client `{id}` already"),
            },
            Some(before) => imported.outcome_beside(before, &client),
        };
        let is_written = matches!(
            outcome,
            ImportOutcome::Created | ImportOutcome::Replaced { .. }
        );
        let expected = match &before {
            Some(before) if !imported.is_complete => {
                ExpectedVersion::OneOf(vec![ClientVersion::from(&before.client)])
            }
            Some(_) | None => ExpectedVersion::Any,
        };
        let planned = Planned {
            expected,
            client,
            secrets: imported.secrets,
            before,
        };
        Examined {
            line: ImportLine::new(line, Some(id), outcome, &imported.remarks),
            planned: is_written.then_some(planned),
            is_denied: false,
        }
    }

    /// Refuses a client of a file that could not be used, or that the actor may not write in the place of `replaced`:
    /// what the store would say is told before anything is written, and in a dry run.
    pub(in crate::app) fn check_described(
        &self,
        by: &Origin,
        client: &Client,
        live_secrets: usize,
        replaced: Option<&ClientRecord>,
    ) -> Result<()> {
        if let Some(ClientRecord { client, .. }) = replaced {
            let (id, scopes) = (&client.client_id, &client.scopes);
            by.actor
                .check_client_write(id, scopes, ClientEffect::Changes)?;
        }
        by.actor.check_grant(&client.scopes)?;
        self.check_authentication(&client.authentication)?;
        if live_secrets > MAX_LIVE_SECRETS {
            return Err(Error::invalid_request(format!(
                "a client has at most {MAX_LIVE_SECRETS} live secrets"
            )));
        }
        Ok(())
    }
}

impl Examined {
    fn refused(line: u64, refused: RefusedRow) -> Self {
        let reason = refused.reason;
        let outcome = if refused.is_bad {
            ImportOutcome::Bad { reason }
        } else {
            ImportOutcome::Skipped { reason }
        };
        Self {
            line: ImportLine::new(line, refused.client_id, outcome, &[]),
            planned: None,
            is_denied: false,
        }
    }
}

impl ImportedClient {
    fn outcome_beside(&self, before: &ClientRecord, after: &Client) -> ImportOutcome {
        let mut fields: Vec<String> = diff(&before.client, after)
            .into_iter()
            .map(|it| it.field)
            .collect();
        let same = self.secrets.len() == before.secrets.len()
            && self.secrets.iter().all(|secret| match secret {
                ImportedSecret::Plain(..) => false,
                ImportedSecret::Hash(hash, end) => before
                    .secrets
                    .iter()
                    .any(|it| it.secret_hash == *hash && it.expires_at == *end),
                ImportedSecret::Kept(kept) => before.secrets.contains(kept),
            });
        if !same {
            fields.push("secrets".to_owned());
        }
        let same_times = self.stamps.as_ref().is_none_or(|it| {
            it.created_at == before.client.created_at && it.updated_at == before.client.updated_at
        });
        if fields.is_empty() && same_times {
            return ImportOutcome::Unchanged;
        }
        ImportOutcome::Replaced { fields }
    }
}

fn kept_secrets(imported: &ImportedClient) -> impl Iterator<Item = &SecretId> {
    imported.secrets.iter().filter_map(|secret| match secret {
        ImportedSecret::Kept(secret) => Some(&secret.secret_id),
        ImportedSecret::Plain(..) | ImportedSecret::Hash(..) => None,
    })
}

/// What of a client came before in the file.
fn find_twice(imported: &ImportedClient, line: u64, seen: &mut Seen) -> Option<String> {
    let id = &imported.client_id;
    if let Some(first) = seen.line_of("client", id.as_str(), line) {
        return Some(format!(
            "the client_id `{id}` stands on line {first} already"
        ));
    }
    kept_secrets(imported).find_map(|secret_id| {
        let first = seen.line_of("secret", secret_id.as_str(), line)?;
        Some(format!(
            "the secret {secret_id} stands on line {first} already"
        ))
    })
}

/// A secret of a client that is another one's already.
fn find_owner(imported: &ImportedClient, owners: &HashMap<String, ClientId>) -> Option<String> {
    kept_secrets(imported).find_map(|secret_id| {
        let owner = owners.get(secret_id.as_str());
        let owner = owner.filter(|it| **it != imported.client_id)?;
        Some(format!(
            "the secret {secret_id} is one of `{owner}` already"
        ))
    })
}
