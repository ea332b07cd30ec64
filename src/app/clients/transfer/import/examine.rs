//! Owns the judging of rows: what would come of each, beside what is there and what came before it in the file. Writes
//! nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::app::clients::Clients;
use crate::app::clients::diff::diff;
use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, Row,
};
use crate::app::clients::transfer::import::report::{ImportLine, ImportOutcome, OnConflict};
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::{
    AccessDenied, Actor, Client, ClientEffect, ClientId, ClientRecord, MAX_LIVE_SECRETS, Origin,
    SecretId,
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
    pub(in crate::app::clients::transfer) imported: ImportedClient,
    /// What is there.
    pub(in crate::app::clients::transfer) before: Option<ClientRecord>,
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
        let ids: Vec<&ClientId> = clients.clone().map(|it| &it.client.client_id).collect();
        let mut there = self.core.store.find_clients(&ids).await?;
        let kept: Vec<&SecretId> = clients.flat_map(kept_secrets).collect();
        let owners = self.core.store.find_secret_owners(&kept).await?;
        let examined = rows.into_iter().map(|(line, row)| {
            let imported = match row {
                Ok(imported) => imported,
                Err(refused) => {
                    let reason = refused.reason;
                    let outcome = if refused.is_bad {
                        ImportOutcome::Bad { reason }
                    } else {
                        ImportOutcome::Skipped { reason }
                    };
                    return Examined::refused(line, refused.client_id, outcome);
                }
            };
            let id = &imported.client.client_id;
            let name = Some(id.to_string());
            let bad = self
                .check_import(&imported)
                .or_else(|| find_twice(&imported, line, seen))
                .or_else(|| {
                    let mut kept = kept_secrets(&imported);
                    kept.find_map(|secret_id| {
                        let owner = owners.get(secret_id.as_str()).filter(|it| *it != id)?;
                        Some(format!(
                            "the secret {secret_id} is one of `{owner}` already"
                        ))
                    })
                });
            if let Some(reason) = bad {
                return Examined::refused(line, name, ImportOutcome::Bad { reason });
            }
            let before = there.remove(id);
            let replaced = before.as_ref();
            let replaced = replaced.filter(|_| on_conflict == OnConflict::Replace);
            if let Err(denied) = check_rights(&by.actor, &imported.client, replaced) {
                let reason = denied.to_string();
                return Examined {
                    is_denied: true,
                    ..Examined::refused(line, name, ImportOutcome::Bad { reason })
                };
            }
            let outcome = match &before {
                None => ImportOutcome::Created,
                Some(_) if on_conflict == OnConflict::Skip => ImportOutcome::Existing,
                Some(_) if on_conflict == OnConflict::Refuse => ImportOutcome::Bad {
                    reason: format!("there is a client `{id}` already"),
                },
                Some(before) => imported.outcome_beside(before),
            };
            let is_written = matches!(
                outcome,
                ImportOutcome::Created | ImportOutcome::Replaced { .. }
            );
            let line = ImportLine::new(line, name, outcome, &imported.remarks);
            Examined {
                line,
                planned: is_written.then_some(Planned { imported, before }),
                is_denied: false,
            }
        });
        Ok(examined.collect())
    }

    /// What is wrong with a client, whatever is there.
    fn check_import(&self, imported: &ImportedClient) -> Option<String> {
        let client = &imported.client;
        if let Err(error) = self.check_authentication(&client.authentication) {
            return Some(error.description.into_owned());
        }
        let now = self.core.now();
        let live = imported.secrets.iter().filter(|secret| match secret {
            ImportedSecret::Kept(secret) => secret.is_live(now),
            ImportedSecret::Plain(_, end) | ImportedSecret::Hash(_, end) => {
                end.is_none_or(|end| now < end)
            }
        });
        let is_full = live.count() > MAX_LIVE_SECRETS;
        is_full.then(|| format!("a client has at most {MAX_LIVE_SECRETS} live secrets"))
    }
}

/// What the store will say when a client of a file is written in the place of `before`: told before anything is written,
/// and in a dry run.
pub(in crate::app) fn check_rights(
    actor: &Actor,
    client: &Client,
    before: Option<&ClientRecord>,
) -> Result<(), AccessDenied> {
    if let Some(ClientRecord { client, .. }) = before {
        actor.check_client_write(&client.client_id, &client.scopes, ClientEffect::Changes)?;
    }
    actor.check_grant(&client.scopes)
}

impl Examined {
    fn refused(line: u64, client_id: Option<String>, outcome: ImportOutcome) -> Self {
        let line = ImportLine::new(line, client_id, outcome, &[]);
        Self {
            line,
            planned: None,
            is_denied: false,
        }
    }
}

impl ImportedClient {
    /// The client as it will be, beside what is there.
    pub(in crate::app::clients::transfer) fn client_beside(
        &self,
        before: Option<&Client>,
        now: UnixTime,
    ) -> Client {
        let mut client = self.client.clone();
        if !self.is_exact {
            client.managed_by = before.and_then(|it| it.managed_by.clone());
            // Files of others do not know these.
            client.token_quota = client.token_quota.or(before.and_then(|it| it.token_quota));
            if client.allowed_networks.is_empty() {
                let known = before.map(|it| it.allowed_networks.clone());
                client.allowed_networks = known.unwrap_or_default();
            }
            client.created_at = before.map_or(now, |it| it.created_at);
            client.updated_at = now;
        }
        client
    }

    fn outcome_beside(&self, before: &ClientRecord) -> ImportOutcome {
        let now = before.client.updated_at;
        let after = self.client_beside(Some(&before.client), now);
        let mut fields: Vec<String> = diff(&before.client, &after)
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
        let same_times = after.created_at == before.client.created_at && after.updated_at == now;
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
    let id = &imported.client.client_id;
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
