//! Owns the plan for clients that a file describes: what would come of each, beside what is there and what came before it
//! in the file. An import and a manifest have the same one. Writes nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};

use serde_json::{Map, Value, json};

use crate::app::clients::Clients;
use crate::app::clients::crud::taken;
use crate::app::clients::diff::{FieldChange, diff, members};
use crate::app::clients::transfer::formats::imported_client::{
    ImportedClient, ImportedSecret, Row,
};
use crate::app::clients::transfer::import::{ImportLine, ImportOutcome, OnConflict};
use crate::app::error::{Error, Result};
use crate::base::redact::redact;
use crate::domain::{
    Client, ClientEffect, ClientId, ClientRecord, ClientSecret, ErrorCode, MAX_LIVE_SECRETS,
    MIN_STRONG_BITS, MIN_STRONG_LENGTH, ManagedBy, Origin, SecretId, TrustedIssuer,
};

/// What becomes of clients that are there.
#[derive(Clone, Copy, Default)]
pub(super) struct PlanOptions<'a> {
    pub(super) on_conflict: OnConflict,
    /// The manifest that is to manage the clients.
    pub(super) manifest: Option<&'a ManagedBy>,
    /// Whether it takes over those that another one manages.
    pub(super) take_over: bool,
    /// Issuers that are written before the clients.
    pub(super) issuers: &'a [TrustedIssuer],
    /// Whether the operator says that the secrets of the file were generated.
    pub(super) vouches_for_secrets: bool,
}

/// What is to come of a row, and the client to be written if one is.
pub(super) type Planned = (ImportLine, Option<Box<PlannedWrite>>);

/// A client to be written.
pub(super) struct PlannedWrite {
    /// As it will be.
    pub(super) client: Client,
    pub(super) secrets: Vec<ImportedSecret>,
    /// Whether the operator says that the plain ones and the hashes were generated.
    pub(super) vouches_for_secrets: bool,
    /// Whether one more secret is to be made.
    pub(super) makes_secret: bool,
    pub(super) before: Option<ClientRecord>,
    /// Whether nothing of it is taken from what is there. Else that has to be there still.
    pub(super) is_whole: bool,
    /// The changed members; of secrets, their IDs.
    pub(super) changes: Vec<FieldChange>,
}

/// Which names came before, on which line. Their digests: a file may have millions, and ids are long.
#[derive(Default)]
pub(super) struct Seen {
    lines: HashMap<u64, u64>,
    hasher: RandomState,
}

impl Seen {
    /// What of a client came before in the file.
    fn find_twice(&mut self, imported: &ImportedClient, line: u64) -> Option<String> {
        let id = &imported.client_id;
        if let Some(first) = self.line_of("client", id.as_str(), line) {
            return Some(format!("the client_id `{id}` is already on line {first}"));
        }
        imported.secret_ids().find_map(|secret_id| {
            let first = self.line_of("secret", secret_id.as_str(), line)?;
            Some(format!("the secret {secret_id} is already on line {first}"))
        })
    }

    /// The line on which the name came before; else it has come on this one.
    fn line_of(&mut self, kind: &str, name: &str, line: u64) -> Option<u64> {
        match self.lines.entry(self.hasher.hash_one((kind, name))) {
            Entry::Occupied(entry) => Some(*entry.get()),
            Entry::Vacant(entry) => {
                entry.insert(line);
                None
            }
        }
    }
}

impl Clients {
    /// Plans rows, in their order. `seen` is of the rows before these, where lines are worth a mention.
    pub(super) async fn plan(
        &self,
        by: &Origin,
        rows: Vec<(u64, Row)>,
        options: PlanOptions<'_>,
        mut seen: Option<&mut Seen>,
    ) -> Result<Vec<Planned>> {
        self.issuers.all().await?;
        let clients = rows.iter().filter_map(|(_, row)| row.as_ref().ok());
        let ids: Vec<&ClientId> = clients.clone().map(|it| &it.client_id).collect();
        let mut there = self.core.store.find_clients(&ids).await?;
        let secret_ids: Vec<&SecretId> = clients.flat_map(ImportedClient::secret_ids).collect();
        let mut owners = self.core.store.find_secret_owners(&secret_ids).await?;
        let planned = rows.into_iter().map(|(line, row)| {
            let mut imported = match row {
                Ok(imported) => imported,
                Err(refused) => return (ImportLine::refused(line, refused), None),
            };
            let before = there.remove(&imported.client_id);
            let twice = seen
                .as_deref_mut()
                .and_then(|seen| seen.find_twice(&imported, line))
                .or_else(|| claim_secrets(&imported, &mut owners));
            let planned = self.plan_client(by, &mut imported, before, options, twice);
            let mut told = ImportLine::new(line, Some(imported.client_id.to_string()));
            match planned {
                Ok((outcome, write)) => {
                    let remarks = imported.remarks.iter();
                    told.remarks = remarks.map(|it| redact(it).into_owned()).collect();
                    told.outcome = outcome;
                    if let (Some(there), Some(write)) = (imported.there.take(), &write) {
                        told.there = Some(there);
                        told.here = Some(shown(&write.client));
                    }
                    if let (ImportOutcome::Replaced, Some(write)) = (outcome, &write) {
                        let changes = write.changes.iter();
                        told.fields = Some(changes.map(|it| it.field.clone()).collect());
                    }
                    (told, write)
                }
                Err(error) => {
                    told.is_denied = error.code == ErrorCode::AccessDenied;
                    told.reason = Some(error.description.into_owned());
                    (told, None)
                }
            }
        });
        Ok(planned.collect())
    }

    fn plan_client(
        &self,
        by: &Origin,
        imported: &mut ImportedClient,
        before: Option<ClientRecord>,
        options: PlanOptions<'_>,
        twice: Option<String>,
    ) -> Result<(ImportOutcome, Option<Box<PlannedWrite>>)> {
        let now = self.core.now();
        let replaced = before.as_ref();
        let replaced = replaced.filter(|_| options.on_conflict == OnConflict::Replace);
        let mut client = imported.client_beside(replaced.map(|it| &it.client), now);
        let known = replaced.map_or(&[][..], |it| &it.secrets);
        let settings = &client.authentication;
        settings.check_secrets(imported.count_new_secrets())?;
        let (secrets, makes_secret) = imported.take_secrets(known, now);
        let live = secrets.iter().filter(|it| it.is_live(now)).count();
        self.check_planned(by, &client, live, before.as_ref(), options)?;
        let is_foreign = imported.there.is_some();
        if is_foreign && live == 0 && !secrets.is_empty() {
            let why = "all its secrets have expired, so the client cannot log in";
            imported.remarks.push(why.to_owned());
        }
        let vouches = options.vouches_for_secrets;
        if vouches && secrets.iter().any(ImportedSecret::is_weak) {
            imported.remarks.push(format!(
                "its secret has fewer than {MIN_STRONG_LENGTH} characters or less than about {MIN_STRONG_BITS} bits \
                    of entropy, so it counts as chosen"
            ));
        }
        if let Some(name) = options.manifest {
            mark(&mut client, name, options.take_over)?;
            imported.add_remarks(&client, makes_secret || live > 0);
        }
        if let Some(why) = twice {
            return Err(Error::invalid_request(why));
        }
        match options.on_conflict {
            OnConflict::Skip if before.is_some() => return Ok((ImportOutcome::Existing, None)),
            OnConflict::Refuse if before.is_some() => return Err(taken(&client.client_id)),
            OnConflict::Skip | OnConflict::Refuse | OnConflict::Replace => {}
        }
        let mut changes = replaced.map_or_else(Vec::new, |it| diff(&it.client, &client));
        changes.extend(secrets_change(known, &secrets, vouches, makes_secret));
        let outcome = match replaced {
            None => ImportOutcome::Created,
            Some(it) if changes.is_empty() && imported.has_times_of(&it.client) => {
                return Ok((ImportOutcome::Unchanged, None));
            }
            Some(_) => ImportOutcome::Replaced,
        };
        let write = PlannedWrite {
            client,
            secrets,
            vouches_for_secrets: vouches,
            makes_secret,
            before,
            is_whole: imported.is_complete && options.manifest.is_none(),
            changes,
        };
        Ok((outcome, Some(Box::new(write))))
    }

    /// Refuses a client that could not be used, or that the actor may not write in the place of `before`: what the store
    /// would say is told before anything is written, and in a dry run.
    fn check_planned(
        &self,
        by: &Origin,
        client: &Client,
        live_secrets: usize,
        before: Option<&ClientRecord>,
        options: PlanOptions<'_>,
    ) -> Result<()> {
        let before = before.map(|it| &it.client);
        if let Some(before) = before.filter(|_| options.on_conflict == OnConflict::Replace) {
            let (id, scopes) = (&before.client_id, &before.scopes);
            by.actor
                .check_client_write(id, scopes, ClientEffect::Changes)?;
        }
        by.actor.check_grant(before, client)?;
        self.check_authentication(&client.authentication)?;
        self.check_identifiers(&client.identifiers)?;
        self.check_exchange_rules(&client.exchange_rules)?;
        let (issuers, planned) = (&self.issuers, options.issuers);
        issuers.check_client_id(&client.client_id, planned)?;
        issuers.check_identities(&client.authentication.identities, planned)?;
        if live_secrets > MAX_LIVE_SECRETS {
            return Err(Error::invalid_request(format!(
                "a client can have at most {MAX_LIVE_SECRETS} live secrets"
            )));
        }
        Ok(())
    }
}

/// Marks a client with the manifest that is to manage it, unless another one does.
fn mark(client: &mut Client, name: &ManagedBy, take_over: bool) -> Result<()> {
    let other = client.managed_by.replace(name.clone());
    match other.filter(|other| other != name && !take_over) {
        Some(other) => Err(Error::conflict(format!(
            "the manifest `{other}` manages the client; take it over explicitly, or remove it from this file"
        ))),
        None => Ok(()),
    }
}

/// What of a client can be compared with what another server has of it.
fn shown(client: &Client) -> Map<String, Value> {
    const SHOWN: [&str; 7] = [
        "scopes",
        "explicit_scopes_only",
        "audiences",
        "metadata",
        "token_ttl",
        "auth_methods",
        "status",
    ];
    let mut members = members(client);
    members.retain(|name, _| SHOWN.contains(&name.as_str()));
    members
}

/// A secret of a client that is another one's already; else they are its own from now on.
fn claim_secrets(
    imported: &ImportedClient,
    owners: &mut HashMap<String, ClientId>,
) -> Option<String> {
    imported.secret_ids().find_map(|secret_id| {
        let owner = owners.entry(secret_id.to_string());
        let owner = owner.or_insert_with(|| imported.client_id.clone());
        (*owner != imported.client_id)
            .then(|| format!("the secret {secret_id} already belongs to `{owner}`"))
    })
}

/// Which secrets there are and will be, by their ids and ends.
fn secrets_change(
    before: &[ClientSecret],
    after: &[ImportedSecret],
    are_vouched: bool,
    makes_secret: bool,
) -> Option<FieldChange> {
    let is_same =
        before.len() == after.len() && after.iter().all(|it| it.is_one_of(before, are_vouched));
    if is_same && !makes_secret {
        return None;
    }
    let shown = |secret: &ClientSecret| {
        let mut text = secret.secret_id.to_string();
        if let Some(end) = secret.expires_at {
            text += &format!(" until {end}");
        }
        if let Some(span) = secret.unused_for {
            text += &format!(", {span} after its last use");
        }
        json!(text)
    };
    let made = makes_secret.then(|| json!("(one is made)"));
    let after = after.iter().map(|it| match it {
        ImportedSecret::Kept(secret) => shown(secret),
        ImportedSecret::Plain(..) | ImportedSecret::Hash(..) => json!("(one of the file)"),
    });
    Some(FieldChange {
        field: "secrets".to_owned(),
        before: before.iter().map(shown).collect(),
        after: after.chain(made).collect::<Value>(),
    })
}
