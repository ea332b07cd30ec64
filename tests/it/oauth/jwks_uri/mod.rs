//! Keys at a `jwks_uri`: fetched from where the operator allows, and not otherwise.

mod sets;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use token_server::domain::{ClientKeys, JwksUri};

use super::assertion::{claims, present, register};
use crate::harness::{BY, Signer, TestApp, new_client, serve_https};

/// What is at the URL.
#[derive(Clone)]
enum Page {
    Text(String),
    Status(StatusCode),
    /// To where this text is.
    Redirect(String),
    /// Never an answer.
    Silence,
    /// An answer that does not end.
    Endless,
}

/// An https server of the client's on a port of its own.
struct Publisher {
    port: u16,
    folder: TempDir,
    page: Arc<Mutex<Page>>,
    asked: Arc<AtomicUsize>,
}

impl Publisher {
    fn start(page: Page) -> Self {
        let folder = TempDir::new().unwrap();
        let (page, asked) = (Arc::new(Mutex::new(page)), Arc::new(AtomicUsize::new(0)));
        let (now, count) = (Arc::clone(&page), Arc::clone(&asked));
        let router = Router::new().fallback(async move |uri: Uri| {
            count.fetch_add(1, Ordering::SeqCst);
            let page = now.lock().unwrap().clone();
            show(page, uri.path()).await
        });
        Self {
            port: serve_https(folder.path(), |_| router),
            folder,
            page,
            asked,
        }
    }

    fn show(&self, page: Page) {
        *self.page.lock().unwrap() = page;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn authority(&self) -> String {
        format!("localhost:{}", self.port)
    }

    fn uri(&self) -> ClientKeys {
        let uri = format!("https://{}/keys", self.authority());
        ClientKeys::Uri(JwksUri::parse(&uri).unwrap())
    }

    /// A service that may fetch from here, with some settings otherwise.
    async fn allowed(&self, settings: &[(&str, &str)]) -> TestApp {
        let (hosts, ca) = (self.authority(), self.folder.path().join("cert.pem"));
        let base = [
            ("JWKS_URI_HOSTS", hosts.as_str()),
            ("JWKS_URI_CA", ca.to_str().unwrap()),
            ("JWKS_URI_PRIVATE_ADDRESSES", "true"),
            ("JWKS_URI_TIMEOUT", "1s"),
        ];
        TestApp::with(&[settings, &base].concat()).await
    }
}

async fn show(page: Page, path: &str) -> Response {
    match page {
        Page::Text(text) => text.into_response(),
        Page::Status(status) => status.into_response(),
        Page::Redirect(text) if path == "/moved" => text.into_response(),
        Page::Redirect(_) => Redirect::temporary("/moved").into_response(),
        Page::Silence => std::future::pending().await,
        Page::Endless => {
            let chunks =
                futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(1_000)));
            Response::new(axum::body::Body::from_stream(chunks))
        }
    }
}

fn header(kid: &str) -> Value {
    json!({ "kid": kid })
}

/// The status of a login with a key.
async fn log_in(test: &TestApp, signer: &Signer, header: Value) -> u16 {
    let mut claims = claims();
    claims["iat"] = json!(test.clock.now().0);
    claims["exp"] = json!(test.clock.now().0 + 60);
    present(test, &signer.sign(header, &claims)).await.status
}

#[tokio::test]
async fn keys_are_fetched_once_and_kept() {
    let signer = Signer::new("ES256");
    let publisher = Publisher::start(Page::Text(signer.jwks("k")));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;

    for _ in 0..3 {
        assert_eq!(log_in(&test, &signer, header("k")).await, 200);
    }
    assert_eq!(publisher.asked(), 1);

    test.clock.advance(300);
    assert_eq!(log_in(&test, &signer, header("k")).await, 200);
    assert_eq!(publisher.asked(), 2);
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_but_not_more_often_than_allowed() {
    let (old, new) = (Signer::new("ES256"), Signer::new("ES256"));
    let publisher = Publisher::start(Page::Text(old.jwks("old")));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;
    assert_eq!(log_in(&test, &old, header("old")).await, 200);

    publisher.show(Page::Text(new.jwks("new")));
    assert_eq!(log_in(&test, &new, header("new")).await, 401);
    assert_eq!(publisher.asked(), 1);

    test.clock.advance(30);
    assert_eq!(log_in(&test, &new, header("new")).await, 200);
    assert_eq!(publisher.asked(), 2);
    for _ in 0..5 {
        assert_eq!(log_in(&test, &old, header("old")).await, 401);
    }
    assert_eq!(publisher.asked(), 2);
}

#[tokio::test]
async fn a_new_key_without_a_name_is_noticed_too() {
    let (old, new) = (Signer::new("ES256"), Signer::new("ES256"));
    let publisher = Publisher::start(Page::Text(old.jwks("old")));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;
    assert_eq!(log_in(&test, &old, json!({})).await, 200);

    publisher.show(Page::Text(new.jwks("new")));
    test.clock.advance(30);

    assert_eq!(log_in(&test, &new, json!({})).await, 200);
    assert_eq!(log_in(&test, &old, json!({})).await, 401);
}

#[tokio::test]
async fn a_wrong_signature_of_a_known_key_fetches_nothing() {
    let (signer, stranger) = (Signer::new("ES256"), Signer::new("ES256"));
    let publisher = Publisher::start(Page::Text(signer.jwks("k")));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;
    log_in(&test, &signer, header("k")).await;

    test.clock.advance(60);

    assert_eq!(log_in(&test, &stranger, header("k")).await, 401);
    assert_eq!(publisher.asked(), 1);
}

#[tokio::test]
async fn many_at_once_wait_for_one_fetch() {
    let signer = Signer::new("ES256");
    let publisher = Publisher::start(Page::Text(signer.jwks("k")));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;

    let log_ins = (0..8).map(|_| log_in(&test, &signer, header("k")));

    assert_eq!(futures_util::future::join_all(log_ins).await, [200; 8]);
    assert_eq!(publisher.asked(), 1);
}

#[tokio::test]
async fn a_failed_fetch_is_not_repeated_at_once() {
    let signer = Signer::new("ES256");
    let publisher = Publisher::start(Page::Status(StatusCode::NOT_FOUND));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;

    for _ in 0..3 {
        assert_eq!(log_in(&test, &signer, header("k")).await, 401);
    }
    assert_eq!(publisher.asked(), 1);

    publisher.show(Page::Text(signer.jwks("k")));
    test.clock.advance(30);
    assert_eq!(log_in(&test, &signer, header("k")).await, 200);
}

#[tokio::test]
async fn old_keys_are_good_for_a_quarter_of_an_hour_when_new_ones_cannot_be_had() {
    let signer = Signer::new("ES256");
    let publisher = Publisher::start(Page::Text(signer.jwks("k")));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;
    assert_eq!(log_in(&test, &signer, header("k")).await, 200);

    publisher.show(Page::Status(StatusCode::BAD_GATEWAY));
    test.clock.advance(300 + 899);
    assert_eq!(log_in(&test, &signer, header("k")).await, 200);
    test.clock.advance(1);
    assert_eq!(log_in(&test, &signer, header("k")).await, 401);
}

#[tokio::test]
async fn a_private_address_is_refused_by_default() {
    let signer = Signer::new("ES256");
    let publisher = Publisher::start(Page::Text(signer.jwks("k")));
    let by_address = format!("127.0.0.1:{}", publisher.port);
    let hosts = format!("{} {by_address}", publisher.authority());
    let settings = [
        ("JWKS_URI_PRIVATE_ADDRESSES", "false"),
        ("JWKS_URI_HOSTS", &*hosts),
    ];

    for authority in [publisher.authority(), by_address] {
        let uri = JwksUri::parse(&format!("https://{authority}/keys")).unwrap();
        for (private, status) in [(&settings[..], 401), (&settings[1..], 200)] {
            let test = publisher.allowed(private).await;
            register(&test, ClientKeys::Uri(uri.clone())).await;
            let got = log_in(&test, &signer, header("k")).await;
            assert_eq!(got, status, "{authority}");
        }
    }
    assert_eq!(publisher.asked(), 2);
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let signer = Signer::new("ES256");
    let publisher = Publisher::start(Page::Text(signer.jwks("k")));
    let other = Publisher::start(Page::Silence);
    let ca = other.folder.path().join("cert.pem");
    let test = publisher
        .allowed(&[("JWKS_URI_CA", ca.to_str().unwrap())])
        .await;
    register(&test, publisher.uri()).await;

    assert_eq!(log_in(&test, &signer, header("k")).await, 401);
    assert_eq!(publisher.asked(), 0);
}

#[tokio::test]
async fn a_host_that_is_not_allowed_cannot_be_registered_and_is_not_fetched_later() {
    let signer = Signer::new("ES256");
    let publisher = Publisher::start(Page::Text(signer.jwks("k")));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;
    // The same database under settings that allow other hosts, and none.
    for hosts in ["keys.example", "localhost", ""] {
        let other = TestApp::on(test.database.clone(), &[("JWKS_URI_HOSTS", hosts)]).await;

        assert_eq!(log_in(&other, &signer, header("k")).await, 401, "{hosts}");
        let new = token_server::app::NewClient {
            authentication: token_server::domain::AuthenticationSettings {
                keys: Some(publisher.uri()),
                ..Default::default()
            },
            ..Default::default()
        };
        let refused = other.app.clients.register(BY, new, None).await.unwrap_err();
        assert!(refused.description.contains("JWKS_URI_HOSTS"), "{refused}");
    }
    assert_eq!(publisher.asked(), 0);
}

#[tokio::test]
async fn a_slow_publisher_does_not_hold_up_other_clients() {
    let publisher = Publisher::start(Page::Silence);
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;
    let other = test.register(new_client("other")).await;
    let signer = Signer::new("ES256");

    let slow = log_in(&test, &signer, header("k"));
    let quick = tokio::time::timeout(Duration::from_millis(900), test.authorize("other", &other));
    let (slow, quick) = tokio::join!(slow, quick);

    assert_eq!((slow, quick.unwrap().status), (401, 200));
}
