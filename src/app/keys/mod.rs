//! The signing keys in memory: a snapshot that is used without a lock, kept true by reading the database when they
//! have changed, and once more when a token names a key that is not known here.

mod list;
mod plan;
mod rotate;
pub(crate) mod self_test;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use arc_swap::{ArcSwap, Guard};
use tokio::sync::Mutex;

pub use list::KeyStatus;
pub use rotate::Rotation;

use crate::app::core::Core;
use crate::app::core::lane::{Lane, LaneMetrics, LaneSetup};
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::domain::{KeyId, KeyRecord, KeyState, SigningAlg};
use crate::jwt::{KeySet, Sealing, Signing, SigningKey};
use self_test::SelfTest;

/// The signing threads stand below the threads that serve, and above those that hash: a caller that waits for a signature
/// has proved who it is, a caller that waits for a hash has not.
const NICE: i32 = 10;

/// The signing keys, and where they come from.
pub struct Keys {
    core: Arc<Core>,
    alg: SigningAlg,
    sealing: Sealing,
    /// What `SECRET` and `SECRET_PREVIOUS` give, without the database.
    symmetric: KeySet,
    current: ArcSwap<KeySet>,
    loaded: Mutex<Loaded>,
    /// How many readings of the database have begun.
    readings: AtomicU64,
    /// How old an active key becomes, and how long the one that follows it is published before.
    schedule: (Option<i64>, i64),
    metrics: ArcSwap<KeyMetrics>,
    self_test: SelfTest,
    /// In which RSA signatures are made. The other algorithms sign at once on the thread that asks (see [`Signing`]):
    /// handing the work over would take longer.
    signing: Lane<()>,
}

/// What is known of the key pairs.
#[derive(Clone, Debug, Default)]
pub struct KeyMetrics {
    /// How many are in each state.
    pub states: Vec<(&'static str, usize)>,
    /// When the next one that signs is due; `None` where nothing is.
    pub rotation_due: Option<UnixTime>,
}

#[derive(Default)]
struct Loaded {
    records: Vec<KeyRecord>,
    /// When an unknown key last led to a reading.
    asked_at: Option<UnixTime>,
}

impl Keys {
    /// Knows the symmetric keys only; the pairs come by [`refresh`](Self::refresh).
    pub(crate) fn new(core: &Arc<Core>) -> anyhow::Result<Self> {
        let config = &core.config;
        let (token, alg) = (&config.token, config.keys.signing_alg);
        let previous = token.secret_previous.as_ref();
        let symmetric = KeySet::hs256(token.issuer.clone(), &token.secret, previous)?;
        let setup = LaneSetup {
            name: "signing",
            threads: config.keys.signing_threads,
            queue: config.keys.signing_queue,
            nice: NICE,
            full: "the server is signing too many tokens at once; try again shortly",
        };
        let keys = Self {
            alg,
            sealing: Sealing::new(&token.secret, previous)?,
            current: ArcSwap::from_pointee(symmetric.with_pairs(Vec::new(), None)),
            symmetric,
            loaded: Mutex::default(),
            readings: AtomicU64::new(0),
            schedule: (config.keys.rotation, config.keys.publish_ahead),
            metrics: ArcSwap::default(),
            self_test: SelfTest::new()?,
            signing: Lane::start(setup).context("cannot start the signing threads")?,
            core: Arc::clone(core),
        };
        keys.take(&[]);
        Ok(keys)
    }

    /// Makes these the keys. What is open in memory is not opened again.
    fn take(&self, records: &[KeyRecord]) {
        let before = self.current.load();
        let known = |record: &KeyRecord| {
            let mut pairs = before.pairs().iter();
            pairs.find(|key| *key.kid() == record.kid && key.alg() == record.alg)
        };
        let mut pairs = Vec::new();
        let mut active = None;
        for record in records {
            let key = match known(record) {
                Some(key) => Arc::clone(key),
                None => match self.sealing.open(record) {
                    Ok((key, _)) => Arc::new(key),
                    Err(error) => {
                        let error = anyhow::Error::from(error);
                        tracing::error!(kid = %record.kid, "the server skips a key: {error:#}");
                        continue;
                    }
                },
            };
            if record.alg == self.alg && matches!(record.state, KeyState::Active { .. }) {
                active = Some(Arc::clone(&key));
            }
            pairs.push(key);
        }
        let signing = if self.alg.is_asymmetric() {
            // With no active key that opens, the one that signed until now goes on while its tokens are good everywhere.
            let is_kept = |key: &&Arc<SigningKey>| pairs.iter().any(|it| it.kid() == key.kid());
            active.or_else(|| before.signing().filter(is_kept).cloned())
        } else {
            self.symmetric.signing().cloned()
        };
        self.current
            .store(Arc::new(self.symmetric.with_pairs(pairs, signing)));
        let (rotation, ahead) = self.schedule;
        let states = || records.iter().map(|it| it.state.as_str());
        let count = |state| states().filter(|it| *it == state).count();
        self.metrics.store(Arc::new(KeyMetrics {
            states: KeyState::NAMES.map(|it| (it, count(it))).into(),
            rotation_due: rotation.and_then(|it| plan::due_at(records, self.alg, it, ahead)),
        }));
    }

    pub(crate) fn metrics(&self) -> KeyMetrics {
        KeyMetrics::clone(&self.metrics.load())
    }
}

impl Keys {
    /// The keys of this moment.
    pub fn current(&self) -> Guard<Arc<KeySet>> {
        self.current.load()
    }

    /// Reads the keys of the database; whether they had changed.
    pub async fn refresh(&self) -> Result<bool> {
        let mut loaded = self.loaded.lock().await;
        self.load(&mut loaded).await
    }

    /// Reads the keys because one is asked for that is not known; whether it is now. Anybody can name any key, so
    /// this reads at most once a second, and those who ask meanwhile share one reading.
    pub(crate) async fn learn(&self, kid: &KeyId) -> bool {
        let begun = self.readings.load(Ordering::SeqCst);
        let mut loaded = self.loaded.lock().await;
        let known = || self.current().find(kid.as_str()).is_some();
        // A reading that began after the question is an answer to it.
        if self.readings.load(Ordering::SeqCst) != begun {
            return known();
        }
        let now = self.core.now();
        if loaded.asked_at == Some(now) {
            return known();
        }
        loaded.asked_at = Some(now);
        let read = match self.core.database() {
            Ok(_) => self.load(&mut loaded).await,
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            tracing::warn!("cannot look up the key of a token: {}", error.reason());
        }
        known()
    }

    async fn load(&self, loaded: &mut Loaded) -> Result<bool> {
        self.readings.fetch_add(1, Ordering::SeqCst);
        let records = self.core.store.list_keys().await?;
        if records == loaded.records {
            return Ok(false);
        }
        self.take(&records);
        loaded.records = records;
        Ok(true)
    }

    /// The JWT in compact form; signed in the lane if the signature is due. 503 when the lane is full.
    pub(crate) async fn finish(&self, signing: Signing, source: Option<IpAddr>) -> Result<String> {
        match signing {
            Signing::Done(jwt) => Ok(jwt),
            Signing::Due(unsigned) => {
                // In a box: the future of a warm login is moved several times, whole.
                let signed = Box::pin(self.signing.run(source, move |()| unsigned.sign()));
                Ok(signed.await??)
            }
        }
    }

    pub(crate) fn signing_lane(&self) -> LaneMetrics {
        self.signing.metrics()
    }
}
