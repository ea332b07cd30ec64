//! The end of the audit trail: checked at the start and every hour, shown to the operator, and accepted by hand where
//! it cannot be verified.

use std::sync::{Mutex, PoisonError};

use crate::app::audit::{Audit, Walk};
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::Origin;
use crate::store::{AuditEnd, ChainBreak, ChainLink, HeadKey};

/// What this replica last saw of the trail.
#[derive(Debug, Default)]
pub(crate) struct AuditWatch(Mutex<Watched>);

#[derive(Debug, Default)]
struct Watched {
    metrics: AuditHeadMetrics,
    /// A break that a removal by age found, and when.
    broken: Option<(UnixTime, ChainBreak)>,
}

/// The end of the trail, for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditHeadMetrics {
    /// The last event that was seen to be authentic, if there was any.
    pub head: Option<ChainLink>,
    /// Whether the end was authentic when it was last looked at; `None` before the first time.
    pub is_authentic: Option<bool>,
}

/// An end of the trail that an operator may accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedTrail {
    /// The last event.
    pub head: ChainLink,
    /// What is wrong.
    pub broken: ChainBreak,
    gap: Option<i64>,
}

impl AuditWatch {
    fn with<T>(&self, use_it: impl FnOnce(&mut Watched) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn metrics(&self) -> AuditHeadMetrics {
        self.with(|it| it.metrics.clone())
    }

    pub(crate) fn broken_since(&self, since: UnixTime) -> Option<ChainBreak> {
        let (at, broken) = self.with(|it| it.broken.clone())?;
        (at > since).then_some(broken)
    }

    pub(crate) fn note_broken(&self, now: UnixTime, broken: ChainBreak) {
        self.with(|it| it.broken = Some((now, broken)));
    }
}

impl Audit {
    /// Checks the end of the trail as [`watch_head`](Self::watch_head) does. An end under
    /// `SECRET_PREVIOUS` is named by an event under `SECRET`, so that the trail stays good when `SECRET_PREVIOUS` is gone.
    pub async fn take_over(&self) -> Result<()> {
        let end = self.core.store.find_audit_end().await?;
        if end.key == Ok(HeadKey::Previous) {
            let stamp = self.core.stamp(&Origin::SERVER);
            if let Err(error) = self.core.store.append_audit_key_change(stamp).await {
                // The next change does it.
                tracing::warn!("the audit trail could not record that SECRET has changed: {error}");
            }
        }
        self.watch_head().await
    }

    /// Checks the end of the trail, and logs it: with `--known`, `audit verify` finds that somebody put the trail back to
    /// an earlier one.
    pub async fn watch_head(&self) -> Result<()> {
        let AuditEnd { head, key } = self.core.store.find_audit_end().await?;
        let is_authentic = key.is_ok();
        match key {
            Err(problem) => tracing::error!(
                "the server can add nothing to the audit trail, so it refuses every change: {problem}"
            ),
            Ok(HeadKey::Empty) => {}
            Ok(HeadKey::Current | HeadKey::Previous) => {
                tracing::info!(head = %head.link, "the audit trail ends here");
                self.watch.with(|it| it.metrics.head = Some(head.link));
            }
        }
        let is_authentic = Some(is_authentic);
        self.watch.with(|it| it.metrics.is_authentic = is_authentic);
        Ok(())
    }

    /// The end of the trail that an operator may accept; `None` where there is nothing to accept, for the trail is good.
    pub async fn find_unverified(&self) -> Result<Option<UnverifiedTrail>> {
        let end = self.core.store.find_audit_end().await?;
        let walk = Walk {
            end: Some(&end.head.link),
            ..Walk::default()
        };
        let walked = self.walk(walk).await?;
        let broken = walked.verdict.broken.or_else(|| {
            Some(ChainBreak {
                event_id: end.head.link.event_id,
                reason: end.key.err()?,
            })
        });
        Ok(broken.map(|broken| UnverifiedTrail {
            head: end.head.link,
            broken,
            gap: walked.gap.map(|gap| gap.event_id),
        }))
    }

    /// Accepts the trail up to its end, by an event under `SECRET` that says so. What was accepted.
    pub async fn accept_head(&self, by: &Origin, seen: &UnverifiedTrail) -> Result<ChainLink> {
        let (store, stamp) = (&self.core.store, self.core.stamp(by));
        let accepted = store.accept_audit_head(&seen.head, seen.gap, stamp);
        accepted.await?.ok_or_else(|| {
            Error::conflict(format!(
                "the audit trail no longer ends with the event {}; look at it again",
                seen.head
            ))
        })
    }
}
