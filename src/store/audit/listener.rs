//! Owns who hears of events: each once, by the process that wrote it, as soon as its transaction is committed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::domain::audit::chain::ChainedEvent;
use crate::store::Store;

/// Hears of the events of one transaction. It must not wait: a change is answered after it.
pub type AuditListener = Arc<dyn Fn(&[ChainedEvent]) + Send + Sync>;

#[derive(Default)]
pub(in crate::store) struct Listening(OnceLock<AuditListener>);

impl Listening {
    pub(in crate::store) fn tell(&self, events: &[ChainedEvent]) {
        if let Some(listener) = self.0.get().filter(|_| !events.is_empty()) {
            listener(events);
        }
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listening")
    }
}

impl Store {
    /// Tells `listener` of each event that this process commits from now on. There is one listener: a second one is not taken.
    pub fn listen_to_events(&self, listener: AuditListener) -> bool {
        self.calls.listening.0.set(listener).is_ok()
    }
}
