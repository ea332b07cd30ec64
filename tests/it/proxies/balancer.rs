//! HAProxy of `deploy/compose`, which passes TLS through to two replicas: whom it asks when some are gone or not ready.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tempfile::TempDir;

use super::scene::peers::{self, TokenServer};
use super::scene::proxy::{Place, Proxy, Removes, Running};

pub(super) const BALANCER: Proxy = Proxy {
    program: "haproxy",
    examples: "deploy/compose",
    configure,
    certificate_header: "",
    fixes_host: false,
    merges_slashes: false,
    removes: Removes::Names,
    hands_on_nonces: true,
};

fn configure(place: &Place) -> Vec<String> {
    let a = format!("127.0.0.1:{}", place.token_server);
    let b = format!("127.0.0.1:{}", place.service);
    let file = place.example(
        "haproxy.cfg",
        &[
            ("bind :2600", &format!("bind 127.0.0.1:{}", place.port)),
            ("token-server-a:2600", &a),
            ("token-server-b:2600", &b),
            ("127.0.0.11:53", "127.0.0.1:9"),
        ],
    );
    ["-db", "-f", &file].map(str::to_owned).to_vec()
}

/// A played replica, which answers with its name.
struct Replica {
    server: TokenServer,
    ready: Arc<AtomicBool>,
}

impl Replica {
    fn start(name: &'static str, folder: &TempDir) -> Self {
        let ready = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&ready);
        let readiness = async move || {
            if asked.load(Ordering::SeqCst) {
                StatusCode::OK
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        let router = Router::new()
            .route("/readyz", get(readiness))
            .route("/healthz", get(StatusCode::OK))
            .fallback(async move || name);
        Self {
            server: TokenServer::serve_behind_balancer(router, folder.path()),
            ready,
        }
    }

    fn is_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::SeqCst);
    }
}

struct Scene {
    balancer: Running,
    a: Replica,
    b: Replica,
    port: u16,
    client: reqwest::Client,
    _folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        // Several tests race to be the first; the provider is the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        peers::write_certificates(folder.path());
        let (a, b) = (Replica::start("a", &folder), Replica::start("b", &folder));
        let place = Place {
            examples: BALANCER.examples,
            folder: folder.path().to_owned(),
            port: crate::clients::free_port(),
            token_server: a.server.port,
            service: b.server.port,
        };
        let root = std::fs::read(folder.path().join("ca.pem")).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&root).unwrap()])
            .no_proxy()
            // A connection for each request: one goes to one replica.
            .pool_max_idle_per_host(0)
            .resolve("localhost", SocketAddr::from(([127, 0, 0, 1], place.port)))
            .build()
            .unwrap();
        let scene = Self {
            balancer: Running::start(&BALANCER, &place),
            a,
            b,
            port: place.port,
            client,
            _folder: folder,
        };
        scene.until(async || scene.try_ask().await.is_ok()).await;
        scene
    }

    /// Waits for another process, in real time.
    async fn until(&self, holds: impl AsyncFn() -> bool) {
        for _ in 0..1_000 {
            if holds().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        panic!("HAProxy did not do it: {}", self.balancer.log());
    }

    async fn until_it_says(&self, text: &str) {
        self.until(async || self.balancer.log().contains(text))
            .await;
    }

    async fn try_ask(&self) -> reqwest::Result<String> {
        let url = format!("https://localhost:{}/", self.port);
        self.client.get(url).send().await?.text().await
    }

    /// Who answers when it is asked so often.
    async fn answers(&self, times: usize) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for _ in 0..times {
            names.insert(self.try_ask().await.unwrap());
        }
        names
    }
}

fn only(name: &str) -> BTreeSet<String> {
    BTreeSet::from([name.to_owned()])
}

#[tokio::test]
#[ignore = "interop"]
async fn both_replicas_are_asked_and_no_request_fails_when_one_stops() {
    let mut scene = Scene::new().await;
    assert_eq!(scene.answers(20).await.len(), 2);

    scene.a.server.stop().await;

    // From the first one on, before any check has failed.
    assert_eq!(scene.answers(20).await, only("b"));
}

#[tokio::test]
#[ignore = "interop"]
async fn a_replica_that_is_not_ready_is_asked_no_more_until_it_is() {
    let scene = Scene::new().await;

    scene.b.is_ready(false);
    scene.until_it_says("Server ready/b is DOWN").await;
    assert_eq!(scene.answers(20).await, only("a"));

    scene.b.is_ready(true);
    scene.until_it_says("Server ready/b is UP").await;
    assert_eq!(scene.answers(20).await.len(), 2);
}

/// Without their database for longer than `STALE_LIMIT` none is ready, and all still judge tokens.
#[tokio::test]
#[ignore = "interop"]
async fn where_none_is_ready_those_that_live_are_asked() {
    let scene = Scene::new().await;

    scene.a.is_ready(false);
    scene.b.is_ready(false);
    scene.until_it_says("ready has no server available").await;

    assert_eq!(scene.answers(20).await.len(), 2);
}
