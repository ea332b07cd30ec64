//! Owns what is to be done so that clients are as a file says: the difference, and what forbids it.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::app::clients::Clients;
use crate::app::clients::diff::{FieldChange, diff};
use crate::app::clients::spec::secret::SecretsSpec;
use crate::app::clients::transfer::apply::manifest::{Entry, Manifest};
use crate::app::clients::transfer::apply::{AppliedClient, ApplyOptions, ApplyStep, Prune};
use crate::app::clients::transfer::import::SecretRules;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{
    Client, ClientEffect, ClientId, ClientRecord, ClientSecret, ClientStatus, ErrorCode, ManagedBy,
    Origin, SecretId,
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
            let client = entry
                .client
                .client_beside(before.as_ref().map(|it| &it.client), now);
            let checked = plan_entry(entry, client, before, &manifest.name, &rules)
                .and_then(|plan| self.check_plan(by, plan, &manifest.name, options));
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

    fn check_plan(
        &self,
        by: &Origin,
        plan: Planned,
        name: &ManagedBy,
        options: ApplyOptions,
    ) -> Result<Planned> {
        if let Some(ClientRecord { client, secrets }) = &plan.record {
            let live = secrets.iter().filter(|it| it.is_live(client.updated_at));
            self.check_described(by, client, live.count(), plan.before.as_ref())?;
        }
        let before = plan.before.as_ref();
        match before.and_then(|it| it.client.managed_by.as_ref()) {
            Some(other) if other != name && !options.take_over => Err(Error::conflict(format!(
                "the file `{other}` keeps it; take it over explicitly, or leave it out"
            ))),
            Some(_) | None => Ok(plan),
        }
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

fn plan_entry(
    entry: &Entry,
    mut client: Client,
    before: Option<ClientRecord>,
    name: &ManagedBy,
    rules: &SecretRules,
) -> Result<Planned> {
    let now = client.updated_at;
    client.managed_by = Some(name.clone());
    let mut remarks = Vec::new();
    if entry.client.status.is_none() && client.status == ClientStatus::Disabled {
        remarks.push("it is disabled, and the file does not say whether it is to be".to_owned());
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
        Some(SecretsSpec::Make) => {
            let has_one = known.iter().any(|secret| secret.is_live(now));
            return Ok((known.to_vec(), !has_one));
        }
        Some(SecretsSpec::These(list)) => list,
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
