//! What is in the database, and under which secret it opens.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sqlx::Row;
use token_server::app::App;

use super::{DAY, NAME, Scene, next_presented, order, presented};
use crate::harness::{Connection, Log, SECRET};

const OTHER: &str = "another secret for tests, of more than 32 bytes";

/// One value of the database.
async fn value(scene: &Scene, sql: &'static str) -> String {
    match scene.served.test.database.connect().await {
        Connection::Postgres(mut it) => {
            let row = sqlx::query(sql).fetch_one(&mut it).await.unwrap();
            row.get(0)
        }
        Connection::Sqlite(mut it) => {
            let row = sqlx::query(sql).fetch_one(&mut it).await.unwrap();
            row.get(0)
        }
    }
}

const KEY: &str = "select sealed_key from acme_certificates";
const ACCOUNT: &str = "select sealed_credentials from acme_accounts";

#[tokio::test]
async fn private_keys_are_sealed_in_the_database_and_nowhere_to_be_seen() {
    let log = Log::default();
    let _guard = log.capture();
    let scene = Scene::issued().await;
    let app: &App = &scene.served.test.app;
    let (kept, is_issued) = app.acme().unwrap().certificate();
    assert!(is_issued);

    for sql in [KEY, ACCOUNT] {
        let sealed = value(&scene, sql).await;
        let bytes = sealed.strip_prefix("v1.").unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(bytes).unwrap();
        let shows = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
        assert!(!shows(b"PRIVATE KEY") && !shows(b"key_pkcs8"), "{sealed}");
        assert!(!shows(&kept.key.expose()[36..68]), "{sealed}");
    }
    let (standing, text) = (scene.standing(), log.text());
    // The private part of a P-256 key in PKCS#8 (RFC 5915), as text would have it.
    let private = &kept.key.expose()[36..68];
    for shown in [format!("{kept:?}"), format!("{standing:?}"), text] {
        assert!(!shown.contains(&STANDARD.encode(&private[..30])));
        assert!(!shown.contains(&format!("{private:?}")));
        assert!(!shown.contains("PRIVATE KEY"));
    }
}

#[tokio::test]
async fn under_another_secret_it_is_neither_presented_nor_ordered_anew() {
    let log = Log::default();
    let _guard = log.capture();
    let scene = Scene::issued().await;

    let other = scene.replica(&[("SECRET", OTHER)]).await;
    scene.clock.advance(60 * DAY);
    order(&other).await;

    assert_eq!(presented(&other, &scene.authority, NAME).await, None);
    assert_eq!(scene.authority.orders(), 1);
    let text = log.text();
    assert!(text.contains("neither SECRET nor SECRET_PREVIOUS decrypts"));
    let standing = other.test.app.acme().unwrap().standing();
    assert!(standing.problem.unwrap().contains("SECRET_PREVIOUS"));
}

#[tokio::test]
async fn when_the_secret_changes_it_is_sealed_anew_and_replicas_go_on_with_what_they_have() {
    let scene = Scene::issued().await;
    let before = next_presented(&scene.served, &scene.authority, None).await;
    let sealed = [value(&scene, KEY).await, value(&scene, ACCOUNT).await];

    let changed = [("SECRET", OTHER), ("SECRET_PREVIOUS", SECRET)];
    let other = scene.replica(&changed).await;
    other.test.app.audit.take_over().await.unwrap();
    other.test.app.acme().unwrap().reseal().await.unwrap();
    scene.served.test.app.acme().unwrap().read().await.unwrap();
    let later = scene.replica(&[("SECRET", OTHER)]).await;

    assert_ne!(
        [value(&scene, KEY).await, value(&scene, ACCOUNT).await],
        sealed
    );
    for served in [&scene.served, &other, &later] {
        let presented = presented(served, &scene.authority, NAME).await;
        assert_eq!(presented, Some(before.clone()));
    }
    scene.authority.lead_names_to(later.address);
    scene.clock.advance(60 * DAY);
    order(&later).await;
    assert_eq!(
        (scene.authority.orders(), scene.authority.accounts()),
        (2, 1)
    );
}
