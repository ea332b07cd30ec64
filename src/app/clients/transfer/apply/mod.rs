//! Making clients, and the trusted issuers that they have identities at, what a file says: the use case. What the file looks
//! like is `manifest`'s business, what would come of a client `plan`'s. A client is the file's by its mark, and no other is
//! ever pruned; issuers have no mark and stay.

mod issuers;
mod manifest;
mod plain_words;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use issuers::AppliedIssuer;
pub use manifest::Manifest;

use crate::app::clients::Clients;
use crate::app::clients::diff::FieldChange;
use crate::app::clients::transfer::formats::imported_client::ImportedSecret;
use crate::app::clients::transfer::import::{ImportOutcome, OnConflict};
use crate::app::clients::transfer::plan::{PlanOptions, PlannedWrite};
use crate::app::clients::transfer::secrets::{FileSecrets, SecretRules};
use crate::app::error::{Error, Result};
use crate::app::secrets::crud::NewSecret;
use crate::base::secret::Secret;
use crate::domain::{
    Action, Client, ClientEffect, ClientId, ClientRecord, ClientStatus, ErrorCode, ExpectedVersion,
    ManagedBy, Origin, TrustedIssuer, word_enum,
};
use crate::store::{ClientWritten, WriteActions};

/// How many mistakes are told at once.
const TOLD: usize = 20;

word_enum! {
    /// What to do with a client of the manifest that the file no longer has.
    pub enum Prune, "pruning" {
        /// It gets no more tokens; its record stays.
        Disable = "disable",
        /// It is removed.
        Delete = "delete",
    }
}

word_enum! {
    /// The result of a client, also in a dry run.
    pub enum ApplyStep, "a step" {
        /// It is new.
        Create = "create",
        /// It becomes another.
        Change = "change",
        /// It is as the file says.
        Unchanged = "unchanged",
        /// It is pruned: it gets no more tokens.
        Disable = "disable",
        /// It is pruned: it is removed.
        Delete = "delete",
    }
}

/// How a file is applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyOptions {
    /// Whether nothing is written.
    pub dry_run: bool,
    /// What becomes of those that the file no longer has; `None`: nothing.
    pub prune: Option<Prune>,
    /// Whether clients that another file keeps become this one's.
    pub take_over: bool,
    /// Whether the actor may write trusted issuers at all. A program with `admin:write` alone may not, and its actor does not
    /// tell which scopes it came with.
    pub may_write_issuers: bool,
}

/// A client in the result of an apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppliedClient {
    /// The client.
    pub client_id: ClientId,
    /// The result.
    pub step: ApplyStep,
    /// The changed members; of secrets, their IDs.
    pub changes: Vec<FieldChange>,
    /// Whether the server generates a secret for it.
    pub makes_secret: bool,
    /// Remarks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// The result of a file, also in a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplyReport {
    /// The name of the manifest.
    pub name: ManagedBy,
    /// Whether it was a dry run, which writes nothing.
    pub dry_run: bool,
    /// The trusted issuers of the file, in its order. The server writes them before the clients.
    pub issuers: Vec<AppliedIssuer>,
    /// The clients of the file, in its order, then the pruned ones.
    pub clients: Vec<AppliedClient>,
}

impl ApplyReport {
    /// How many clients, and issuers if the file has some, each step is for: for people.
    pub fn summary(&self) -> String {
        use ApplyStep::{Change, Create, Delete, Disable, Unchanged};
        let [created, changed, disabled, deleted, unchanged] =
            [Create, Change, Disable, Delete, Unchanged].map(|step| self.count(step));
        let clients = format!(
            "{created} created, {changed} changed, {disabled} disabled, {deleted} deleted, {unchanged} unchanged"
        );
        match issuers::summary(&self.issuers) {
            Some(issuers) => format!("issuers: {issuers}; clients: {clients}"),
            None => clients,
        }
    }

    /// How many clients this step is for.
    pub fn count(&self, step: ApplyStep) -> usize {
        self.clients.iter().filter(|it| it.step == step).count()
    }

    /// Whether everything is as the file says.
    pub fn is_empty(&self) -> bool {
        let mut issuers = self.issuers.iter();
        self.count(ApplyStep::Unchanged) == self.clients.len()
            && issuers.all(|it| it.step == ApplyStep::Unchanged)
    }
}

/// What is told while a file is applied.
pub enum ApplyNews<'a> {
    /// A secret was made, and counts as soon as this returns: the only time it can be had.
    Secret(&'a ClientId, &'a Secret<String>),
    /// An issuer is done.
    IssuerDone(&'a AppliedIssuer),
    /// A client is done.
    Done(&'a AppliedClient),
}

/// Who hears how a file is applied; that a secret could not be kept ends it.
pub type ApplyListener<'a> = dyn FnMut(ApplyNews<'_>) -> Result<()> + Send + 'a;

/// What is to be done about a client.
type Step = (AppliedClient, Option<Box<PlannedWrite>>);

impl Clients {
    /// Makes trusted issuers and then clients what a file says, one after another, each in a transaction of its own; a second
    /// time there is nothing left to do. Nothing is done with a mistake anywhere in it.
    pub async fn apply(
        &self,
        by: &Origin,
        manifest: &Manifest,
        options: ApplyOptions,
        tell: &mut ApplyListener<'_>,
    ) -> Result<ApplyReport> {
        let planned = self.plan_issuers(by, manifest, options).await?;
        let after: Vec<TrustedIssuer> = planned.iter().map(|it| it.after.clone()).collect();
        let mut steps = self
            .plan_manifest(by, manifest, options.take_over, &after)
            .await?;
        if let Some(prune) = options.prune {
            steps.extend(self.plan_pruning(by, manifest, prune).await?);
        }
        let issuers = self.carry_out_issuers(by, planned, options, tell).await?;
        let mut clients = Vec::with_capacity(steps.len());
        for (applied, write) in steps {
            if !options.dry_run {
                self.carry_out(by, &applied, write, tell).await?;
                tell(ApplyNews::Done(&applied))?;
            }
            clients.push(applied);
        }
        Ok(ApplyReport {
            name: manifest.name.clone(),
            dry_run: options.dry_run,
            issuers,
            clients,
        })
    }

    async fn plan_manifest(
        &self,
        by: &Origin,
        manifest: &Manifest,
        take_over: bool,
        issuers: &[TrustedIssuer],
    ) -> Result<Vec<Step>> {
        let rules = SecretRules::new(&self.core.config, FileSecrets::NONE);
        let now = self.core.now();
        let rows = (0..).zip(manifest.entries.iter().map(|it| it.row(&rules, now)));
        let options = PlanOptions {
            on_conflict: OnConflict::Replace,
            manifest: Some(&manifest.name),
            take_over,
            issuers,
            ..PlanOptions::default()
        };
        let planned = self.plan(by, rows.collect(), options, None).await?;
        let (mut steps, mut mistakes) = (Vec::new(), Vec::new());
        let mut code = ErrorCode::InvalidRequest;
        for (entry, (line, mut write)) in manifest.entries.iter().zip(planned) {
            let (id, at) = (&entry.client.client_id, line.line);
            let step = match line.outcome {
                ImportOutcome::Created => ApplyStep::Create,
                ImportOutcome::Replaced => ApplyStep::Change,
                ImportOutcome::Unchanged | ImportOutcome::Existing => ApplyStep::Unchanged,
                ImportOutcome::Skipped | ImportOutcome::Bad => {
                    let why = line.reason.unwrap_or_default();
                    mistakes.push(format!("clients[{at}] `{id}`: {why}"));
                    if line.is_denied {
                        code = ErrorCode::AccessDenied;
                    }
                    continue;
                }
            };
            let mut applied = AppliedClient::new(id.clone(), step, line.remarks);
            if let Some(write) = &mut write {
                applied.makes_secret = write.makes_secret;
                applied.changes = std::mem::take(&mut write.changes);
            }
            steps.push((applied, write));
        }
        if mistakes.is_empty() {
            return Ok(steps);
        }
        let more = mistakes.len().saturating_sub(TOLD);
        mistakes.truncate(TOLD);
        mistakes.extend((more > 0).then(|| format!("and {more} more")));
        Err(Error::new(code, mistakes.join("; ")))
    }

    /// What is to be done about clients that the manifest manages and no longer has.
    async fn plan_pruning(
        &self,
        by: &Origin,
        manifest: &Manifest,
        prune: Prune,
    ) -> Result<Vec<Step>> {
        let entries = manifest.entries.iter();
        let of_file: HashSet<&ClientId> = entries.map(|it| &it.client.client_id).collect();
        let mut managed = self.core.store.list_managed_clients(&manifest.name).await?;
        managed.retain(|id| !of_file.contains(id));
        let ids: Vec<&ClientId> = managed.iter().collect();
        let mut there = self.core.store.find_clients(&ids).await?;
        let records = managed.iter().filter_map(|id| there.remove(id));
        let steps = records.map(|ClientRecord { client, .. }| {
            let step = match (prune, client.status) {
                (Prune::Delete, _) => {
                    let (id, scopes) = (&client.client_id, &client.scopes);
                    by.actor
                        .check_client_write(id, scopes, ClientEffect::Changes)?;
                    ApplyStep::Delete
                }
                (Prune::Disable, ClientStatus::Enabled) => ApplyStep::Disable,
                (Prune::Disable, ClientStatus::Disabled) => ApplyStep::Unchanged,
            };
            let remarks = vec!["the file no longer contains it".to_owned()];
            Ok((AppliedClient::new(client.client_id, step, remarks), None))
        });
        steps.collect()
    }

    async fn carry_out(
        &self,
        by: &Origin,
        applied: &AppliedClient,
        write: Option<Box<PlannedWrite>>,
        tell: &mut ApplyListener<'_>,
    ) -> Result<()> {
        let id = &applied.client_id;
        if let Some(mut write) = write {
            if write.makes_secret {
                let added = self.secrets.prepare(by, NewSecret::default()).await?;
                tell(ApplyNews::Secret(id, &added.plain))?;
                write.secrets.push(ImportedSecret::Kept(added.secret));
            }
            let actions = WriteActions {
                insert: Action::ClientCreate,
                replace: Action::ClientUpdate,
            };
            let written = self.write_planned(by, vec![*write], actions, |_| {});
            return match written.await?.first() {
                Some(ClientWritten::Left | ClientWritten::OtherVersion) => Err(Error::conflict(
                    format!("somebody changed `{id}` meanwhile; apply the file again"),
                )),
                _ => Ok(()),
            };
        }
        match applied.step {
            ApplyStep::Disable => {
                let disabled = self.set_status(by, id, ClientStatus::Disabled);
                disabled.await.map(drop)
            }
            ApplyStep::Delete => self.delete(by, id, &ExpectedVersion::Any).await,
            ApplyStep::Create | ApplyStep::Change | ApplyStep::Unchanged => Ok(()),
        }
    }

    /// Lets no file keep this client any more, so that it can be changed by hand; the client as it is then. A file that
    /// still has it takes it over again when it is applied.
    pub async fn detach(&self, by: &Origin, id: &ClientId) -> Result<Client> {
        let stamp = self.core.stamp(by);
        let released = self.core.store.release_client(id, stamp).await?;
        self.changed(id, released)
    }
}

impl AppliedClient {
    fn new(client_id: ClientId, step: ApplyStep, remarks: Vec<String>) -> Self {
        Self {
            client_id,
            step,
            changes: Vec::new(),
            makes_secret: false,
            remarks,
        }
    }
}
