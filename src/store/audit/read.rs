//! Owns the reading of `audit_events`, and their end by age. There is no code that changes one.

use sqlx::{FromRow, QueryBuilder};

use crate::base::clock::UnixTime;
use crate::domain::audit::chain::{AuditChain, ChainLink, ChainedEvent, Removal};
use crate::domain::audit::keys::AuditKeys;
use crate::domain::{Action, AuditEvent, ClientId, NewEvent, Origin, Stamp, Target};
use crate::store::audit::append::AuditLog;
use crate::store::{Store, StoreError, TrustedTime, in_transaction, on_pool};

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this kind of actor: `cli`, `admin`, `client` or `server`.
    pub actor_type: Option<String>,
    /// Of the actor of this name.
    pub actor: Option<String>,
    /// This action, or all that begin so and end with a dot: `client.`.
    pub action: Option<String>,
    /// About this client.
    pub client_id: Option<ClientId>,
    /// Then or later.
    pub since: Option<UnixTime>,
    /// Before.
    pub until: Option<UnixTime>,
}

/// Which part of the list of events.
#[derive(Clone, Copy, Debug)]
pub enum AuditPage {
    /// The newest first, only those before this event.
    Before(Option<i64>),
    /// The oldest first, only those after this event.
    After(i64),
}

const SELECT: &str = "
    select event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id,
        state_before, state_after, hash, mac, key_id
    from audit_events
    where true";

impl Store {
    /// Keeps what is no change of a row: that somebody logged in or could not, or took something away.
    pub async fn insert_audit_event(
        &self,
        event: NewEvent,
        stamp: Stamp<'_>,
    ) -> Result<(), StoreError> {
        in_transaction!(self, |tx| {
            tx.append(&self.audit_keys, stamp, vec![event]).await?;
        })
    }

    /// A page of events, `limit` at most.
    pub async fn list_audit_events(
        &self,
        filter: &AuditFilter,
        page: AuditPage,
        limit: u32,
    ) -> Result<Vec<ChainedEvent>, StoreError> {
        let rows: Vec<Row> = on_pool!(self, |pool| {
            let mut query = QueryBuilder::new(SELECT);
            let texts = [
                (" and actor_type = ", &filter.actor_type),
                (" and actor = ", &filter.actor),
            ];
            for (condition, value) in texts {
                if let Some(value) = value {
                    query.push(condition).push_bind(value.as_str());
                }
            }
            match filter.action.as_deref() {
                Some(group) if group.ends_with('.') => {
                    // As in the index.
                    query
                        .push(" and rtrim(action, 'abcdefghijklmnopqrstuvwxyz_') = ")
                        .push_bind(group);
                }
                Some(action) => {
                    query.push(" and action = ").push_bind(action);
                }
                None => {}
            }
            if let Some(id) = &filter.client_id {
                query.push(" and client_id = ").push_bind(id.as_str());
            }
            if let Some(since) = filter.since {
                query.push(" and at >= ").push_bind(since.0);
            }
            if let Some(until) = filter.until {
                query.push(" and at < ").push_bind(until.0);
            }
            match page {
                AuditPage::Before(before) => {
                    if let Some(before) = before {
                        query.push(" and event_id < ").push_bind(before);
                    }
                    query.push(" order by event_id desc limit ");
                }
                AuditPage::After(after) => {
                    query.push(" and event_id > ").push_bind(after);
                    query.push(" order by event_id limit ");
                }
            }
            query.push_bind(i64::from(limit));
            query.build_query_as().fetch_all(pool).await
        })?;
        Ok(rows.into_iter().map(ChainedEvent::from).collect())
    }

    /// Where the chain begins and ends.
    pub async fn find_audit_chain(&self) -> Result<AuditChain, StoreError> {
        // One statement, so that it is one picture while others append.
        const SQL: &str = "
            select last_id, hash, anchor_id, anchor_hash,
                (select min(event_id) from audit_events) as lowest,
                (select max(event_id) from audit_events) as highest
            from audit_head";
        let row: HeadRow = on_pool!(self, |pool| sqlx::query_as(SQL).fetch_one(pool).await)?;
        Ok(AuditChain {
            anchor: ChainLink {
                event_id: row.anchor_id,
                hash: row.anchor_hash,
            },
            head: ChainLink {
                event_id: row.last_id,
                hash: row.hash,
            },
            ids: row.lowest.zip(row.highest),
        })
    }

    /// The keys that vouch for events.
    pub fn audit_keys(&self) -> &AuditKeys {
        &self.audit_keys
    }

    /// Whether the first event is older than that.
    pub async fn has_audit_event_before(&self, end: UnixTime) -> Result<bool, StoreError> {
        const SQL: &str = "select at from audit_events order by event_id limit 1";
        let oldest: Option<i64> = on_pool!(self, |pool| sqlx::query_scalar(SQL)
            .fetch_optional(pool)
            .await)?;
        Ok(oldest.is_some_and(|at| at < end.0))
    }

    /// Removes the events from behind `anchor` up to `through`, and appends one that says so; how many. None where the
    /// trail does not begin behind `anchor`: another replica was quicker.
    ///
    /// The appended event vouches for what it says. So `through` is the caller's, who has verified the trail, and not
    /// read here from rows that somebody may have changed.
    pub async fn prune_audit_events(
        &self,
        anchor: &ChainLink,
        through: &ChainLink,
        now: TrustedTime,
    ) -> Result<u64, StoreError> {
        const SET_ANCHOR: &str = "
            update audit_head
            set anchor_id = $1, anchor_hash = $2
            where anchor_id = $3 and anchor_hash = $4";
        const DELETE: &str = "delete from audit_events where event_id <= $1";
        in_transaction!(self, |tx| {
            let moved = sqlx::query(SET_ANCHOR)
                .bind(through.event_id)
                .bind(&through.hash)
                .bind(anchor.event_id)
                .bind(&anchor.hash)
                .execute(&mut *tx)
                .await?;
            if moved.rows_affected() == 0 {
                return Ok(0);
            }
            let removed = sqlx::query(DELETE)
                .bind(through.event_id)
                .execute(&mut *tx)
                .await?
                .rows_affected();
            let said = Removal {
                removed,
                through: through.event_id,
                hash: through.hash.clone(),
            };
            let event = NewEvent::new(Action::AuditPrune, Target::Audit).after(said);
            let stamp = Origin::SERVER.at(now.time());
            tx.append(&self.audit_keys, stamp, vec![event]).await?;
            removed
        })
    }
}

#[derive(FromRow)]
struct HeadRow {
    last_id: i64,
    hash: String,
    anchor_id: i64,
    anchor_hash: String,
    lowest: Option<i64>,
    highest: Option<i64>,
}

#[derive(FromRow)]
struct Row {
    event_id: i64,
    at: i64,
    actor_type: String,
    actor: String,
    source: Option<String>,
    request_id: Option<String>,
    action: String,
    target_type: String,
    target: String,
    client_id: Option<String>,
    state_before: Option<String>,
    state_after: Option<String>,
    hash: String,
    mac: String,
    key_id: String,
}

impl From<Row> for ChainedEvent {
    fn from(row: Row) -> Self {
        Self {
            event: AuditEvent {
                event_id: row.event_id,
                at: UnixTime(row.at),
                actor_type: row.actor_type,
                actor: row.actor,
                source: row.source,
                request_id: row.request_id,
                action: row.action,
                target_type: row.target_type,
                target: row.target,
                client_id: row.client_id,
                before: row.state_before,
                after: row.state_after,
            },
            hash: row.hash,
            mac: row.mac,
            key_id: row.key_id,
        }
    }
}
