//! Our own exports: that nothing is lost on the way there and back, and what a damaged one does.

mod refused;
mod round_trip;

use serde_json::json;
use token_server::app::clients::transfer::import::{ImportOptions, OnConflict};
use token_server::app::{NewClient, NewSecret};
use token_server::base::clock::UnixTime;
use token_server::base::secret::Secret;
use token_server::domain::{ClientChanges, Scope};

use super::{KEEP_GOING, import_with};
use crate::harness::{BY, CLIENT, NOW, TestApp, id};

const REPLACE: ImportOptions = ImportOptions {
    on_conflict: OnConflict::Replace,
    keep_going: false,
    ..KEEP_GOING
};

fn name(n: usize) -> String {
    // Of capital letters, small ones and signs, which databases order otherwise.
    format!("{}-{n}", ["client", "Client", "c:1/2", "~x", "_y"][n % 5])
}

#[tokio::test]
async fn a_taken_id_is_left_refused_or_replaced_as_told() {
    let test = TestApp::new().await;
    let old = test.client().await;
    let exported = test.export().await;
    let billing = id(CLIENT);
    let added = test.app.secrets.add(BY, &billing, NewSecret::default());
    let newer = added.await.unwrap().plain.expose().clone();
    let scopes = Scope::parse("read").unwrap();
    let changes = ClientChanges {
        scopes: Some(scopes),
        ..ClientChanges::default()
    };
    test.update_client(&billing, changes).await;
    let before = test.find_client(&billing).await;

    let with = |on_conflict| ImportOptions {
        on_conflict,
        ..ImportOptions::default()
    };
    let (left, _) = import_with(&test, &exported, with(OnConflict::Skip)).await;
    let (refused, lines) = import_with(&test, &exported, with(OnConflict::Refuse)).await;
    assert_eq!((left.existing, left.imported), (1, 0));
    assert!(refused.refused && lines[0].reason.as_deref().unwrap().contains("already"));
    assert_eq!(test.find_client(&billing).await, before);

    assert_eq!(test.authorize("billing", &newer).await.status, 200);
    let looked = ImportOptions {
        dry_run: true,
        ..REPLACE
    };
    let (_, lines) = import_with(&test, &exported, looked).await;
    assert_eq!(json!(lines[0])["fields"], json!(["scopes", "secrets"]));
    let (replaced, _) = import_with(&test, &exported, REPLACE).await;
    assert_eq!((replaced.replaced, replaced.unchanged), (1, 0));
    let (again, _) = import_with(&test, &exported, REPLACE).await;
    assert_eq!((again.replaced, again.unchanged), (0, 1));
    assert_eq!(test.export().await, exported);
    // At once, though both were in memory.
    assert_eq!(test.authorize("billing", &newer).await.status, 401);
    assert_eq!(
        test.authorize("billing", &old).await.json()["scope"],
        "read write"
    );
}

#[tokio::test]
async fn a_client_that_is_replaced_by_a_disabled_one_has_no_tokens_left_on_any_replica() {
    let test = TestApp::new().await;
    let other = test.replica().await;
    let secret = test.client().await;
    let token = other.token(&secret).await;
    let disabled = test.export().await.replace("\"enabled\"", "\"disabled\"");

    let (report, _) = import_with(&test, &disabled, REPLACE).await;
    other.read_changes().await;

    assert_eq!(report.replaced, 1);
    for test in [&test, &other] {
        test.verify(&token).await.assert_error(401, "invalid_token");
        assert_eq!(test.authorize("billing", &secret).await.status, 401);
    }
}

#[tokio::test]
async fn whoever_exports_is_in_the_trail_before_anything_is_out() {
    let test = TestApp::new().await;
    test.client().await;
    test.app.clients.begin_export(BY).await.unwrap();

    let page = token_server::app::AuditPage::Before(None);
    let filter = token_server::app::AuditFilter::default();
    let events = test.app.audit.list(&filter, page, 1).await.unwrap();

    assert_eq!(events[0].event.action, "client.export");
    assert_eq!(events[0].event.target_type, "clients");
}

#[tokio::test]
async fn a_secret_in_clear_is_never_in_an_export_and_every_hash_is() {
    let test = TestApp::new().await;
    let plain = Secret::from("a secret of my own");
    let chosen = test
        .app
        .secrets
        .new_secret(Some(plain), Some(UnixTime(NOW.0 + 1)));
    let chosen = chosen.unwrap();
    let new = NewClient::new(Some(id("a")), ClientChanges::default());
    test.app
        .clients
        .register(BY, new, Some(chosen))
        .await
        .unwrap();
    let generated = test.client().await;

    let file = test.export().await;

    assert!(!file.contains("a secret of my own") && !file.contains(&generated));
    assert_eq!(file.matches("\"secret_hash\":\"$argon2id$").count(), 2);
    test.delete_client(&id(CLIENT)).await;
    assert!(
        test.export()
            .await
            .ends_with("{\"end\":true,\"clients\":1}\n")
    );
}
