//! Owns whether connections may be used: only those that lead to the database that this process uses, at the place where it
//! is now. Remembers what is wrong with a database that answers, and the suspicion that the database has gone.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use crate::base::clock::Stopwatch;
use crate::store::db::Fault;
use crate::store::db::connect::watched_file::{FileState, WatchedFile};
use crate::store::{Result, Store, StoreError};

/// What is known of the database that the connections lead to.
#[derive(Debug, Default)]
pub(in crate::store) struct Guard {
    /// The identity of the database that this process uses, from its first look until its end.
    known: OnceLock<String>,
    obstacle: ArcSwapOption<Obstacle>,
    fault: ArcSwapOption<NotedFault>,
    /// The last change that this process committed, or saw in the head of the trail when it committed something else.
    committed: AtomicI64,
    /// Connections that were made before are closed instead of used.
    reconnect_at: ArcSwapOption<Stopwatch>,
    /// SQLite only.
    file: OnceLock<WatchedFile>,
}

#[derive(Debug)]
struct NotedFault {
    fault: Fault,
    /// Runs since a call last met the fault.
    noted: Stopwatch,
}

/// Why no connection may be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// `DATABASE_URL` leads to another database now.
    #[error(
        "DATABASE_URL leads to another database than at the start: the identity in its table `installation` is {found}, and \
         was {known}; correct the address, or restart this process if the other database is the right one"
    )]
    OtherInstallation {
        /// The identity of the database that this process uses.
        known: String,
        /// That of the database which answers.
        found: String,
    },
    /// SQLite: there is no file any more.
    #[error("the database file {} was removed; put it back", .0.display())]
    FileRemoved(PathBuf),
    /// SQLite: there is another file, which nobody has looked into.
    #[error("the database file {} was replaced by another file", .0.display())]
    FileReplaced(PathBuf),
}

impl Guard {
    pub(in crate::store) fn watch(&self, path: PathBuf) {
        let _ = self.file.set(WatchedFile::new(path));
    }

    pub(in crate::store) fn file(&self) -> Option<&WatchedFile> {
        self.file.get()
    }

    /// Fails while no connection may be used.
    pub(in crate::store) fn check(&self) -> Result<()> {
        if self.obstacle.load().is_none()
            && let Some(file) = self.file.get()
        {
            let path = || file.path().to_owned();
            match file.look() {
                FileState::Same => {}
                FileState::Removed => self.block(Obstacle::FileRemoved(path())),
                FileState::Replaced(_) => self.block(Obstacle::FileReplaced(path())),
            }
        }
        match self.obstacle() {
            None => Ok(()),
            Some(obstacle) => Err(unavailable(obstacle)),
        }
    }

    /// Fails if this is another database than the one that this process uses. The first one that is looked at becomes that.
    pub(in crate::store) fn check_identity(&self, found: &str) -> Result<()> {
        let known = self.known.get_or_init(|| found.to_owned());
        if known == found {
            return Ok(());
        }
        let (known, found) = (known.clone(), found.to_owned());
        self.block(Obstacle::OtherInstallation { known, found });
        self.check()
    }

    pub(in crate::store) fn is_known(&self) -> bool {
        self.known.get().is_some()
    }

    pub(in crate::store) fn obstacle(&self) -> Option<Arc<Obstacle>> {
        self.obstacle.load_full()
    }

    /// Keeps everybody from using a connection, until [`clear_obstacle`](Self::clear_obstacle).
    fn block(&self, obstacle: Obstacle) {
        self.obstacle.store(Some(Arc::new(obstacle)));
        self.reconnect();
    }

    pub(in crate::store) fn clear_obstacle(&self) {
        self.obstacle.store(None);
        self.reconnect();
    }

    pub(in crate::store) fn fault(&self) -> Option<Fault> {
        self.fault.load().as_ref().map(|it| it.fault)
    }

    /// How long ago the fault was last noted.
    pub(in crate::store) fn fault_age(&self) -> Option<Duration> {
        self.fault.load().as_ref().map(|it| it.noted.elapsed())
    }

    pub(in crate::store) fn note(&self, error: &StoreError) {
        if let StoreError::Faulty(fault, _) = error {
            self.note_fault(*fault);
        }
    }

    /// Remembers a fault. Where the database is read-only, the connections are closed before they are used again, so that the
    /// next ones lead to the primary when the address has moved there.
    pub(in crate::store) fn note_fault(&self, fault: Fault) {
        let noted = Stopwatch::start();
        let before = self.fault.swap(Some(Arc::new(NotedFault { fault, noted })));
        let is_new = before.is_none_or(|before| before.fault != fault);
        if is_new && fault == Fault::ReadOnly {
            self.reconnect();
        }
    }

    pub(in crate::store) fn clear_fault(&self) {
        self.fault.store(None);
    }

    pub(in crate::store) fn note_commit(&self, change_id: i64) {
        self.committed.fetch_max(change_id, Ordering::AcqRel);
    }

    /// The last change that this process knows to be committed.
    pub(in crate::store) fn last_commit(&self) -> i64 {
        self.committed.load(Ordering::Acquire)
    }

    pub(in crate::store) fn forget_commit(&self, change_id: i64) {
        let (set, fetch) = (Ordering::AcqRel, Ordering::Acquire);
        let _ = self.committed.compare_exchange(change_id, 0, set, fetch);
    }

    /// Has every connection that is open now closed before it is used again.
    pub(in crate::store) fn reconnect(&self) {
        self.reconnect_at.store(Some(Arc::new(Stopwatch::start())));
    }

    /// Whether a connection of this age has to be closed instead of used.
    pub(in crate::store) fn is_outdated(&self, age: Duration) -> bool {
        let reconnect_at = self.reconnect_at.load();
        reconnect_at.as_ref().is_some_and(|at| at.elapsed() <= age)
    }
}

/// The error of whoever needs a connection while none may be used.
fn unavailable(obstacle: Arc<Obstacle>) -> StoreError {
    let error = std::io::Error::other(Arc::unwrap_or_clone(obstacle));
    StoreError::Unavailable(sqlx::Error::Io(error))
}

/// Whether a call waited in vain for the database, and no reading has succeeded since: a call may find out before the change
/// feed does. Until the feed has read the database again, nobody else has to wait for the same answer.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_blocks_every_connection_until_the_known_one_is_back() {
        let guard = Guard::default();
        guard.check_identity("a").unwrap();
        guard.check().unwrap();

        let error = guard.check_identity("b").unwrap_err();
        let text = format!("{:#}", anyhow::Error::from(error));
        assert!(text.contains("is b, and was a"), "{text}");
        guard.check().unwrap_err();

        guard.check_identity("a").unwrap();
        guard.clear_obstacle();
        guard.check().unwrap();
    }

    #[test]
    fn connections_from_before_are_closed_when_the_database_becomes_read_only() {
        let guard = Guard::default();
        assert!(!guard.is_outdated(Duration::from_hours(1)));

        guard.note_fault(Fault::DiskFull);
        assert!(!guard.is_outdated(Duration::from_hours(1)));
        guard.note_fault(Fault::ReadOnly);
        assert!(guard.is_outdated(Duration::from_hours(1)));

        std::thread::sleep(Duration::from_millis(2));
        assert!(!guard.is_outdated(Duration::from_millis(1)));
        guard.note_fault(Fault::ReadOnly);
        assert!(!guard.is_outdated(Duration::from_millis(1)), "noted again");
    }
}
