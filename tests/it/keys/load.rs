//! Rotation under load: two replicas behind a balancer issue without pause what the other one verifies, while the keys
//! rotate and `SIGNING_ALG` changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use token_server::app::NewClient;
use token_server::base::clock::Clock;
use token_server::domain::TokenTtl;
use tokio::task::JoinHandle;

use super::{header, kept, kid, the};
use crate::harness::{BY, CLIENT, Database, NOW, TestApp, new_client};

const ROTATION: [(&str, &str); 2] = [("KEY_ROTATION", "1h"), ("KEY_PUBLISH_AHEAD", "10m")];

/// Two replicas with one database and one time; each place may get another replica.
struct Service {
    clock: Clock,
    database: Database,
    places: [Mutex<Arc<TestApp>>; 2],
    /// How many tokens each place has issued that both found good.
    good: [AtomicU32; 2],
    tokens: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Service {
    async fn start(alg: &str) -> Arc<Self> {
        let (clock, database) = (Clock::fixed(NOW), Database::fresh().await);
        let one = replica(&clock, &database, alg).await;
        let other = replica(&clock, &database, alg).await;
        Arc::new(Self {
            clock,
            database,
            places: [Mutex::new(one), Mutex::new(other)],
            good: Default::default(),
            tokens: Mutex::default(),
            stop: AtomicBool::new(false),
        })
    }

    fn at(&self, place: usize) -> Arc<TestApp> {
        Arc::clone(&self.places[place].lock().unwrap())
    }

    /// A new process in this place, as in a rolling change of settings.
    async fn replace(&self, place: usize, alg: &str) {
        let new = replica(&self.clock, &self.database, alg).await;
        *self.places[place].lock().unwrap() = new;
    }

    /// What each replica does by itself every second and every minute.
    async fn look_after_keys(&self) {
        let (one, other) = (self.at(0), self.at(1));
        let (one, other) =
            tokio::join!(one.app.keys.rotate_if_due(), other.app.keys.rotate_if_due());
        one.unwrap();
        other.unwrap();
        for place in [0, 1] {
            self.at(place).app.keys.refresh().await.unwrap();
        }
    }

    /// One place issues for ever, and both verify.
    fn load(self: &Arc<Self>, place: usize, secret: &str) -> JoinHandle<()> {
        let (service, secret) = (Arc::clone(self), secret.to_owned());
        tokio::spawn(async move {
            while !service.stop.load(Ordering::SeqCst) {
                let token = service.at(place).token(&secret).await;
                for verifier in [1 - place, place] {
                    service.assert_good(&token, verifier).await;
                }
                service.tokens.lock().unwrap().push(token);
                service.good[place].fetch_add(1, Ordering::SeqCst);
                // Nothing else here waits, and the worker that never waits never reads from the database.
                tokio::task::yield_now().await;
            }
        })
    }

    async fn assert_good(&self, token: &str, place: usize) {
        let answer = self.at(place).verify(token).await;
        assert_eq!(answer.status, 200, "{place}: {}", answer.text());
    }

    /// Lets both places issue some more, unless one of them has failed.
    async fn go_on(&self, loads: &[JoinHandle<()>]) {
        let before = [0, 1].map(|place| self.good[place].load(Ordering::SeqCst));
        let some_more =
            |place: usize| self.good[place].load(Ordering::SeqCst) >= before[place] + 10;
        while ![0, 1].into_iter().all(some_more) {
            assert!(
                loads.iter().all(|load| !load.is_finished()),
                "a load failed"
            );
            tokio::task::yield_now().await;
        }
    }
}

async fn replica(clock: &Clock, database: &Database, alg: &str) -> Arc<TestApp> {
    let settings = [&ROTATION[..], &[("SIGNING_ALG", alg)]].concat();
    Arc::new(TestApp::at(clock.clone(), database.clone(), &settings).await)
}

/// Three rotations: by each replica at once, and by schedule on both together. Then another algorithm, one replica
/// after the other, until the old key retires.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_token_is_refused_through_three_rotations_and_a_change_of_algorithm() {
    let service = Service::start("ES256").await;
    let secret = service
        .at(0)
        .register(NewClient {
            // So that the first token is still good in the end.
            token_ttl: Some(TokenTtl::MAX),
            ..new_client(CLIENT)
        })
        .await;
    let loads = [0, 1].map(|place| service.load(place, &secret));

    for place in [0, 1] {
        service.go_on(&loads).await;
        service.at(place).app.keys.rotate(BY, true).await.unwrap();
        service.go_on(&loads).await;
        service.clock.advance(1);
        service.look_after_keys().await;
    }
    for _ in 0..6 {
        service.go_on(&loads).await;
        service.clock.advance(601);
        service.look_after_keys().await;
    }
    assert_eq!(kept(&service.at(0), "retired").await.len(), 3);

    for place in [0, 1] {
        service.go_on(&loads).await;
        service.replace(place, "EdDSA").await;
        service.go_on(&loads).await;
        service.clock.advance(1);
        service.look_after_keys().await;
    }
    for _ in 0..11 {
        service.go_on(&loads).await;
        service.clock.advance(60);
        service.look_after_keys().await;
    }
    service.go_on(&loads).await;
    assert_eq!(kept(&service.at(0), "retired").await.len(), 4);
    let active = the(&service.at(1), "active").await;

    service.stop.store(true, Ordering::SeqCst);
    for load in loads {
        load.await.unwrap();
    }
    let tokens = std::mem::take(&mut *service.tokens.lock().unwrap());
    let mut signed: BTreeMap<String, usize> = BTreeMap::new();
    for token in &tokens {
        for place in [0, 1] {
            service.assert_good(token, place).await;
        }
        *signed.entry(kid(token)).or_default() += 1;
    }
    assert_eq!(signed.len(), 5, "{signed:?}");
    assert!(signed.values().all(|count| *count >= 10), "{signed:?}");
    let algs: BTreeSet<String> = tokens
        .iter()
        .map(|token| format!("{:?}", header(token).alg))
        .collect();
    assert_eq!(algs, ["EdDSA", "ES256"].map(str::to_owned).into());
    assert_eq!(kid(tokens.last().unwrap()), active.kid.to_string());
}
