//! Clients that are inserted, one by one or where they are missing.

use token_server::domain::Name;
use token_server::store::{ClientInserted, ClientWritten, StoreError};

use crate::harness::{BY, NOW, TestApp, id};
use crate::store::{ANY, find, insert, insert_missing, record, record_without_secret, secret};

#[tokio::test]
async fn a_client_comes_back_as_it_was_inserted() {
    let test = TestApp::new().await;
    let mut written = record("a");
    written.secrets.push(secret("BBBBBBBB", 200, Some(300)));

    insert(test.app.store(), &written, NOW).await;

    assert_eq!(find(test.app.store(), "a").await, Some(written));
    assert_eq!(test.app.store().find_client(&id("b")).await.unwrap(), None);
    assert!(test.app.store().has_client(&id("a")).await.unwrap());
    assert!(!test.app.store().has_client(&id("A")).await.unwrap());
}

#[tokio::test]
async fn a_client_without_secrets_is_found_too() {
    let test = TestApp::new().await;
    let mut written = record_without_secret("a");
    written.client.token_ttl = None;
    written.client.audiences.clear();

    insert(test.app.store(), &written, NOW).await;

    assert_eq!(find(test.app.store(), "a").await, Some(written));
}

#[tokio::test]
async fn a_taken_id_is_a_conflict_and_changes_nothing() {
    let test = TestApp::new().await;
    insert(test.app.store(), &record("a"), NOW).await;
    let mut other = record("a");
    other.client.name = Name::parse("other").unwrap();
    other.secrets = vec![secret("BBBBBBBB", 200, None)];

    let refused = test
        .app
        .store()
        .insert_client(&other, ANY, BY.at(NOW))
        .await;

    assert_eq!(refused.unwrap(), ClientInserted::Conflict);
    assert_eq!(find(test.app.store(), "a").await, Some(record("a")));
}

#[tokio::test]
async fn a_taken_secret_id_takes_the_whole_insert_back() {
    let test = TestApp::new().await;
    insert(test.app.store(), &record("a"), NOW).await;

    let refused = insert_missing(test.app.store(), vec![record("b")]).await;

    assert!(matches!(refused, Err(StoreError::Conflict)));
    assert_eq!(test.app.store().find_client(&id("b")).await.unwrap(), None);
}

#[tokio::test]
async fn missing_clients_are_inserted_and_the_others_left() {
    let test = TestApp::new().await;
    let (a, mut b) = (record("a"), record("b"));
    b.secrets = vec![secret("BBBBBBBB", 1, None)];
    insert(test.app.store(), &a, NOW).await;

    assert_eq!(
        insert_missing(test.app.store(), vec![a, b]).await.unwrap(),
        [ClientWritten::Left, ClientWritten::Inserted]
    );

    assert!(test.app.store().has_client(&id("b")).await.unwrap());
}
