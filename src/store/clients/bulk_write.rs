//! Owns the writing of whole clients, many in one transaction: what a file says of them, beside those that are there
//! or in their place.

use std::collections::{HashMap, HashSet};

use crate::base::clock::UnixTime;
use crate::domain::{
    Action, Change, ClientCutoff, ClientEffect, ClientId, ClientRecord, ClientStatus,
    ExpectedVersion, Revocation, SecretId, Stamp,
};
use crate::store::audit::append::AuditLog;
use crate::store::clients::row::{lock_client, read_record};
use crate::store::clients::scope_index::note_scopes;
use crate::store::clients::write::of_client;
use crate::store::tokens::cut_off;
use crate::store::{Store, StoreError, in_long_transaction, on_pool};

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

/// One place of values for both of these.
pub(in crate::store) const INSERT: &str = "
    insert into clients (client_id, name, description, status, scopes, audiences,
        metadata, token_ttl, auth_methods, jwks, jwks_uri, tls_client_auth, created_at,
        updated_at, tls_client_certificate_bound, dpop_bound, managed_by, token_quota,
        allowed_networks)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
    on conflict (client_id) do nothing";

const REPLACE: &str = "
    update clients
    set name = $2, description = $3, status = $4, scopes = $5, audiences = $6, metadata = $7,
        token_ttl = $8, auth_methods = $9, jwks = $10, jwks_uri = $11, tls_client_auth = $12,
        created_at = $13, updated_at = $14, tls_client_certificate_bound = $15, dpop_bound = $16,
        managed_by = $17, token_quota = $18, allowed_networks = $19
    where client_id = $1";

pub(in crate::store) const LIST_DISABLED: &str = "select client_id from revocations where disabled";

/// Runs one of the two on an open transaction of either product; how many rows it touched.
macro_rules! run_with_client {
    ($tx:ident, $sql:expr, $client:expr) => {{
        let client: &$crate::domain::Client = $client;
        let authentication = &client.authentication;
        let (jwks, jwks_uri) =
            $crate::store::clients::write::key_columns(authentication.keys.as_ref());
        let subject = authentication.certificate_subject.as_ref();
        let constraint = client.sender_constraint;
        let managed_by = client.managed_by.as_ref();
        sqlx::query($sql)
            .bind(client.client_id.as_str())
            .bind(client.name.as_str())
            .bind(client.description.as_str())
            .bind(client.status.as_str())
            .bind(client.scopes.as_str())
            .bind($crate::domain::Audience::join(&client.audiences))
            .bind(client.metadata.as_str())
            .bind(client.token_ttl.map($crate::domain::TokenTtl::seconds))
            .bind(authentication.auth_methods.to_string())
            .bind(jwks)
            .bind(jwks_uri)
            .bind(subject.map(ToString::to_string))
            .bind(client.created_at.0)
            .bind(client.updated_at.0)
            .bind(constraint.tls_client_certificate_bound_access_tokens)
            .bind(constraint.dpop_bound_access_tokens)
            .bind(managed_by.map($crate::domain::ManagedBy::as_str))
            .bind(client.token_quota.map(|quota| i64::from(quota.count())))
            .bind(client.allowed_networks.to_string())
            .execute(&mut *$tx)
            .await?
            .rows_affected()
    }};
}
pub(in crate::store) use run_with_client;

const FORGET_SECRET: [&str; 3] = [
    "delete from last_uses where client_id = $1 and secret_id = $2",
    "delete from secret_hours where client_id = $1 and secret_id = $2",
    "delete from client_secrets where client_id = $1 and secret_id = $2",
];

/// Makes the secrets of a client those of `after`, on an open transaction of either product; what is known of the use of
/// those that stay is kept.
macro_rules! replace_secrets {
    ($tx:ident, $id:expr, $before:expr, $after:expr, $now:expr) => {{
        let (before, after): (
            &[$crate::domain::ClientSecret],
            &[$crate::domain::ClientSecret],
        ) = ($before, $after);
        let of = |list: &[$crate::domain::ClientSecret], id: &SecretId| {
            list.iter().find(|it| it.secret_id == *id).cloned()
        };
        for old in before {
            let new = of(after, &old.secret_id);
            let statements = match &new {
                None => &FORGET_SECRET[..],
                Some(new) if new == old => &[],
                Some(_) => &FORGET_SECRET[2..],
            };
            for sql in statements {
                sqlx::query(*sql)
                    .bind($id.as_str())
                    .bind(old.secret_id.as_str())
                    .execute(&mut *$tx)
                    .await?;
            }
        }
        for new in after {
            if of(before, &new.secret_id).as_ref() != Some(new) {
                crate::store::secrets::write::insert!($tx, $id, new, $now);
            }
        }
    }};
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
        in_long_transaction!(self, |tx| {
            let mut written = WrittenClients::default();
            let mut events = Vec::new();
            let (mut told, mut cuts) = (Vec::new(), Vec::new());
            let mut inserted = HashMap::new();
            for ClientWrite { record, if_taken } in writes {
                let client = &record.client;
                let id = &client.client_id;
                stamp.by.actor.check_grant(&client.scopes)?;
                if run_with_client!(tx, INSERT, client) == 1 {
                    note_scopes!(tx, id, &client.scopes);
                    for secret in &record.secrets {
                        crate::store::secrets::write::insert!(tx, id, secret, stamp.at);
                    }
                    inserted.insert(id.as_str(), client);
                    events.push(of_client(actions.insert, id).after(record));
                    written.outcomes.push(ClientWritten::Inserted);
                    continue;
                }
                let IfTaken::Replace(expected) = if_taken else {
                    written.outcomes.push(ClientWritten::Left);
                    continue;
                };
                // It cannot go meanwhile: the insertion has met it, and the lock holds it.
                let locked = lock_client!(tx, id, ClientEffect::Changes, stamp);
                let Some(before) = read_record!(tx, id).filter(|_| locked.is_some()) else {
                    written.outcomes.push(ClientWritten::OtherVersion);
                    continue;
                };
                if !expected.admits(&before.client) {
                    written.outcomes.push(ClientWritten::OtherVersion);
                    continue;
                }
                if before == *record {
                    written.outcomes.push(ClientWritten::Unchanged);
                    continue;
                }
                run_with_client!(tx, REPLACE, client);
                note_scopes!(tx, id, &client.scopes);
                replace_secrets!(tx, id, &before.secrets, &record.secrets, stamp.at);
                told.push(id);
                if before.client.status != client.status {
                    cuts.push((id, client.status, stamp.at));
                }
                events.push(of_client(actions.replace, id).difference(before, record));
                written.outcomes.push(ClientWritten::Replaced);
            }
            // From here on locks are taken that all others wait for.
            let disabled: Vec<String> = sqlx::query_scalar(LIST_DISABLED)
                .fetch_all(&mut *tx)
                .await?;
            let disabled: HashSet<&str> = disabled.iter().map(String::as_str).collect();
            for (id, client) in inserted {
                // A deleted client's tokens are revoked whenever they were issued, those of this one are not; and one
                // that is off may have tokens of another server with the same keys.
                if disabled.contains(id) || client.status == ClientStatus::Disabled {
                    cuts.push((&client.client_id, client.status, client.created_at));
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
                written.revocations.push(cut_off!(tx, id, cut, stamp.at));
            }
            for id in told {
                crate::store::replication::changes::tell!(tx, Change::Client(id.clone()), stamp.at);
            }
            tx.append(&self.audit_keys, stamp, events).await?;
            written
        })
    }

    /// Whose each of these secrets is, of those that are there.
    pub async fn find_secret_owners(
        &self,
        ids: &[&SecretId],
    ) -> Result<HashMap<String, ClientId>, StoreError> {
        let mut owners = HashMap::new();
        for ids in ids.chunks(crate::store::clients::find::AT_ONCE) {
            let rows: Vec<(String, String)> = on_pool!(self, |pool| {
                let mut query = sqlx::QueryBuilder::new(
                    "select secret_id, client_id from client_secrets where secret_id in (",
                );
                let mut values = query.separated(", ");
                for id in ids {
                    values.push_bind(id.as_str());
                }
                query.push(")");
                query.build_query_as().fetch_all(pool).await
            })?;
            for (secret_id, client_id) in rows {
                owners.insert(secret_id, ClientId::parse(&client_id)?);
            }
        }
        Ok(owners)
    }
}
