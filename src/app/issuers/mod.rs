//! Trusted issuers: whose tokens prove who a client is. All of them are in memory, read anew when one has changed.

mod check;
mod crud;
mod instructions;
mod judge;
mod keys;
mod lines;
mod preset;
mod transfer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

pub use check::{CheckedKey, IssuerCheck};
pub use crud::{ListedIssuer, RevokedAtIssuer};
pub use instructions::Instructions;
pub use keys::IssuerMetrics;
pub(crate) use keys::LoadedIssuer;
pub use lines::issuer_lines;
pub use preset::{Aws, GitHub, GitLab, Google, Kubernetes, Preset, PresetPlan, Spiffe};
pub(crate) use transfer::PlannedIssuer;
pub use transfer::{ImportedIssuer, IssuerStep, IssuersDocument};

use crate::app::core::Core;
use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::base::metrics::CacheMetrics;
use crate::domain::{
    ClientId, Identities, IssuerName, IssuerStatus, Subject, TrustAnchor, TrustedIssuer,
};
use crate::jwt::PlatformToken;
use crate::store::StoreError;

/// Subjects whose clients are remembered; past that the least used are forgotten.
const OWNERS: usize = 10_000;

/// More clients of one subject are as good as these: it names none of them alone.
const MAX_OWNERS: u32 = 20;

/// The trusted issuers.
pub struct Issuers {
    core: Arc<Core>,
    tokens: Arc<Tokens>,
    loaded: ArcSwapOption<Vec<Arc<LoadedIssuer>>>,
    /// Whether what is loaded is to be read anew before it is used.
    is_stale: AtomicBool,
    loading: Mutex<()>,
    owners: Cache<(u64, IssuerName, String), Arc<[ClientId]>>,
    /// Counts the changes of whom a subject names.
    owners_epoch: AtomicU64,
}

impl Issuers {
    pub(crate) fn new(core: &Arc<Core>, tokens: &Arc<Tokens>) -> Self {
        Self {
            core: Arc::clone(core),
            tokens: Arc::clone(tokens),
            loaded: ArcSwapOption::empty(),
            is_stale: AtomicBool::new(true),
            loading: Mutex::new(()),
            owners: Cache::new(OWNERS),
            owners_epoch: AtomicU64::new(0),
        }
    }

    pub(crate) async fn refresh(&self) -> Result<()> {
        self.forget_owners();
        self.is_stale.store(true, Ordering::SeqCst);
        let _loading = self.loading.lock().await;
        self.load().await
    }

    /// Forgets whom subjects name. To be called when identities of a client have changed.
    pub(crate) fn forget_owners(&self) {
        self.owners_epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// All issuers, those that are disabled among them. While the database is gone, those of before.
    pub(crate) async fn all(&self) -> Result<Arc<Vec<Arc<LoadedIssuer>>>> {
        if let Some(loaded) = self.fresh() {
            return Ok(loaded);
        }
        let _loading = self.loading.lock().await;
        if let Some(loaded) = self.fresh() {
            return Ok(loaded);
        }
        let read = self.load().await;
        let Some(loaded) = self.loaded.load_full() else {
            return read.map(|()| Arc::default());
        };
        if let Err(error) = read {
            tracing::warn!("cannot read the trusted issuers: {}", error.reason());
        }
        Ok(loaded)
    }

    fn fresh(&self) -> Option<Arc<Vec<Arc<LoadedIssuer>>>> {
        if self.is_stale.load(Ordering::SeqCst) {
            return None;
        }
        self.loaded.load_full()
    }

    async fn load(&self) -> Result<()> {
        // First, so that a change during the reading makes it stale again.
        self.is_stale.store(false, Ordering::SeqCst);
        let stale = |_: &StoreError| self.is_stale.store(true, Ordering::SeqCst);
        let issuers = self.core.store.list_issuers().await.inspect_err(stale)?;
        let sequences = self.core.store.list_spiffe_sequences().await;
        let mut sequences = sequences.inspect_err(stale)?;
        let before = self.loaded.load_full().unwrap_or_default();
        let loaded = issuers.into_iter().map(|issuer| {
            let sequence = sequences.remove(&issuer.name);
            let mut before = before.iter();
            // Keys that were fetched by the same rules serve on, unless an operator has let the bundle begin anew.
            let same = before
                .find(|it| it.issuer == issuer && (sequence.is_some() || !it.has_sequence()))
                .map(Arc::clone);
            same.unwrap_or_else(|| Arc::new(LoadedIssuer::new(issuer, sequence)))
        });
        self.loaded.store(Some(Arc::new(loaded.collect())));
        Ok(())
    }

    /// The enabled issuers that a token may be of, by what it says itself. This server is none of them.
    pub(crate) async fn candidates(
        &self,
        token: &PlatformToken<'_>,
        only_spiffe: bool,
    ) -> Result<Vec<Arc<LoadedIssuer>>> {
        let own = &self.core.config.token.issuer;
        let all = self.all().await?;
        let may_be = |it: &&Arc<LoadedIssuer>| {
            let is_domain = matches!(it.issuer.anchor, TrustAnchor::Domain(_));
            it.issuer.status == IssuerStatus::Enabled
                && !it.issuer.is_this_server(own)
                && (is_domain || !only_spiffe)
                && token.names(&it.issuer.anchor)
        };
        Ok(all.iter().filter(may_be).map(Arc::clone).collect())
    }

    /// Refuses identities at issuers that are neither there nor `planned`, or that cannot have them. Knows the issuers that
    /// were read last: the store refuses the others.
    pub(crate) fn check_identities(
        &self,
        identities: &Identities,
        planned: &[TrustedIssuer],
    ) -> Result<()> {
        let all = self.loaded.load_full().unwrap_or_default();
        let known = all.iter().map(|it| &it.issuer).chain(planned);
        for identity in identities.iter() {
            let name = identity.issuer();
            let Some(issuer) = known.clone().find(|it| it.name == *name) else {
                return Err(Error::invalid_request(format!(
                    "identities: no trusted issuer is called `{name}`; `token-server issuer add` adds one"
                )));
            };
            let checked = identity.check_at(&issuer.anchor);
            checked.map_err(|error| Error::invalid_request(format!("identities: {error}")))?;
        }
        Ok(())
    }

    /// Refuses the id of a client that tokens of an issuer would be taken for, be it there or `planned`. Knows the issuers that
    /// were read last: the store refuses the others.
    pub(crate) fn check_client_id(&self, id: &ClientId, planned: &[TrustedIssuer]) -> Result<()> {
        let all = self.loaded.load_full().unwrap_or_default();
        let mut known = all.iter().map(|it| &it.issuer).chain(planned);
        match known.find(|it| it.anchor.claims_client_id(id)) {
            Some(issuer) => Err(Error::conflict(issuer.refusal_of(id))),
            None => Ok(()),
        }
    }

    /// Whether clients may log in with JWT-SVIDs.
    pub fn take_svids(&self) -> bool {
        let all = self.loaded.load_full().unwrap_or_default();
        all.iter().any(|it| {
            it.issuer.status == IssuerStatus::Enabled
                && matches!(it.issuer.anchor, TrustAnchor::Domain(_))
        })
    }

    /// The clients that have an identity at an issuer whose subject a token has.
    pub(crate) async fn find_owners(
        &self,
        issuer: &LoadedIssuer,
        token: &PlatformToken<'_>,
    ) -> Result<Arc<[ClientId]>> {
        // Looked at before the reading: what changes meanwhile makes its result one of before.
        let epoch = self.owners_epoch.load(Ordering::SeqCst);
        let name = &issuer.issuer.name;
        let key = (epoch, name.clone(), token.sub().to_owned());
        if let Some(owners) = self.owners.get(&key) {
            return Ok(owners);
        }
        let prefixes: Vec<String> = match (&issuer.issuer.anchor, token.spiffe_id()) {
            (TrustAnchor::Domain(_), Some(id)) => {
                id.parents().map(|it| format!("{it}/*")).collect()
            }
            (_, _) => Vec::new(),
        };
        let mut subjects: Vec<&str> = prefixes.iter().map(String::as_str).collect();
        if Subject::parse(token.sub()).is_ok_and(|it| it.prefix().is_none()) {
            subjects.push(token.sub());
        }
        if subjects.is_empty() {
            return Ok(Arc::default());
        }
        let store = self.core.database()?;
        let found = store.find_identity_owners(name, &subjects, MAX_OWNERS);
        let owners: Arc<[ClientId]> = found.await?.into();
        if !owners.is_empty() {
            self.owners.insert(key, Arc::clone(&owners));
        }
        Ok(owners)
    }

    pub(crate) fn cache_metrics(&self) -> CacheMetrics {
        CacheMetrics {
            name: "identity_owners",
            entries: self.owners.len() as u64,
            bytes: None,
            limit: self.owners.capacity(),
            asked: None,
        }
    }
}
