//! A password of the database that changes while the service runs.

use std::fs;

use tempfile::TempDir;
use token_server::store::StoreError;
use url::Url;

use crate::harness::{Database, Log, PasswordGate, TestApp};

const OLD: &str = "kiwi-7f3a";
const NEW: &str = "plum-91bc";

#[tokio::test]
async fn a_changed_url_file_is_used_by_the_next_connection() {
    let database = Database::fresh().await;
    let Some(gate) = PasswordGate::before(&database, OLD).await else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("database-url");
    let write = |password: &str| fs::write(&file, gate.url(password) + "\n").unwrap();
    write(OLD);
    let settings = [
        ("DATABASE_URL", ""),
        ("DATABASE_URL_FILE", file.to_str().unwrap()),
    ];
    let test = TestApp::on(database, &settings).await;
    let log = Log::default();
    let _guard = log.capture();
    let ask = async || test.app.store().list_pending_migrations().await;
    ask().await.unwrap();

    gate.change(NEW);
    // The first may meet a connection that has just ended.
    for _ in 0..2 {
        let refused = ask().await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    }
    write(NEW);
    ask().await.unwrap();
    assert!(test.app.store().listen().await.unwrap().is_some());
    assert!(log.text().contains("new connections use the changed URL"));

    // What cannot be read or used does not take the place of what can.
    gate.end_connections();
    let _ = ask().await;
    fs::write(&file, "sqlite:other.db").unwrap();
    ask().await.unwrap();
    fs::remove_file(&file).unwrap();
    gate.end_connections();
    let _ = ask().await;
    ask().await.unwrap();

    let lines = log.text();
    assert_eq!(
        lines.matches("the server keeps using the last URL").count(),
        2,
        "{lines}"
    );
    assert!(!lines.contains(OLD) && !lines.contains(NEW), "{lines}");
}

/// As a volume of secrets has it: the password alone, with characters that a URL would need encoded.
#[tokio::test]
async fn a_changed_password_file_is_used_by_the_next_connection() {
    const FIRST: &str = "k@wi:/?#%";
    const SECOND: &str = "pl&m= +";
    let database = Database::fresh().await;
    let Some(gate) = PasswordGate::before(&database, FIRST).await else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("password");
    let write = |password: &str| fs::write(&file, format!("{password}\n")).unwrap();
    write(FIRST);
    let url = Url::parse(&gate.url("none")).unwrap();
    let port = url.port().unwrap().to_string();
    let settings = [
        ("DATABASE_URL", ""),
        ("DATABASE_HOST", "127.0.0.1"),
        ("DATABASE_PORT", &port),
        ("DATABASE_USER", url.username()),
        ("DATABASE_NAME", &url.path()[1..]),
        ("DATABASE_SSLMODE", "disable"),
        ("DATABASE_PASSWORD_FILE", file.to_str().unwrap()),
    ];
    let test = TestApp::on(database, &settings).await;
    let log = Log::default();
    let _guard = log.capture();
    let ask = async || test.app.store().list_pending_migrations().await;
    ask().await.unwrap();

    gate.change(SECOND);
    // The first may meet a connection that has just ended.
    for _ in 0..2 {
        ask().await.unwrap_err();
    }
    write(SECOND);
    ask().await.unwrap();

    // An empty file is most likely one that is being written.
    write("");
    gate.end_connections();
    let _ = ask().await;
    ask().await.unwrap();
    let lines = log.text();
    assert!(lines.contains("DATABASE_PASSWORD_FILE: new connections use the changed URL"));
    assert!(lines.contains("DATABASE_PASSWORD_FILE: the server keeps using the last URL"));
    assert!(!lines.contains(FIRST) && !lines.contains(SECOND), "{lines}");
}
