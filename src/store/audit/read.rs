//! Owns the reading of `audit_events`, and their end by age. There is no code that changes one.

use crate::base::clock::UnixTime;
use crate::domain::audit::chain::{AuditChain, ChainLink, ChainedEvent, Removal};
use crate::domain::audit::keys::AuditKeys;
use crate::domain::{Action, AuditEvent, ClientId, NewEvent, Origin, Target};
use crate::store::audit::head_row::lock_head;
use crate::store::db::{Row, TableRow, ToValue, select};
use crate::store::{Result, Store, TrustedTime};

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

impl Store {
    /// A page of events, `limit` at most.
    pub async fn list_audit_events(
        &self,
        filter: &AuditFilter,
        page: AuditPage,
        limit: u32,
    ) -> Result<Vec<ChainedEvent>> {
        // As in the index.
        const GROUP: &str = " and rtrim(action, 'abcdefghijklmnopqrstuvwxyz_') = ";
        let mut query = select(&[ChainedEvent::COLUMNS], "from audit_events where true");
        query.push_some(" and actor_type = ", filter.actor_type.as_ref());
        query.push_some(" and actor = ", filter.actor.as_ref());
        let is_group = filter.action.as_ref().is_some_and(|it| it.ends_with('.'));
        let action = if is_group { GROUP } else { " and action = " };
        query.push_some(action, filter.action.as_ref());
        query.push_some(" and client_id = ", filter.client_id.as_ref());
        query.push_some(" and at >= ", filter.since.as_ref());
        query.push_some(" and at < ", filter.until.as_ref());
        match &page {
            AuditPage::Before(before) => {
                query.push_some(" and event_id < ", before.as_ref());
                query.push(" order by event_id desc limit ");
            }
            AuditPage::After(after) => {
                query.push_some(" and event_id > ", Some(after));
                query.push(" order by event_id limit ");
            }
        }
        query.push_bind(limit.to_value());
        query
            .fetch_all(&mut self.acquire_read().await?, read_event)
            .await
    }

    /// Where the chain begins and ends.
    pub async fn find_audit_chain(&self) -> Result<AuditChain> {
        // One statement, so that it is one picture while others append.
        const SQL: &str = "
            select last_id, hash, anchor_id, anchor_hash,
                (select min(event_id) from audit_events) as lowest,
                (select max(event_id) from audit_events) as highest
            from audit_head";
        let read_chain = |row: &Row| {
            let lowest: Option<i64> = row.get("lowest")?;
            Ok(AuditChain {
                anchor: ChainLink {
                    event_id: row.get("anchor_id")?,
                    hash: row.get("anchor_hash")?,
                },
                head: ChainLink {
                    event_id: row.get("last_id")?,
                    hash: row.get("hash")?,
                },
                ids: lowest.zip(row.get("highest")?),
            })
        };
        self.fetch_one(SQL, &[], read_chain).await
    }

    /// The keys that vouch for events.
    pub fn audit_keys(&self) -> &AuditKeys {
        &self.audit_keys
    }

    /// Whether the first event is older than that.
    pub async fn has_audit_event_before(&self, end: UnixTime) -> Result<bool> {
        const SQL: &str = "select at from audit_events order by event_id limit 1";
        let oldest: Option<i64> = self.fetch_optional(SQL, &[], |row| row.get(0)).await?;
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
    ) -> Result<u64> {
        const SET_ANCHOR: &str = "
            update audit_head
            set anchor_id = $1, anchor_hash = $2
            where anchor_id = $3 and anchor_hash = $4";
        const DELETE: &str = "delete from audit_events where event_id <= $1";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        // Before the lock that all others wait for.
        let removed = tx.execute(DELETE, &[&through.event_id]).await?;
        lock_head(&mut tx).await?;
        let values: &[&dyn ToValue] = &[
            &through.event_id,
            &through.hash,
            &anchor.event_id,
            &anchor.hash,
        ];
        if tx.execute(SET_ANCHOR, values).await? == 0 {
            return Ok(0);
        }
        let said = Removal {
            removed,
            through: through.event_id,
            hash: through.hash.clone(),
        };
        let event = NewEvent::new(Action::AuditPrune, Target::Audit).after(said);
        let stamp = Origin::SERVER.at(now.time());
        self.commit_event(tx, stamp, event).await?;
        Ok(removed)
    }
}

fn read_event(row: &Row) -> Result<ChainedEvent> {
    Ok(ChainedEvent {
        event: AuditEvent {
            event_id: row.get("event_id")?,
            at: row.time("at")?,
            actor_type: row.get("actor_type")?,
            actor: row.get("actor")?,
            source: row.get("source")?,
            request_id: row.get("request_id")?,
            action: row.get("action")?,
            target_type: row.get("target_type")?,
            target: row.get("target")?,
            client_id: row.get("client_id")?,
            before: row.get("state_before")?,
            after: row.get("state_after")?,
        },
        hash: row.get("hash")?,
        mac: row.get("mac")?,
        key_id: row.get("key_id")?,
    })
}
