//! Owns what is to be done so that clients are as a file says: the difference, and what forbids it.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::app::clients::Clients;
use crate::app::clients::diff::{FieldChange, diff};
use crate::app::clients::transfer::apply::manifest::{Entry, Manifest, Secrets};
use crate::app::clients::transfer::apply::{AppliedClient, ApplyOptions, ApplyStep, Prune};
use crate::app::clients::transfer::import::{SecretRules, check_rights};
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{
    ClientEffect, ClientId, ClientRecord, ClientSecret, ClientStatus, ErrorCode, MAX_LIVE_SECRETS,
    ManagedBy, Origin, SecretId,
};

/// How many mistakes are told at once.
const TOLD: usize = 20;

/// A client, and what is to be done about it.
pub(in crate::app) struct Planned {
    pub(in crate::app) applied: AppliedClient,
    /// What is there.
    pub(in crate::app) before: Option<ClientRecord>,
    /// As it is to be, but for a secret that is to be made.
    pub(in crate::app) record: Option<ClientRecord>,
}

impl Clients {
    /// What is to be done, for every client of the file and every one that is to be pruned.
    pub(in crate::app) async fn plan_application(
        &self,
        by: &Origin,
        manifest: &Manifest,
        options: ApplyOptions,
    ) -> Result<Vec<Planned>> {
        let ids: Vec<&ClientId> = manifest.entries.iter().map(Entry::id).collect();
        let mut there = self.core.store.find_clients(&ids).await?;
        let now = self.core.now();
        let rules = SecretRules::new(&self.core.config, None);
        let (mut planned, mut mistakes) = (Vec::new(), Vec::new());
        let mut code = ErrorCode::InvalidRequest;
        for entry in &manifest.entries {
            let before = there.remove(entry.id());
            let checked = check_rights(&by.actor, &entry.client, before.as_ref())
                .map_err(Error::from)
                .and_then(|()| self.check_authentication(&entry.client.authentication))
                .and_then(|()| check_before(before.as_ref(), &manifest.name, options))
                .and_then(|()| plan_entry(entry, before, &manifest.name, &rules, now));
            match checked {
                Ok(plan) => planned.push(plan),
                Err(error) => {
                    if error.code == ErrorCode::AccessDenied {
                        code = error.code;
                    }
                    mistakes.push(format!("{}: {}", entry.place, error.description));
                }
            }
        }
        self.check_secret_owners(&planned, &mut mistakes).await?;
        if !mistakes.is_empty() {
            let more = mistakes.len().saturating_sub(TOLD);
            mistakes.truncate(TOLD);
            if more > 0 {
                mistakes.push(format!("and {more} more"));
            }
            return Err(Error::new(code, mistakes.join("; ")));
        }
        if let Some(prune) = options.prune {
            let of_file: HashSet<&ClientId> = ids.into_iter().collect();
            planned.extend(self.plan_pruning(by, manifest, &of_file, prune).await?);
        }
        Ok(planned)
    }

    /// A secret has one client; each secret of the file is looked for.
    async fn check_secret_owners(
        &self,
        planned: &[Planned],
        mistakes: &mut Vec<String>,
    ) -> Result<()> {
        let records = planned.iter().filter_map(|plan| plan.record.as_ref());
        let secrets: Vec<(&SecretId, &ClientId)> = records
            .flat_map(|record| {
                let id = &record.client.client_id;
                record.secrets.iter().map(move |it| (&it.secret_id, id))
            })
            .collect();
        let ids: Vec<&SecretId> = secrets.iter().map(|(secret_id, _)| *secret_id).collect();
        let owners = self.core.store.find_secret_owners(&ids).await?;
        let mut seen: HashMap<&SecretId, &ClientId> = HashMap::new();
        for (secret_id, id) in secrets {
            let other = seen
                .insert(secret_id, id)
                .or_else(|| owners.get(secret_id.as_str()).filter(|it| *it != id));
            if let Some(other) = other {
                mistakes.push(format!(
                    "`{id}`: the secret {secret_id} is one of `{other}`"
                ));
            }
        }
        Ok(())
    }

    async fn plan_pruning(
        &self,
        by: &Origin,
        manifest: &Manifest,
        of_file: &HashSet<&ClientId>,
        prune: Prune,
    ) -> Result<Vec<Planned>> {
        let mut managed = self.core.store.list_managed_clients(&manifest.name).await?;
        managed.retain(|id| !of_file.contains(id));
        let ids: Vec<&ClientId> = managed.iter().collect();
        let mut there = self.core.store.find_clients(&ids).await?;
        let mut planned = Vec::new();
        for id in &managed {
            let Some(before) = there.remove(id) else {
                continue;
            };
            let step = match (prune, before.client.status) {
                (Prune::Delete, _) => {
                    let scopes = &before.client.scopes;
                    by.actor
                        .check_client_write(id, scopes, ClientEffect::Changes)?;
                    ApplyStep::Delete
                }
                (Prune::Disable, ClientStatus::Enabled) => ApplyStep::Disable,
                (Prune::Disable, ClientStatus::Disabled) => ApplyStep::Unchanged,
            };
            let applied = AppliedClient {
                client_id: id.clone(),
                step,
                changes: Vec::new(),
                makes_secret: false,
                remarks: vec!["the file no longer has it".to_owned()],
            };
            planned.push(Planned {
                applied,
                before: Some(before),
                record: None,
            });
        }
        Ok(planned)
    }
}

/// Whether what is there may become the file's.
fn check_before(
    before: Option<&ClientRecord>,
    name: &ManagedBy,
    options: ApplyOptions,
) -> Result<()> {
    let Some(before) = before else { return Ok(()) };
    match &before.client.managed_by {
        Some(other) if other != name && !options.take_over => Err(Error::conflict(format!(
            "the file `{other}` keeps it; take it over explicitly, or leave it out"
        ))),
        Some(_) | None => Ok(()),
    }
}

fn plan_entry(
    entry: &Entry,
    before: Option<ClientRecord>,
    name: &ManagedBy,
    rules: &SecretRules,
    now: UnixTime,
) -> Result<Planned> {
    let mut client = entry.client.clone();
    client.managed_by = Some(name.clone());
    client.created_at = before.as_ref().map_or(now, |it| it.client.created_at);
    client.updated_at = now;
    let mut remarks = Vec::new();
    if let Some(before) = before.as_ref().filter(|_| !entry.has_status) {
        client.status = before.client.status;
        if client.status == ClientStatus::Disabled {
            remarks
                .push("it is disabled, and the file does not say whether it is to be".to_owned());
        }
    }
    let known = before.as_ref().map_or(&[][..], |it| &it.secrets);
    let (secrets, makes_secret) = plan_secrets(entry, known, rules, now)?;
    let takes_secrets = client.authentication.allow_secrets();
    if takes_secrets && !makes_secret && !secrets.iter().any(|it| it.is_live(now)) {
        remarks.push("it has no secret that is good".to_owned());
    }
    let mut changes = match &before {
        Some(before) => diff(&before.client, &client),
        None => Vec::new(),
    };
    if let Some(change) = secrets_change(known, &secrets, makes_secret) {
        changes.push(change);
    }
    let step = match &before {
        None => ApplyStep::Create,
        Some(_) if changes.is_empty() => ApplyStep::Unchanged,
        Some(_) => ApplyStep::Change,
    };
    let applied = AppliedClient {
        client_id: client.client_id.clone(),
        step,
        changes,
        makes_secret,
        remarks,
    };
    Ok(Planned {
        applied,
        before,
        record: Some(ClientRecord { client, secrets }),
    })
}

/// The secrets that it is to have of those that are known, and whether one more is to be made.
fn plan_secrets(
    entry: &Entry,
    known: &[ClientSecret],
    rules: &SecretRules,
    now: UnixTime,
) -> Result<(Vec<ClientSecret>, bool)> {
    let list = match &entry.secrets {
        None => return Ok((known.to_vec(), false)),
        Some(Secrets::Make) => {
            let has_one = known.iter().any(|secret| secret.is_live(now));
            return Ok((known.to_vec(), !has_one));
        }
        Some(Secrets::These(list)) => list,
    };
    let mut secrets: Vec<ClientSecret> = Vec::new();
    for document in list {
        let mut secret = document.read(entry.id(), now, rules)?;
        // It is known by its id: the hash was renewed when it was first used.
        if let Some(known) = known.iter().find(|it| it.secret_id == secret.secret_id) {
            secret = ClientSecret {
                expires_at: secret.expires_at,
                unused_for: secret.unused_for.or(known.unused_for),
                ..known.clone()
            };
        }
        if secrets.iter().any(|it| it.secret_id == secret.secret_id) {
            return Err(Error::invalid_request("a secret is there twice"));
        }
        secrets.push(secret);
    }
    let live = secrets.iter().filter(|secret| secret.is_live(now)).count();
    if live > MAX_LIVE_SECRETS {
        return Err(Error::invalid_request(format!(
            "a client has at most {MAX_LIVE_SECRETS} live secrets"
        )));
    }
    // As the store has them.
    secrets.sort_by(|a, b| (a.created_at, &a.secret_id).cmp(&(b.created_at, &b.secret_id)));
    Ok((secrets, false))
}

/// Which secrets there are and will be, by their ids and ends.
fn secrets_change(
    before: &[ClientSecret],
    after: &[ClientSecret],
    makes_secret: bool,
) -> Option<FieldChange> {
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
    let old: Vec<Value> = before.iter().map(shown).collect();
    let mut new: Vec<Value> = after.iter().map(shown).collect();
    if makes_secret {
        new.push(json!("(one is made)"));
    }
    (old != new).then(|| FieldChange {
        field: "secrets".to_owned(),
        before: Value::from(old),
        after: Value::from(new),
    })
}

impl Entry {
    fn id(&self) -> &ClientId {
        &self.client.client_id
    }
}
