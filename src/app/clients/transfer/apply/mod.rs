//! Making clients what a file says: the use case. What the file looks like is `manifest`'s business, what is to be done
//! about it `plan`'s. A client is the file's by its mark, and no other is ever pruned.

mod manifest;
use utoipa::ToSchema;
mod plan;

use serde::Serialize;

pub use manifest::Manifest;

use crate::app::clients::Clients;
use crate::app::clients::diff::FieldChange;
use crate::app::error::{Error, Result};
use crate::app::secrets::crud::NewSecret;
use crate::base::secret::Secret;
use crate::domain::{
    Action, Client, ClientId, ClientRecord, ClientStatus, ClientVersion, ExpectedVersion,
    ManagedBy, Origin, word_enum,
};
use crate::store::{ClientWrite, ClientWritten, IfTaken, WriteActions};
use plan::Planned;

word_enum! {
    /// What becomes of a client that the file keeps and no longer has.
    pub enum Prune, "pruning" {
        /// It gets no more tokens; its record stays.
        Disable = "disable",
        /// It is removed.
        Delete = "delete",
    }
}

word_enum! {
    /// What comes, or in a dry run would come, of a client.
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
}

/// A client of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AppliedClient {
    /// Whom it is about.
    pub client_id: ClientId,
    /// What comes of it.
    pub step: ApplyStep,
    /// What differs; of secrets, which there are.
    pub changes: Vec<FieldChange>,
    /// Whether a secret is made for it.
    pub makes_secret: bool,
    /// What else to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// What came, or in a dry run would come, of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApplyReport {
    /// What its clients are marked with.
    pub name: ManagedBy,
    /// Whether nothing was written because nothing was to be.
    pub dry_run: bool,
    /// Every client of the file in its order, then those that are pruned.
    pub clients: Vec<AppliedClient>,
}

impl ApplyReport {
    /// How many clients this step is for.
    pub fn count(&self, step: ApplyStep) -> usize {
        self.clients.iter().filter(|it| it.step == step).count()
    }

    /// Whether everything is as the file says.
    pub fn is_empty(&self) -> bool {
        self.count(ApplyStep::Unchanged) == self.clients.len()
    }
}

/// What is told while a file is applied.
pub enum ApplyNews<'a> {
    /// A secret was made, and counts as soon as this returns: the only time it can be had.
    Secret(&'a ClientId, &'a Secret<String>),
    /// A client is done.
    Done(&'a AppliedClient),
}

/// Who hears how a file is applied; that a secret could not be kept ends it.
pub type ApplyListener<'a> = dyn FnMut(ApplyNews<'_>) -> Result<()> + Send + 'a;

impl Clients {
    /// Makes clients what a file says, one after another, each in a transaction of its own; a second time there is nothing
    /// left to do. Nothing is done with a mistake anywhere in it.
    pub async fn apply(
        &self,
        by: &Origin,
        manifest: &Manifest,
        options: ApplyOptions,
        tell: &mut ApplyListener<'_>,
    ) -> Result<ApplyReport> {
        let planned = self.plan_application(by, manifest, options).await?;
        if !options.dry_run {
            for plan in &planned {
                self.carry_out(by, plan, tell).await?;
                tell(ApplyNews::Done(&plan.applied))?;
            }
        }
        Ok(ApplyReport {
            name: manifest.name.clone(),
            dry_run: options.dry_run,
            clients: planned.into_iter().map(|plan| plan.applied).collect(),
        })
    }

    async fn carry_out(
        &self,
        by: &Origin,
        plan: &Planned,
        tell: &mut ApplyListener<'_>,
    ) -> Result<()> {
        let id = &plan.applied.client_id;
        match (plan.applied.step, &plan.record) {
            (ApplyStep::Unchanged, _) | (ApplyStep::Create | ApplyStep::Change, None) => Ok(()),
            (ApplyStep::Disable, _) => self.set_status(by, id, ClientStatus::Disabled).await,
            (ApplyStep::Delete, _) => self.delete(by, id, &ExpectedVersion::Any).await,
            (ApplyStep::Create | ApplyStep::Change, Some(record)) => {
                let mut record = record.clone();
                if plan.applied.makes_secret {
                    let added = self.secrets.prepare(NewSecret::default()).await?;
                    tell(ApplyNews::Secret(id, &added.plain))?;
                    record.secrets.push(added.secret);
                }
                self.write_applied(by, plan.before.as_ref(), record).await
            }
        }
    }

    async fn write_applied(
        &self,
        by: &Origin,
        before: Option<&ClientRecord>,
        record: ClientRecord,
    ) -> Result<()> {
        let id = record.client.client_id.clone();
        let seen = before.map(|it| ClientVersion::from(&it.client));
        let write = ClientWrite {
            record,
            if_taken: match seen {
                None => IfTaken::Leave,
                Some(seen) => IfTaken::Replace(ExpectedVersion::OneOf(vec![seen])),
            },
        };
        let actions = WriteActions {
            insert: Action::ClientCreate,
            replace: Action::ClientUpdate,
        };
        let written = self.write_whole_clients(by, &[write], actions).await?;
        match written.first() {
            Some(ClientWritten::Left | ClientWritten::OtherVersion) => Err(Error::conflict(
                format!("somebody else has changed `{id}` meanwhile; apply the file again"),
            )),
            _ => Ok(()),
        }
    }
}

impl Clients {
    /// Lets no file keep this client any more, so that it can be changed by hand; the client as it is then. A file that
    /// still has it takes it over again when it is applied.
    pub async fn detach(&self, by: &Origin, id: &ClientId) -> Result<Client> {
        let stamp = self.core.stamp(by);
        let done = self.core.store.release_client(id, stamp).await?;
        self.changed(id, done)?;
        Ok(self.find(id).await?.client)
    }
}
