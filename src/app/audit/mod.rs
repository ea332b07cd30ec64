//! The audit trail: reading it, checking that nobody changed it, and its end by age. Changes write it themselves, in
//! the store.

pub(crate) mod export;
pub(crate) mod head;
pub(crate) mod log;
pub(crate) mod rejected_requests;

use std::sync::{Arc, OnceLock};

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::core::Core;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{Action, NewEvent, Origin};
use crate::store::{
    Acceptance, AuditChain, AuditFilter, AuditPage, ChainBreak, ChainLink, ChainWalk, ChainedEvent,
};
use head::AuditWatch;
use log::AuditLog;
use rejected_requests::RejectedRequests;

/// Events of one statement: enough that a million are read in seconds, few enough that none runs for long.
const BATCH: u32 = 2_000;

const PRUNE_BATCH: u64 = 10_000;

/// How far the oldest event may be over its time: so a removal, which is an event itself, is at most once a day.
const OVERDUE: i64 = 86_400;

/// So long no old event is removed after the trail was found broken: it is not read again every minute.
const BROKEN_FOR: i64 = 3_600;

/// The result of verifying the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditVerdict {
    /// Whether the trail is as the server wrote it, from `accepted_at` on where that is set.
    pub good: bool,
    /// The number of verified events.
    pub checked: u64,
    /// The last event that was removed by age, before the first existing one.
    pub anchor: ChainLink,
    /// The last verified event: store it elsewhere, as `known` of a later verification.
    pub last: ChainLink,
    /// In a valid trail, the event by which an operator accepted all earlier events by hand. Those are not verified.
    pub accepted_at: Option<i64>,
    /// The first problem.
    pub broken: Option<ChainBreak>,
}

/// What a walk looks for.
#[derive(Clone, Copy, Default)]
pub(super) struct Walk<'a> {
    /// An event that has to be there.
    pub(super) known: Option<&'a ChainLink>,
    /// Where the trail ends, if not at its head.
    pub(super) end: Option<&'a ChainLink>,
    /// Events before are to be removed.
    pub(super) due_before: Option<UnixTime>,
}

pub(super) struct Walked {
    pub(super) verdict: AuditVerdict,
    /// Where the chain of hashes is broken and does not go on.
    pub(super) gap: Option<ChainBreak>,
    /// The last events of the removals.
    due: Vec<ChainLink>,
}

/// The audit trail, and the requests that were rejected.
pub struct Audit {
    core: Arc<Core>,
    pub(crate) watch: AuditWatch,
    pub(crate) log: OnceLock<AuditLog>,
    pub(crate) rejected_requests: Arc<RejectedRequests>,
}

impl Audit {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self {
            watch: AuditWatch::default(),
            log: OnceLock::new(),
            rejected_requests: Arc::new(RejectedRequests::new(core.clock.clone())),
            core: Arc::clone(core),
        }
    }

    /// A page of the trail, `limit` at most.
    pub async fn list(
        &self,
        filter: &AuditFilter,
        page: AuditPage,
        limit: u32,
    ) -> Result<Vec<ChainedEvent>> {
        let store = &self.core.store;
        Ok(store.list_audit_events(filter, page, limit).await?)
    }

    /// Keeps an event that changes nothing else: a login, the failure of one, or an export.
    pub async fn record(&self, by: &Origin, event: NewEvent) -> Result<()> {
        let stamp = self.core.stamp(by);
        Ok(self.core.store.insert_audit_event(event, stamp).await?)
    }

    /// Walks along the whole trail. `known` is a place in it from an earlier walk, which has to be there still: without
    /// it nobody can tell whether the trail was put back to an earlier end.
    pub async fn verify(&self, known: Option<&ChainLink>) -> Result<AuditVerdict> {
        let walk = Walk {
            known,
            ..Walk::default()
        };
        Ok(self.walk(walk).await?.verdict)
    }

    pub(super) async fn walk(&self, walk: Walk<'_>) -> Result<Walked> {
        loop {
            let walked = self.walk_once(walk).await?;
            // Events that were removed by age while we walked look like missing ones.
            let verdict = &walked.verdict;
            if verdict.good || self.core.store.find_audit_chain().await?.anchor == verdict.anchor {
                return Ok(walked);
            }
        }
    }

    async fn walk_once(&self, wanted: Walk<'_>) -> Result<Walked> {
        let mut chain = self.core.store.find_audit_chain().await?;
        if let Some(end) = wanted.end {
            chain.head = end.clone();
        }
        let mut seen = Seen::new(wanted, &chain)?;
        let anchor = chain.anchor.clone();
        let mut walk = ChainWalk::new(self.core.store.audit_keys(), chain);
        let gap = self.walk_along(&mut walk, &mut seen).await?;
        let gap = gap.or_else(|| walk.end().err());
        let (last, accepted) = (walk.last().clone(), walk.accepted());
        let broken = walk.finish(gap.clone()).or_else(|| seen.lacking());
        // In a broken trail it may be forged.
        let accepted_at = accepted.filter(|_| broken.is_none());
        Ok(Walked {
            verdict: AuditVerdict {
                good: broken.is_none(),
                checked: seen.count,
                anchor,
                last,
                accepted_at,
                broken,
            },
            gap,
            due: seen.due,
        })
    }

    /// Walks to the head, or to a break behind which nothing leads.
    async fn walk_along(
        &self,
        walk: &mut ChainWalk<'_>,
        seen: &mut Seen<'_>,
    ) -> Result<Option<ChainBreak>> {
        let head = walk.chain().head.event_id;
        'page: while walk.last().event_id < head {
            let page = AuditPage::After(walk.last().event_id);
            let all = AuditFilter::default();
            let mut rows = self.list(&all, page, BATCH).await?;
            rows.retain(|row| row.event.event_id <= head);
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                if let Err(found) = walk.step(row) {
                    match self.find_acceptance(&found, head).await? {
                        Some(acceptance) => walk.jump(acceptance),
                        None => return Ok(Some(found)),
                    }
                    continue 'page;
                }
                seen.note(row, walk.last());
            }
        }
        Ok(None)
    }

    /// The event that accepts the trail in spite of this break.
    async fn find_acceptance(&self, found: &ChainBreak, head: i64) -> Result<Option<Acceptance>> {
        let filter = AuditFilter {
            action: Some(Action::AuditAcceptHead.as_str().to_owned()),
            ..AuditFilter::default()
        };
        let mut after = found.event_id;
        loop {
            let page = AuditPage::After(after);
            let rows = self.list(&filter, page, BATCH).await?;
            let Some(last) = rows.last() else {
                return Ok(None);
            };
            after = last.event.event_id;
            let fits = |row: &ChainedEvent| {
                let read = Acceptance::read(&row.event);
                read.filter(|it| {
                    it.broken_at == Some(found.event_id)
                        && it.through.checked_add(1) == Some(row.event.event_id)
                        && row.event.event_id <= head
                })
            };
            if let Some(acceptance) = rows.iter().find_map(fits) {
                return Ok(Some(acceptance));
            }
        }
    }

    /// Removes the events that are older than `AUDIT_RETENTION`; how many. What is removed is said by an event, which
    /// vouches for it: so nothing is removed from a trail that is not good.
    pub async fn prune(&self) -> Result<u64> {
        let trusted = self.core.trusted_time().await?;
        let now = trusted.time();
        let end = now.plus(-self.core.config.retention.audit);
        // Nothing happens before one is overdue: else there would be an event about the removal of each.
        let overdue = end.plus(-OVERDUE);
        if !self.core.store.has_audit_event_before(overdue).await? {
            return Ok(0);
        }
        if let Some(broken) = self.watch.broken_since(now.plus(-BROKEN_FOR)) {
            return Err(not_pruned(&broken));
        }
        let walk = Walk {
            due_before: Some(end),
            ..Walk::default()
        };
        let Walked { verdict, due, .. } = self.walk(walk).await?;
        if let Some(broken) = verdict.broken {
            let error = not_pruned(&broken);
            self.watch.note_broken(now, broken);
            return Err(error);
        }
        let (mut anchor, mut pruned) = (verdict.anchor, 0);
        for through in due {
            let store = &self.core.store;
            let done = store.prune_audit_events(&anchor, &through, trusted).await?;
            if done == 0 {
                break;
            }
            pruned += done;
            anchor = through;
        }
        Ok(pruned)
    }
}

fn not_pruned(broken: &ChainBreak) -> Error {
    Error::internal(anyhow::anyhow!(
        "the server removes no events from the audit trail, because it is broken at the event {}: {}",
        broken.event_id,
        broken.reason
    ))
}

struct Seen<'a> {
    wanted: Walk<'a>,
    count: u64,
    is_known: bool,
    due: Vec<ChainLink>,
    all_due: bool,
}

impl<'a> Seen<'a> {
    fn new(wanted: Walk<'a>, chain: &AuditChain) -> Result<Self> {
        if let Some(known) = wanted.known
            && known.event_id < chain.anchor.event_id
        {
            return Err(Error::invalid_request(format!(
                "the event {} was removed because of its age; the oldest event left is {}",
                known.event_id, chain.anchor.event_id
            )));
        }
        Ok(Self {
            wanted,
            count: 0,
            is_known: wanted.known.is_none_or(|known| *known == chain.anchor),
            due: Vec::new(),
            all_due: true,
        })
    }

    fn note(&mut self, row: &ChainedEvent, link: &ChainLink) {
        self.count += 1;
        self.is_known |= self.wanted.known == Some(link);
        // The oldest go first, up to the first that is to stay.
        self.all_due &= self.wanted.due_before.is_some_and(|end| row.event.at < end);
        if !self.all_due {
            return;
        }
        let begins_batch = (self.count - 1).is_multiple_of(PRUNE_BATCH);
        match self.due.last_mut().filter(|_| !begins_batch) {
            Some(last) => *last = link.clone(),
            None => self.due.push(link.clone()),
        }
    }

    fn lacking(&self) -> Option<ChainBreak> {
        let known = self.wanted.known.filter(|_| !self.is_known)?;
        Some(ChainBreak {
            event_id: known.event_id,
            reason: "the event is missing, or has another hash than the given one".to_owned(),
        })
    }
}
