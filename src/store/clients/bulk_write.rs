//! Owns the writing of whole clients, many in one transaction: what a file says of them, beside those that are there
//! or in their place.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{
    Action, Change, ClientId, ClientRecord, ClientStatus, ExpectedVersion, Generation, Revocation,
    SecretId, Stamp,
};
use crate::store::clients::record::{insert_record, lock_record, replace_record};
use crate::store::clients::row::of_client;
use crate::store::db::{Row, ToValue, Tx, query};
use crate::store::tokens::generation::{begin_generations, raise_generation};
use crate::store::tokens::revocations::below_generation;
use crate::store::{Result, Store};

/// A client to be written, and what to do when there is one of its id.
#[derive(Clone, Debug)]
pub struct ClientWrite {
    /// All of it.
    pub record: ClientRecord,
    /// What then.
    pub if_taken: IfTaken,
}

/// What to do with a client that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfTaken {
    /// It stays as it is.
    Leave,
    /// It becomes what is written, with its secrets, if it is as expected.
    Replace(ExpectedVersion),
}

/// What came of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientWritten {
    /// It was added.
    Inserted,
    /// It was there, and is another now.
    Replaced,
    /// It was there and the same.
    Unchanged,
    /// It was there and was left.
    Left,
    /// It is of another version.
    OtherVersion,
}

/// What came of all of them, in their order.
#[derive(Clone, Debug, Default)]
pub struct WrittenClients {
    /// Of each.
    pub outcomes: Vec<ClientWritten>,
    /// What was revoked of those that are off now.
    pub revocations: Vec<Revocation>,
}

/// What the events of a writing are called.
#[derive(Clone, Copy, Debug)]
pub struct WriteActions {
    /// For a client that was added.
    pub insert: Action,
    /// For one that was replaced.
    pub replace: Action,
}

impl Store {
    /// Writes clients in one transaction. Those that are off then have a generation that is not below `floor`, and what they
    /// were issued is revoked. Replicas are told of those that were there; of a new one none remembers that it was not.
    pub async fn write_clients(
        &self,
        writes: &[ClientWrite],
        actions: WriteActions,
        floor: Generation,
        stamp: Stamp<'_>,
    ) -> Result<WrittenClients> {
        let mut conn = self.acquire_unhurried().await?;
        let mut tx = conn.begin().await?;
        let mut written = WrittenClients::default();
        let mut events = Vec::new();
        let (mut told, mut inserted, mut disabled) = (Vec::new(), Vec::new(), BTreeSet::new());
        for write in writes {
            let record = &write.record;
            let (client, id) = (&record.client, &record.client.client_id);
            let is_off = client.status == ClientStatus::Disabled;
            if insert_record(&mut tx, record, stamp.at).await? {
                stamp.by.actor.check_grant(None, client)?;
                inserted.push(id);
                // It may have tokens of another server with the same keys.
                if is_off {
                    disabled.insert(id);
                }
                events.push(of_client(actions.insert, id).after(record));
                written.outcomes.push(ClientWritten::Inserted);
                continue;
            }
            match replace_client(&mut tx, write, stamp).await? {
                Ok(before) => {
                    told.push(id);
                    if before.client.status != client.status && is_off {
                        disabled.insert(id);
                    }
                    events.push(of_client(actions.replace, id).difference(before, record));
                    written.outcomes.push(ClientWritten::Replaced);
                }
                Err(outcome) => written.outcomes.push(outcome),
            }
        }
        begin_generations(&mut tx, &inserted, stamp.at).await?;
        let mut revocations = Vec::new();
        for id in disabled {
            let generation = raise_generation(&mut tx, id, floor).await?;
            revocations.push(below_generation(id, generation, stamp.at));
        }
        // Whom a subject of an issuer names may be another.
        let written_now = writes.iter().zip(&written.outcomes).filter(|(_, outcome)| {
            matches!(outcome, ClientWritten::Inserted | ClientWritten::Replaced)
        });
        let mut identities = written_now.map(|(it, _)| &it.record.client.authentication.identities);
        let issuers = identities
            .any(|it| !it.is_empty())
            .then_some(Change::Issuer);
        let changes = told.into_iter().cloned().map(Change::Client);
        let changes = changes.chain(issuers).collect();
        let appended = self.commit_revocations(tx, stamp, revocations, changes, events);
        written.revocations = appended.await?;
        Ok(written)
    }

    /// Whose each of these secrets is, of those that are there.
    pub async fn find_secret_owners(&self, ids: &[&SecretId]) -> Result<HashMap<String, ClientId>> {
        let mut owners = HashMap::new();
        for ids in ids.chunks(crate::store::clients::find::AT_ONCE) {
            let mut query =
                query("select secret_id, client_id from client_secrets where secret_id in ");
            query.push_list(ids.iter().map(|id| id.to_value()));
            let read = |row: &Row| Ok((row.get("secret_id")?, row.parse("client_id")?));
            let on = &mut self.acquire_read().await?;
            owners.extend(query.fetch_all(on, read).await?);
        }
        Ok(owners)
    }
}

/// Makes a client that is there what is written, if it is as expected; what it was, or what came of it otherwise.
async fn replace_client(
    tx: &mut Tx<'_>,
    write: &ClientWrite,
    stamp: Stamp<'_>,
) -> Result<Result<ClientRecord, ClientWritten>> {
    let IfTaken::Replace(expected) = &write.if_taken else {
        return Ok(Err(ClientWritten::Left));
    };
    let id = &write.record.client.client_id;
    // It cannot go meanwhile: the insertion has met it, and the lock holds it.
    let before = lock_record(tx, id, stamp).await?;
    let Some(before) = before.filter(|it| expected.admits(&it.client)) else {
        return Ok(Err(ClientWritten::OtherVersion));
    };
    let mut after = write.record.clone();
    stamp
        .by
        .actor
        .check_grant(Some(&before.client), &after.client)?;
    after.client.version = before.client.version;
    after.client.generation = before.client.generation;
    if before == after {
        return Ok(Err(ClientWritten::Unchanged));
    }
    replace_record(tx, &before, &mut after, stamp.at).await?;
    Ok(Ok(before))
}
