//! Who writes admins and signing keys.

use token_server::domain::{Action, AdminName, AdminRole, KeyId, KeyState};
use token_server::store::{AdminChanges, KeyChanges, StoreError};

use super::{AT, new_admin, others};
use crate::harness::{BY, TestApp, admin};

#[tokio::test]
async fn only_owners_and_the_command_line_write_other_admins() {
    let test = TestApp::new().await;
    let store = test.app.store();
    let ben = new_admin("ben");
    store.insert_admin(&ben, "hash", BY.at(AT)).await.unwrap();
    let promoted = || AdminChanges {
        role: Some(AdminRole::Owner),
        ..AdminChanges::default()
    };
    let reset = || AdminChanges {
        password: Some(("mine".to_owned(), false)),
        ..AdminChanges::default()
    };
    let others = others();
    let update = async |name: &AdminName, changes, stamp| {
        let action = Action::AdminUpdate;
        let done = store.update_admin(name, changes, action, "", stamp).await;
        done.map(drop)
    };

    for by in &others {
        let stamp = by.at(AT);
        let ann = AdminName::parse("ann").unwrap();
        for done in [
            store.insert_admin(&new_admin("eve"), "hash", stamp).await,
            update(&ben.name, promoted(), stamp).await,
            update(&ben.name, reset(), stamp).await,
            update(&ann, promoted(), stamp).await,
            store.delete_admin(&ben.name, stamp).await.map(drop),
        ] {
            assert!(
                matches!(done, Err(StoreError::Denied(_))),
                "{by:?}: {done:?}"
            );
        }
    }
    let names: Vec<AdminName> = store
        .list_admins(None, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, [ben.name]);
}

#[tokio::test]
async fn no_admin_but_an_owner_writes_signing_keys() {
    let test = TestApp::new().await;
    let store = test.app.store();
    let before = store.list_keys().await.unwrap();
    let kid = KeyId::parse("none").unwrap();

    for role in [None, Some(AdminRole::Viewer), Some(AdminRole::Operator)] {
        let by = admin(role);
        let changed = store.change_keys(&KeyChanges::default(), by.at(AT)).await;
        assert!(matches!(changed, Err(StoreError::Denied(_))), "{role:?}");
        let deleted = store.delete_key(&kid, KeyState::Next, by.at(AT)).await;
        assert!(matches!(deleted, Err(StoreError::Denied(_))), "{role:?}");
    }
    let after = store.list_keys().await.unwrap();
    assert_eq!(after.len(), before.len());
}
