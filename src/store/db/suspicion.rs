//! Owns the suspicion that the database has gone: a call may find out before the change feed does. Until the feed has read the
//! database again, nobody else has to wait for the same answer.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::store::Store;

/// Whether a call waited in vain for the database, and no reading has succeeded since.
#[derive(Debug, Default)]
pub(in crate::store) struct Suspicion {
    is_raised: AtomicBool,
    raised: Notify,
}

impl Suspicion {
    pub(in crate::store) fn raise(&self) {
        if !self.is_raised.swap(true, Ordering::AcqRel) {
            self.raised.notify_one();
        }
    }
}

impl Store {
    /// Whether the database did not answer the last call that waited for it.
    pub fn is_suspected(&self) -> bool {
        self.calls.suspicion.is_raised.load(Ordering::Acquire)
    }

    /// Waits until the database does not answer a call, once for each time that this begins.
    pub async fn suspected(&self) {
        self.calls.suspicion.raised.notified().await;
    }

    /// The database answers.
    pub fn clear_suspicion(&self) {
        let is_raised = &self.calls.suspicion.is_raised;
        is_raised.store(false, Ordering::Release);
    }
}
