//! Keys at a `jwks_uri`: fetched from where the operator allows, and not otherwise.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use token_server::config::TlsConfig;
use token_server::domain::{ClientKeys, JwksUri};
use token_server::http::Certificate;

use super::assertion::{claims, present, register};
use crate::admin_api::Robot;
use crate::harness::{BY, Log, Signer, TestApp};

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
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        let key = made.signing_key.serialize_pem();
        std::fs::write(folder.path().join("key.pem"), key).unwrap();
        let files = TlsConfig {
            cert: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
        };
        let certificate = Certificate::load(files).unwrap().served();
        let (page, asked) = (Arc::new(Mutex::new(page)), Arc::new(AtomicUsize::new(0)));
        let (now, count) = (Arc::clone(&page), Arc::clone(&asked));
        let router = Router::new().fallback(async move |uri: Uri| {
            count.fetch_add(1, Ordering::SeqCst);
            let page = now.lock().unwrap().clone();
            show(page, uri.path()).await
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = axum_server::from_tcp_rustls(listener, certificate).unwrap();
        tokio::spawn(server.serve(router.into_make_service()));
        Self {
            port,
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
async fn what_is_no_key_set_is_not_used() {
    let signer = Signer::new("ES256");
    let publisher = Publisher::start(Page::Silence);
    let mut private = signer.jwk("k");
    private["d"] = json!("AQAB");
    let padded = format!("{}{}", signer.jwks("k"), " ".repeat(70_000));

    for page in [
        Page::Silence,
        Page::Endless,
        Page::Text(padded),
        Page::Text(String::new()),
        Page::Text("<html>".to_owned()),
        Page::Text(r#"{"keys":[]}"#.to_owned()),
        Page::Text(json!({"keys": [private]}).to_string()),
        Page::Status(StatusCode::NO_CONTENT),
        Page::Status(StatusCode::NOT_FOUND),
        Page::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Page::Redirect(signer.jwks("k")),
    ] {
        publisher.show(page);
        let test = publisher.allowed(&[]).await;
        register(&test, publisher.uri()).await;
        assert_eq!(log_in(&test, &signer, header("k")).await, 401);
    }
    // Each was asked for once: the redirect was not followed.
    assert_eq!(publisher.asked(), 11);
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
    let other = test
        .register(token_server::app::NewClient {
            client_id: token_server::domain::ClientId::parse("other").ok(),
            ..Default::default()
        })
        .await;
    let signer = Signer::new("ES256");

    let slow = log_in(&test, &signer, header("k"));
    let quick = tokio::time::timeout(Duration::from_millis(900), test.authorize("other", &other));
    let (slow, quick) = tokio::join!(slow, quick);

    assert_eq!((slow, quick.unwrap().status), (401, 200));
}

/// Keys of which none can be used, as they stand at real servers, and what the log tells of each.
fn unusable_keys() -> Vec<(Value, &'static str)> {
    let mut private = Signer::new("EdDSA").jwk("private");
    private["d"] = json!("c2VjcmV0");
    let mut half = Signer::new("ES256").jwk("half");
    half.as_object_mut().unwrap().remove("y");
    let short = "w".repeat(171);
    vec![
        (
            json!({"kty": "RSA", "kid": "short", "n": short, "e": "AQAB"}),
            "(kid `short`)",
        ),
        (
            json!({"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}),
            "(kid `shared`)",
        ),
        (half, "(kid `half`)"),
        (private, "(kid `private`)"),
        (
            json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AQAB"}),
            "keys[4]",
        ),
        (json!("text"), "keys[5]"),
    ]
}

#[tokio::test]
async fn an_unusable_key_is_skipped_with_a_log_line_and_the_others_are_used() {
    let log = Log::default();
    let _guard = log.capture();
    let signer = Signer::new("ES256");
    let mut keys: Vec<Value> = unusable_keys().into_iter().map(|(key, _)| key).collect();
    let mut good = signer.jwk("k");
    good["alg"] = Value::Null;
    keys.push(good);
    let page = format!("\u{feff}{}", json!({ "keys": keys }));
    let publisher = Publisher::start(Page::Text(page));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;

    assert_eq!(log_in(&test, &signer, header("k")).await, 200);

    let logged = log.text();
    let lines: Vec<&str> = logged
        .lines()
        .filter(|it| it.contains("skips a key"))
        .collect();
    assert_eq!(lines.len(), 6, "{logged}");
    for ((_, told), line) in unusable_keys().iter().zip(&lines) {
        assert!(line.contains(told) && line.contains("WARN"), "{line}");
    }
    assert!(!logged.contains("c2VjcmV0"), "{logged}");
}

#[tokio::test]
async fn of_many_keys_the_first_twenty_are_used() {
    let signers = [Signer::new("ES256"), Signer::new("ES256")];
    let mut keys = vec![Signer::new("EdDSA").jwk("other"); 19];
    keys.extend([signers[0].jwk("20"), signers[1].jwk("21")]);
    let publisher = Publisher::start(Page::Text(json!({ "keys": keys }).to_string()));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;

    assert_eq!(log_in(&test, &signers[0], header("20")).await, 200);
    assert_eq!(log_in(&test, &signers[1], header("21")).await, 401);
}

#[tokio::test]
async fn a_set_without_a_usable_key_leaves_the_old_keys_in_use() {
    let signer = Signer::new("ES256");
    let publisher = Publisher::start(Page::Text(signer.jwks("k")));
    let test = publisher.allowed(&[]).await;
    register(&test, publisher.uri()).await;
    assert_eq!(log_in(&test, &signer, header("k")).await, 200);

    let keys: Vec<Value> = unusable_keys().into_iter().map(|(key, _)| key).collect();
    publisher.show(Page::Text(json!({ "keys": keys }).to_string()));
    test.clock.advance(300);

    assert_eq!(log_in(&test, &signer, header("k")).await, 200);
    assert_eq!(publisher.asked(), 2);
}

#[tokio::test]
async fn at_registration_each_unusable_key_is_refused_by_its_position() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let good = Signer::new("ES256").jwk("k");

    // A kind of key that is unknown here is no fault (RFC 7517 §5).
    for (key, _) in unusable_keys()
        .into_iter()
        .filter(|(key, _)| key["kty"] != "AKP")
    {
        let jwks = json!({"keys": [good, key]});
        let body = json!({"client_id": "new", "auth_methods": ["private_key_jwt"], "jwks": jwks});
        let answer = robot.post("/clients", &body).await;

        answer.assert_error(400, "invalid_request");
        assert!(answer.text().contains("keys[1]: "), "{}", answer.text());
    }
}
