//! Results that take long to count: kept for a while, and counted anew on the side. Owns when that is; a request never
//! waits for it when there is an older result, and those that ask for the first one wait for one counting together,
//! also when it comes to nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use crate::app::error::{Error, Result};
use crate::base::clock::{Clock, UnixTime};

/// How long a request waits for a result that is counted for the first time.
pub const COUNTING_PATIENCE: Duration = Duration::from_millis(50);

/// A result, and how old it is.
#[derive(Debug)]
pub struct Counted<T> {
    /// When it was counted.
    pub at: UnixTime,
    /// What was.
    pub value: T,
}

/// The last result.
pub(crate) struct RefreshingCache<T> {
    last: ArcSwapOption<Counted<T>>,
    counting: Arc<Mutex<()>>,
    /// How often it could not be counted.
    failed: AtomicUsize,
    /// So old it may become before another is counted, in seconds.
    max_age: i64,
}

impl<T: Send + Sync + 'static> RefreshingCache<T> {
    pub(crate) fn new(max_age: i64) -> Arc<Self> {
        Arc::new(Self {
            last: ArcSwapOption::empty(),
            counting: Arc::default(),
            failed: AtomicUsize::new(0),
            max_age,
        })
    }

    /// The last result; when it is old, the next one is begun on the side.
    pub(crate) async fn find(
        self: &Arc<Self>,
        clock: &Clock,
        count: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<Arc<Counted<T>>> {
        if let Some(last) = self.last.load_full() {
            let is_old = clock.steady().since(last.at) >= self.max_age;
            if is_old && let Ok(counting) = Arc::clone(&self.counting).try_lock_owned() {
                let (cache, clock) = (Arc::clone(self), clock.clone());
                tokio::spawn(async move {
                    let _ = cache.count(&clock, count).await;
                    drop(counting);
                });
            }
            return Ok(last);
        }
        // In a task of its own, so that it goes on when who asked waits no longer.
        let (cache, clock) = (Arc::clone(self), clock.clone());
        let failed = self.failed.load(Ordering::Acquire);
        let counted = tokio::spawn(async move {
            let counting = cache.counting.lock().await;
            // Somebody else may have counted meanwhile, or tried to.
            let found = match cache.last.load_full() {
                Some(last) => Ok(last),
                None if cache.failed.load(Ordering::Acquire) != failed => Err(
                    Error::temporarily_unavailable("the count failed; the log has the cause"),
                ),
                None => cache.count(&clock, count).await,
            };
            drop(counting);
            found
        });
        counted.await.map_err(Error::internal)?
    }

    async fn count(
        &self,
        clock: &Clock,
        count: impl Future<Output = Result<T>>,
    ) -> Result<Arc<Counted<T>>> {
        let at = clock.steady();
        let value = count.await.inspect_err(|error| {
            self.failed.fetch_add(1, Ordering::Release);
            tracing::warn!("cannot count a usage ranking: {}", error.reason());
        })?;
        let counted = Arc::new(Counted { at, value });
        self.last.store(Some(Arc::clone(&counted)));
        Ok(counted)
    }
}
