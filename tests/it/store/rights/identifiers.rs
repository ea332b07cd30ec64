//! Who writes the identifiers of a client.

use token_server::domain::{
    ClientChanges, ClientRecord, ExpectedVersion, Identifiers, Name, Stamp,
};
use token_server::store::{IfTaken, Store, StoreError};

use super::{AT, named, others, those_with_all_rights, with_scopes, write, write_each};
use crate::harness::{TestApp, id};
use crate::store::{ANY, LOW, find, insert, record};

fn is_audiences(client_id: &str, identifiers: &str) -> ClientRecord {
    let mut record = with_scopes(client_id, "read");
    record.client.identifiers = Identifiers::parse(identifiers).unwrap();
    record
}

/// Every way to write the identifiers of the client `a`, or of one that is new; what came of each.
async fn identify(
    store: &Store,
    identifiers: &str,
    stamp: Stamp<'_>,
) -> Vec<(&'static str, Result<(), StoreError>)> {
    let changes = ClientChanges {
        identifiers: Some(Identifiers::parse(identifiers).unwrap()),
        ..named()
    };
    let replace = IfTaken::Replace(ExpectedVersion::Any);
    let updated = store.update_client(&id("a"), &changes, ANY, stamp).await;
    let replaced = write(store, is_audiences("a", identifiers), replace, stamp).await;
    let mut done = vec![("update", updated.map(drop)), ("replace", replaced)];
    if !identifiers.is_empty() {
        let new = is_audiences("new", identifiers);
        let inserted = store.insert_client(&new, ANY, stamp).await;
        done.push(("insert", inserted.map(drop)));
        let new = is_audiences("imported", identifiers);
        done.push(("import", write(store, new, IfTaken::Leave, stamp).await));
    }
    done
}

#[tokio::test]
async fn identifiers_are_written_by_owners_and_the_command_line_only() {
    let test = TestApp::new().await;
    let store = test.app.store();
    let before = is_audiences("a", "https://a https://b");
    insert(store, &before, AT).await;

    for by in others() {
        // Another one, one more, one less, the others in another order, none.
        for identifiers in [
            "https://c",
            "https://a https://b https://c",
            "https://a",
            "https://b https://a",
            "",
        ] {
            for (what, done) in identify(store, identifiers, by.at(AT)).await {
                let denied = matches!(done, Err(StoreError::Denied(_)));
                assert!(denied, "{identifiers:?}: {what} by {by:?}: {done:?}");
            }
        }
    }
    assert_eq!(find(store, "a").await.as_ref(), Some(&before));
    for name in ["new", "imported"] {
        assert!(!store.has_client(&id(name)).await.unwrap(), "{name}");
    }

    for by in those_with_all_rights() {
        for identifiers in ["https://c", ""] {
            for (what, done) in identify(store, identifiers, by.at(AT)).await {
                assert!(done.is_ok(), "{identifiers:?}: {what} by {by:?}: {done:?}");
            }
            let found = store.find_client(&id("a")).await.unwrap().unwrap();
            assert_eq!(found.client.identifiers.to_string(), identifiers);
        }
        for name in ["new", "imported"] {
            store
                .delete_client(&id(name), LOW, ANY, by.at(AT))
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn others_change_a_client_with_identifiers_as_long_as_these_stay() {
    let test = TestApp::new().await;
    let store = test.app.store();
    for (at, by) in others().into_iter().enumerate() {
        let client = record("a");
        assert!(!client.client.identifiers.is_empty());
        insert(store, &client, AT).await;
        let mut same = client.clone();
        same.client.name = Name::parse(&format!("named {at}")).unwrap();
        let replace = IfTaken::Replace(ExpectedVersion::Any);
        write(store, same, replace, by.at(AT)).await.unwrap();

        let given = is_audiences("a", "");
        write(store, given, IfTaken::Leave, by.at(AT))
            .await
            .unwrap();
        let found = store.find_client(&id("a")).await.unwrap().unwrap();
        assert_eq!(found.client.identifiers, client.client.identifiers);
        // What it writes in place of the client has the same ones.
        for (what, done) in write_each(store, by.at(AT)).await {
            assert!(done.is_ok(), "{what} by {by:?}: {done:?}");
        }
        assert_eq!(store.find_client(&id("a")).await.unwrap(), None);
    }
}
