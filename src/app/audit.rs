//! The audit trail: reading it, checking that nobody changed it, and its end by age. Changes write it themselves, in
//! the store.

use serde::Serialize;

use super::App;
use crate::domain::{NewEvent, Origin};
use crate::error::{Error, Result};
use crate::store::{AuditFilter, AuditPage, ChainBreak, ChainLink, ChainWalk, ChainedEvent};

/// Events of one statement: enough that a million are read in seconds, few enough that none runs for long.
const BATCH: u32 = 2_000;

/// Events of one removal.
const PRUNE_BATCH: u32 = 10_000;

/// How far the oldest event may be over its time: so a removal, which is an event itself, is at most once a day.
const OVERDUE: i64 = 86_400;

/// What a walk along the trail showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditVerdict {
    /// Whether the trail is as the server wrote it.
    pub good: bool,
    /// How many events were looked at.
    pub checked: u64,
    /// The last event that was removed by age, before the first one that is there.
    pub anchor: ChainLink,
    /// The last event that was looked at: to be kept elsewhere, as `known` of a later walk.
    pub last: ChainLink,
    /// The first thing that is wrong.
    pub broken: Option<ChainBreak>,
}

impl App {
    /// A page of the trail, `limit` at most.
    pub async fn list_audit_events(
        &self,
        filter: &AuditFilter,
        page: AuditPage,
        limit: u32,
    ) -> Result<Vec<ChainedEvent>> {
        Ok(self.store.list_audit_events(filter, page, limit).await?)
    }

    /// Keeps an event that changes nothing else: a login, the failure of one, or an export.
    pub async fn record_audit_event(&self, by: &Origin, event: NewEvent) -> Result<()> {
        let stamp = by.at(self.clock.now());
        Ok(self.store.insert_audit_event(event, stamp).await?)
    }

    /// Walks along the whole trail. `known` is a place in it from an earlier walk, which has to be there still: without
    /// it nobody can tell whether the newest events were cut off.
    pub async fn verify_audit(&self, known: Option<&ChainLink>) -> Result<AuditVerdict> {
        loop {
            let verdict = self.walk_audit(known).await?;
            // Events that were removed by age while we walked look like missing ones.
            if verdict.good || self.store.find_audit_chain().await?.anchor == verdict.anchor {
                return Ok(verdict);
            }
        }
    }

    async fn walk_audit(&self, known: Option<&ChainLink>) -> Result<AuditVerdict> {
        let chain = self.store.find_audit_chain().await?;
        if let Some(known) = known
            && known.event_id < chain.anchor.event_id
        {
            return Err(Error::invalid_request(format!(
                "the event {} was removed by age; the oldest that can be known is {}",
                known.event_id, chain.anchor.event_id
            )));
        }
        let mut walk = ChainWalk::new(self.store.audit_keys(), chain);
        let mut checked = 0;
        let mut broken = None;
        let mut is_known = known.is_none_or(|known| known == walk.last());
        'walk: while walk.last().event_id < walk.chain().head.event_id {
            let page = AuditPage::After(walk.last().event_id);
            let all = AuditFilter::default();
            let rows = self.store.list_audit_events(&all, page, BATCH).await?;
            let until = walk.chain().head.event_id;
            let rows: Vec<_> = rows
                .into_iter()
                .filter(|row| row.event.event_id <= until)
                .collect();
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                if let Err(found) = walk.step(row) {
                    broken = Some(found);
                    break 'walk;
                }
                checked += 1;
                is_known |= known.is_some_and(|known| known == walk.last());
            }
        }
        let broken = broken.or_else(|| walk.finish().err());
        let broken = broken.or_else(|| known.filter(|_| !is_known).map(unknown));
        Ok(AuditVerdict {
            good: broken.is_none(),
            checked,
            anchor: walk.chain().anchor.clone(),
            last: walk.last().clone(),
            broken,
        })
    }

    /// Removes the events that are older than `AUDIT_RETENTION`; how many. What is removed is said by an event.
    pub async fn prune_audit(&self) -> Result<u64> {
        let now = self.clock.now();
        let end = now.plus(-self.config.retention.audit);
        let overdue = end.plus(-OVERDUE);
        let stamp = Origin::SERVER.at(now);
        let (mut pruned, mut overdue) = (0, overdue);
        loop {
            let done = self
                .store
                .prune_audit_events(end, overdue, PRUNE_BATCH, stamp)
                .await?;
            pruned += done;
            if done < u64::from(PRUNE_BATCH) {
                return Ok(pruned);
            }
            // Once begun, all of them.
            overdue = end;
        }
    }
}

fn unknown(known: &ChainLink) -> ChainBreak {
    ChainBreak {
        event_id: known.event_id,
        reason: "the event is not there, or not with the hash it is known by".to_owned(),
    }
}
