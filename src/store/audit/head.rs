//! Owns the end of the audit trail: whether it is authentic, and how an operator accepts one that is not.

use crate::domain::Stamp;
use crate::domain::audit::chain::{AuditHead, ChainLink};
use crate::domain::audit::keys::HeadKey;
use crate::store::audit::head_row::{lock_head, read_head};
use crate::store::db::{Row, Session, query};
use crate::store::{Result, Store};

/// The end of the trail.
#[derive(Clone, Debug)]
pub struct AuditEnd {
    /// The event behind which the next one comes.
    pub head: AuditHead,
    /// Under which key it is; else why nothing can be appended to it, and what to do.
    pub key: Result<HeadKey, String>,
}

/// What the head row says, and the event with the highest number. One statement, so that it is one picture while others
/// append.
const ENDS: &str = "
    select 'head' as place, h.last_id as event_id, h.hash, h.mac, h.key_id
    from audit_head h
    union all
    select 'last', e.event_id, e.hash, e.mac, e.key_id
    from audit_events e
    where e.event_id = (select max(event_id) from audit_events)";

impl Store {
    /// The end of the trail.
    pub async fn find_audit_end(&self) -> Result<AuditEnd> {
        self.find_end(&mut self.acquire_read().await?).await
    }

    /// An authentic head is the end, unless there is an event behind it. Else the last event is.
    async fn find_end(&self, on: &mut dyn Session) -> Result<AuditEnd> {
        let (mut head, mut last) = (None, None);
        let mut each = |row: &Row| {
            let found = read_head(row)?;
            match row.get("place")? {
                "head" => head = Some(found),
                _ => last = Some(found),
            }
            Ok(())
        };
        query(ENDS).for_each(on, &mut each).await?;
        let head = head.unwrap_or_default();
        let key = self.audit_keys.check_head(&head);
        Ok(match last {
            Some(last) if last.link.event_id > head.link.event_id => AuditEnd {
                key: key.and_then(|_| {
                    Err(format!(
                        "it ends at the event {}, but the event {} follows: somebody set the end of the trail back, \
                            or inserted that event. Run `token-server audit verify`, find out who did it, then delete \
                            an event that does not belong there, or run `token-server audit accept-head`",
                        head.link.event_id, last.link.event_id
                    ))
                }),
                head: last,
            },
            Some(last) if key.is_err() => AuditEnd { head: last, key },
            _ => AuditEnd { head, key },
        })
    }

    /// Appends the event that names the last one under `SECRET_PREVIOUS`, if the head is under that.
    pub async fn append_audit_key_change(&self, stamp: Stamp<'_>) -> Result<()> {
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        let head = lock_head(&mut tx).await?.audit;
        if self.check_head(&head)? == HeadKey::Previous {
            let event = head.key_change();
            self.append_behind(&mut tx, head, stamp, event).await?;
        }
        tx.commit().await
    }

    /// Appends the event by which an operator accepts the end of the trail, whose chain of hashes is broken at
    /// `broken_at`; `None` when the end is not `seen` any more and not authentic.
    pub async fn accept_audit_head(
        &self,
        seen: &ChainLink,
        broken_at: Option<i64>,
        stamp: Stamp<'_>,
    ) -> Result<Option<ChainLink>> {
        const ANCHOR: &str = "select anchor_id, anchor_hash from audit_head";
        let mut conn = self.acquire().await?;
        let mut tx = conn.begin().await?;
        // Until the commit nobody else appends.
        lock_head(&mut tx).await?;
        let end = self.find_end(&mut tx).await?;
        // Behind an authentic head the server itself may have appended meanwhile.
        if end.head.link != *seen && end.key.is_err() {
            return Ok(None);
        }
        let read_anchor = |row: &Row| {
            let (event_id, hash) = (row.get(0)?, row.get(1)?);
            Ok(ChainLink { event_id, hash })
        };
        let anchor = tx.fetch_one(ANCHOR, &[], read_anchor).await?;
        let accepted = end.head.link.clone();
        let event = end.head.acceptance(broken_at, &anchor);
        self.append_behind(&mut tx, end.head, stamp, event).await?;
        tx.commit().await?;
        Ok(Some(accepted))
    }
}
