//! Owns the writing of whole clients, many in one transaction: what a file says of them, beside those that are there
//! or in their place.

use std::collections::HashMap;

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, Change, ClientCutoff, ClientId, ClientRecord, ClientStatus, ExpectedVersion,
    Revocation, SecretId, Stamp,
};
use crate::store::clients::record::{insert_record, lock_record, replace_record};
use crate::store::clients::row::of_client;
use crate::store::db::conn::Tx;
use crate::store::db::query::{ToValue, query};
use crate::store::db::row::Row;
use crate::store::replication::changes::append_change;
use crate::store::tokens::{insert_cutoff, list_disabled};
use crate::store::{Store, StoreError};

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
    /// What was revoked of those that are off now, or on again.
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
    /// Writes clients in one transaction. What those are issued that are off is revoked up to `cutoff`. Replicas are told
    /// of those that were there; of a new one none remembers that it was not.
    pub async fn write_clients(
        &self,
        writes: &[ClientWrite],
        actions: WriteActions,
        cutoff: UnixTime,
        stamp: Stamp<'_>,
    ) -> Result<WrittenClients, StoreError> {
        let mut conn = self.acquire_unhurried().await?;
        let mut tx = conn.begin().await?;
        let mut written = WrittenClients::default();
        let mut events = Vec::new();
        let (mut told, mut cuts) = (Vec::new(), Vec::new());
        let mut inserted = Vec::new();
        for write in writes {
            let record = &write.record;
            let (client, id) = (&record.client, &record.client.client_id);
            if insert_record(&mut tx, record, stamp.at).await? {
                stamp.by.actor.check_grant(None, client)?;
                inserted.push(client);
                events.push(of_client(actions.insert, id).after(record));
                written.outcomes.push(ClientWritten::Inserted);
                continue;
            }
            match replace_client(&mut tx, write, stamp).await? {
                Ok(before) => {
                    told.push(id);
                    if before.client.status != client.status {
                        cuts.push((id, client.status, stamp.at));
                    }
                    events.push(of_client(actions.replace, id).difference(before, record));
                    written.outcomes.push(ClientWritten::Replaced);
                }
                Err(outcome) => written.outcomes.push(outcome),
            }
        }
        // From here on locks are taken that all others wait for.
        let disabled = list_disabled(&mut tx).await?;
        for client in inserted {
            // A deleted client's tokens are revoked whenever they were issued, those of this one are not; and one
            // that is off may have tokens of another server with the same keys.
            let id = &client.client_id;
            if disabled.contains(id.as_str()) || client.status == ClientStatus::Disabled {
                cuts.push((id, client.status, client.created_at));
            }
        }
        for (id, status, since) in cuts {
            let cut = match status {
                ClientStatus::Enabled => ClientCutoff {
                    cutoff: since,
                    disabled: false,
                },
                ClientStatus::Disabled => ClientCutoff {
                    cutoff,
                    disabled: true,
                },
            };
            written
                .revocations
                .push(insert_cutoff(&mut tx, id, cut, stamp.at).await?);
        }
        for id in told {
            append_change(&mut tx, Change::Client(id.clone()), stamp.at).await?;
        }
        self.commit_events(tx, stamp, events).await?;
        Ok(written)
    }

    /// Whose each of these secrets is, of those that are there.
    pub async fn find_secret_owners(
        &self,
        ids: &[&SecretId],
    ) -> Result<HashMap<String, ClientId>, StoreError> {
        let mut owners = HashMap::new();
        for ids in ids.chunks(crate::store::clients::find::AT_ONCE) {
            let mut query =
                query("select secret_id, client_id from client_secrets where secret_id in ");
            query.push_list(ids.iter().map(|id| id.to_value()));
            let read = |row: &Row| Ok((row.get("secret_id")?, row.parse("client_id")?));
            owners.extend(
                query
                    .fetch_all(&mut self.acquire_read().await?, read)
                    .await?,
            );
        }
        Ok(owners)
    }
}

/// Makes a client that is there what is written, if it is as expected; what it was, or what came of it otherwise.
async fn replace_client(
    tx: &mut Tx<'_>,
    write: &ClientWrite,
    stamp: Stamp<'_>,
) -> Result<Result<ClientRecord, ClientWritten>, StoreError> {
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
    if before == after {
        return Ok(Err(ClientWritten::Unchanged));
    }
    replace_record(tx, &before, &mut after, stamp.at).await?;
    Ok(Ok(before))
}
