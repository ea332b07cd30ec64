//! Updates, deletions, and the version that counts them.

use token_server::base::clock::UnixTime;
use token_server::domain::{
    AuthMethods, AuthenticationChanges, AuthenticationSettings, ClientChanges, ClientId,
    ClientKeys, ClientRecord, ClientStatus, ExpectedVersion, IdleExpiry, JwksUri, Name,
    SenderConstraint, SenderConstraintChanges,
};
use token_server::store::{ClientChanged, ClientRevoked, ClientWrite, ClientWritten, IfTaken};

use crate::harness::{BY, NOW, TestApp, id};
use crate::store::{ANY, IMPORT, LOW, counted, insert, record, secret};

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let test = TestApp::new().await;
    insert(test.app.store(), &record("a"), NOW).await;
    let changes = ClientChanges {
        name: Some(Name::parse("new").unwrap()),
        ..Default::default()
    };

    let update = async |id: &ClientId| {
        let store = test.app.store();
        let updated = store.update_client(id, &changes, ANY, BY.at(UnixTime(7)));
        updated.await.unwrap()
    };
    let before = test.app.store().find_client(&id("a")).await;
    let (updated, missing) = (update(&id("a")).await, update(&id("b")).await);

    let mut expected = before.unwrap().unwrap();
    expected.client.name = Name::parse("new").unwrap();
    expected.client.updated_at = UnixTime(7);
    expected.client.version = expected.client.version.next();
    assert_eq!(
        updated,
        ClientChanged::Changed(Box::new(expected.client.clone()))
    );
    assert_eq!(missing, ClientChanged::NoClient);
    assert_eq!(
        test.app.store().find_client(&id("a")).await.unwrap(),
        Some(expected)
    );
}

#[tokio::test]
async fn a_token_lifetime_can_be_taken_back() {
    let test = TestApp::new().await;
    insert(test.app.store(), &record("a"), NOW).await;
    let changes = ClientChanges {
        token_ttl: Some(None),
        ..Default::default()
    };

    test.app
        .store()
        .update_client(&id("a"), &changes, ANY, BY.at(UnixTime(7)))
        .await
        .unwrap();

    let found = test
        .app
        .store()
        .find_client(&id("a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.client.token_ttl, None);
}

#[tokio::test]
async fn a_status_is_switched_without_touching_the_rest() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(store, &record("a"), NOW).await;

    let mut expected = store.find_client(&id("a")).await.unwrap().unwrap();

    let off = ClientStatus::Disabled;
    let (_, told) = store
        .set_client_status(&id("a"), off, LOW, BY.at(UnixTime(8)))
        .await
        .unwrap();

    let found = store.find_client(&id("a")).await.unwrap().unwrap();
    assert!(found.client.generation > expected.client.generation);
    expected.client.status = ClientStatus::Disabled;
    expected.client.updated_at = UnixTime(8);
    expected.client.version = expected.client.version.next();
    expected.client.generation = found.client.generation;
    assert_eq!(found, expected);
    assert_eq!(told, Some(found.client));
}

#[tokio::test]
async fn a_deleted_client_takes_its_secrets_with_it() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(store, &record("a"), NOW).await;

    let delete = async || {
        let deleted = store
            .delete_client(&id("a"), LOW, ANY, BY.at(UnixTime(8)))
            .await;
        deleted.unwrap()
    };
    assert!(matches!(delete().await, ClientRevoked::Revoked(_)));
    assert_eq!(delete().await, ClientRevoked::NoClient);

    // The same secret id is free again.
    insert(store, &record("b"), NOW).await;
}

#[tokio::test]
async fn authentication_is_changed_piece_by_piece_and_taken_away() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(store, &record("a"), NOW).await;
    let change = async |authentication: AuthenticationChanges| {
        let changes = ClientChanges {
            authentication,
            ..ClientChanges::default()
        };
        let done = store
            .update_client(&id("a"), &changes, ANY, BY.at(UnixTime(7)))
            .await;
        assert!(matches!(done.unwrap(), ClientChanged::Changed(_)));
        let found = store.find_client(&id("a")).await.unwrap().unwrap();
        found.client.authentication
    };
    let uri = JwksUri::parse("https://keys.example/a")
        .ok()
        .map(ClientKeys::Uri);

    let moved = change(AuthenticationChanges {
        keys: Some(uri.clone()),
        ..AuthenticationChanges::default()
    })
    .await;
    assert_eq!(moved.keys, uri);
    assert_eq!(
        moved.auth_methods,
        record("a").client.authentication.auth_methods
    );
    assert!(moved.certificate_subject.is_some());

    let nothing = change(AuthenticationChanges {
        auth_methods: Some(AuthMethods::default()),
        keys: Some(None),
        certificate_subject: Some(None),
        ..AuthenticationChanges::default()
    })
    .await;
    assert_eq!(nothing, AuthenticationSettings::default());
}

#[tokio::test]
async fn what_tokens_are_bound_to_is_changed_one_by_one() {
    let test = TestApp::new().await;
    let store = test.app.store();
    insert(store, &record("a"), NOW).await;
    let changes = ClientChanges {
        sender_constraint: SenderConstraintChanges {
            tls_client_certificate_bound_access_tokens: Some(true),
            dpop_bound_access_tokens: None,
        },
        ..ClientChanges::default()
    };

    let done = store
        .update_client(&id("a"), &changes, ANY, BY.at(UnixTime(7)))
        .await;

    assert!(matches!(done.unwrap(), ClientChanged::Changed(_)));
    let found = store.find_client(&id("a")).await.unwrap().unwrap();
    let expected = SenderConstraint {
        tls_client_certificate_bound_access_tokens: true,
        dpop_bound_access_tokens: true,
    };
    assert_eq!(found.client.sender_constraint, expected);
}

#[tokio::test]
async fn each_change_of_a_client_or_of_its_secrets_adds_one_to_its_version() {
    let test = TestApp::new().await;
    let (store, a, stamp) = (test.app.store(), id("a"), BY.at(NOW));
    let version = async || counted(store, "a").await.0;
    let replace = async |record: ClientRecord| {
        let write = ClientWrite {
            record,
            if_taken: IfTaken::Replace(ExpectedVersion::Any),
        };
        let written = store.write_clients(&[write], IMPORT, LOW, stamp).await;
        written.unwrap().outcomes[0]
    };
    let (old, new) = (secret("AAAAAAAA", 100, None), secret("BBBBBBBB", 100, None));
    let idle = IdleExpiry::from_seconds(3_600).ok();
    store.insert_client(&record("a"), ANY, stamp).await.unwrap();
    let first = version().await;
    let version = async || version().await - first + 1;

    let changes = ClientChanges {
        name: Name::parse("new").ok(),
        ..ClientChanges::default()
    };
    store.update_client(&a, &changes, ANY, stamp).await.unwrap();
    assert_eq!(version().await, 2);
    let off = store.set_client_status(&a, ClientStatus::Disabled, LOW, stamp);
    off.await.unwrap();
    assert_eq!(version().await, 3);
    store.release_client(&a, stamp).await.unwrap();
    assert_eq!(version().await, 4);
    store.insert_secret(&a, &new, ANY, stamp).await.unwrap();
    assert_eq!(version().await, 5);
    let ended = store.set_secret_expiry(&a, &old.secret_id, NOW, stamp);
    ended.await.unwrap();
    assert_eq!(version().await, 6);
    let ended = store.set_idle_expiry(&a, &new.secret_id, idle, stamp);
    ended.await.unwrap();
    assert_eq!(version().await, 7);
    store
        .delete_secret(&a, &old.secret_id, stamp)
        .await
        .unwrap();
    assert_eq!(version().await, 8);
    assert_eq!(replace(record("a")).await, ClientWritten::Replaced);
    assert_eq!(version().await, 9);

    // No change of what anybody decided.
    assert_eq!(replace(record("a")).await, ClientWritten::Unchanged);
    store.release_client(&id("b"), stamp).await.unwrap();
    store.revoke_client_tokens(&a, LOW, stamp).await.unwrap();
    let renewed = store.renew_secret_hash(&old.secret_id, &old.secret_hash, "another");
    assert!(renewed.await.unwrap());
    assert_eq!(version().await, 9);
}
