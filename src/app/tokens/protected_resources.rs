//! Owns which identifiers of clients are URLs of protected resources (RFC 9728). Anybody may ask for one, so that they are in memory,
//! read from the database every few seconds while somebody asks, whatever is asked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use crate::app::core::Core;
use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::base::clock::UnixTime;
use crate::base::metrics::CacheMetrics;
use crate::domain::{Audience, PROTECTED_RESOURCE, ResourcePlace};

/// Seconds for which what was read counts as new, and after which a reading that failed is tried again.
const MAX_AGE: i64 = 5;

/// Clients whose identifiers are read. Each has five at most, and most services have one.
const MOST_CLIENTS: u32 = 10_000;

/// How long the refusal of a token waits for the first reading.
const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Clone, Default)]
pub(crate) struct ProtectedResources {
    last: Arc<ArcSwapOption<Reading>>,
    /// When the last reading began, whatever came of it. Locked while one is under way.
    begun_at: Arc<Mutex<Option<UnixTime>>>,
}

struct Reading {
    at: UnixTime,
    resources: HashMap<ResourcePlace, Audience>,
}

type Turn = OwnedMutexGuard<Option<UnixTime>>;

impl Tokens {
    /// The protected resource at this place, if a client has it among its identifiers.
    pub async fn find_protected_resource(&self, place: &ResourcePlace) -> Result<Option<Audience>> {
        let resources = &self.protected_resources;
        if !resources.are_new(&self.core) {
            let turn = Arc::clone(&resources.begun_at).lock_owned().await;
            resources.read(turn, &self.core).await?;
        }
        Ok(resources.find(place))
    }

    /// The URL of the metadata of the resource that is this audience, if it is the identifier of a client and a URL. It is at
    /// this server, wherever the resource is. For refusals of tokens: it does not wait for the database but for a moment, the
    /// first time.
    pub async fn find_resource_metadata(&self, audience: &Audience) -> Option<String> {
        let place = ResourcePlace::of(audience)?;
        let resources = &self.protected_resources;
        if !resources.are_new(&self.core) {
            resources.read_aside(&self.core).await;
        }
        let is_it = resources.find(&place).is_some_and(|it| it == *audience);
        let path = format!("{PROTECTED_RESOURCE}/{}", place.as_str());
        is_it.then(|| self.core.config.token.issuer.endpoint(&path))
    }
}

impl ProtectedResources {
    fn find(&self, place: &ResourcePlace) -> Option<Audience> {
        let last = self.last.load();
        last.as_ref()?.resources.get(place).cloned()
    }

    fn are_known(&self) -> bool {
        self.last.load().is_some()
    }

    fn are_new(&self, core: &Core) -> bool {
        let last = self.last.load();
        let now = core.clock.steady();
        last.as_ref()
            .is_some_and(|last| now.since(last.at) < MAX_AGE)
    }

    /// Begins a reading unless one is under way, and waits for the first one of all.
    async fn read_aside(&self, core: &Arc<Core>) {
        if let Ok(turn) = Arc::clone(&self.begun_at).try_lock_owned() {
            let (resources, core) = (self.clone(), Arc::clone(core));
            // In a task of its own, so that it goes on when nobody waits any longer. It logs its failure.
            tokio::spawn(async move { resources.read(turn, &core).await });
        }
        if !self.are_known() {
            let _ = timeout(PATIENCE, self.begun_at.lock()).await;
        }
    }

    /// Reads them, unless somebody has meanwhile. While the database does not answer, what was read before counts.
    async fn read(&self, mut begun_at: Turn, core: &Core) -> Result<()> {
        if self.are_new(core) {
            return Ok(());
        }
        let now = core.clock.steady();
        let read = if begun_at.is_some_and(|at| now.since(at) < MAX_AGE) {
            Err(Error::temporarily_unavailable(
                "the server cannot read the identifiers of clients; try again shortly",
            ))
        } else {
            *begun_at = Some(now);
            let read = self.read_anew(core, now).await;
            read.inspect_err(|error| {
                tracing::warn!("cannot read the identifiers of clients: {}", error.reason());
            })
        };
        match read {
            Err(_) if self.are_known() => Ok(()),
            read => read,
        }
    }

    async fn read_anew(&self, core: &Core, at: UnixTime) -> Result<()> {
        let identifiers = core.database()?.list_identifiers(MOST_CLIENTS).await?;
        let mut resources = HashMap::new();
        for identifier in identifiers {
            let Some(place) = ResourcePlace::of(&identifier) else {
                continue;
            };
            // Of two that differ in a slash behind the host the shorter one counts.
            let known = resources.entry(place).or_insert_with(|| identifier.clone());
            if identifier.as_str().len() < known.as_str().len() {
                *known = identifier;
            }
        }
        self.last.store(Some(Arc::new(Reading { at, resources })));
        Ok(())
    }

    pub(crate) fn metrics(&self) -> CacheMetrics {
        let last = self.last.load();
        let entries = last.as_ref().map_or(0, |last| last.resources.len());
        let limit = u64::from(MOST_CLIENTS) * 5;
        CacheMetrics::of_entries("protected_resources", entries, limit)
    }
}
