//! What an actor may never do is refused by the write itself, whatever the caller has checked.

use token_server::base::clock::UnixTime;
use token_server::domain::{
    Action, Actor, Admin, AdminName, AdminRole, AdminStatus, ClientChanges, ClientRecord,
    ClientStatus, ExpectedVersion, Identifiers, IdleExpiry, KeyId, KeyState, Name, Origin, Scope,
    Stamp,
};
use token_server::store::{
    AdminChanges, ClientInserted, ClientWrite, IfTaken, KeyChanges, Store, StoreError, WriteActions,
};

use super::{ANY, LOW, find, id, record, secret};
use crate::harness::{BY, Database, TestApp};

const AT: UnixTime = UnixTime(100);

const RESERVED: [&str; 4] = [
    "admin:write",
    "admin:anything read",
    "token:introspect",
    "revocations:read",
];

fn origin(actor: Actor) -> Origin {
    Origin {
        actor,
        ..Origin::SERVER
    }
}

fn admin(role: Option<AdminRole>) -> Origin {
    origin(Actor::Admin {
        name: "ann".to_owned(),
        role,
    })
}

/// Everybody who may not write a client with a reserved scope.
fn others() -> [Origin; 4] {
    [
        admin(Some(AdminRole::Operator)),
        admin(Some(AdminRole::Viewer)),
        admin(None),
        origin(Actor::Client(id("robot"))),
    ]
}

fn those_with_all_rights() -> [Origin; 2] {
    [
        admin(Some(AdminRole::Owner)),
        origin(Actor::Cli("root".to_owned())),
    ]
}

fn with_scopes(client_id: &str, scopes: &str) -> ClientRecord {
    let mut record = record(client_id);
    record.client.scopes = Scope::parse(scopes).unwrap();
    record.secrets.clear();
    record
}

fn changes(scopes: &str) -> ClientChanges {
    ClientChanges {
        scopes: Some(Scope::parse(scopes).unwrap()),
        ..ClientChanges::default()
    }
}

fn named() -> ClientChanges {
    ClientChanges {
        name: Some(Name::parse("another").unwrap()),
        ..ClientChanges::default()
    }
}

async fn write(
    store: &Store,
    record: ClientRecord,
    if_taken: IfTaken,
    stamp: Stamp<'_>,
) -> Result<(), StoreError> {
    let write = ClientWrite { record, if_taken };
    let actions = WriteActions {
        insert: Action::ClientImport,
        replace: Action::ClientImport,
    };
    let written = store.write_clients(&[write], actions, LOW, stamp).await;
    written.map(drop)
}

/// Every write to the client `a`, which has the secret `AAAAAAAA`; by name, and what came of it. Deleting is the last.
async fn write_each(
    store: &Store,
    stamp: Stamp<'_>,
) -> Vec<(&'static str, Result<(), StoreError>)> {
    let (a, old) = (id("a"), secret("AAAAAAAA", 100, None).secret_id);
    let new = secret("BBBBBBBB", 100, None);
    let span = IdleExpiry::from_seconds(3_600).unwrap();
    let enabled = store.set_client_status(&a, ClientStatus::Enabled, LOW, stamp);
    let set_end = store.set_idle_expiry(&a, &old, Some(span), stamp);
    let replaced = IfTaken::Replace(ExpectedVersion::Any);
    vec![
        (
            "rename",
            store
                .update_client(&a, &named(), ANY, stamp)
                .await
                .map(drop),
        ),
        (
            "add secret",
            store.insert_secret(&a, &new, ANY, stamp).await.map(drop),
        ),
        (
            "expire",
            store.set_secret_expiry(&a, &old, AT, stamp).await.map(drop),
        ),
        ("idle expiry", set_end.await.map(drop)),
        (
            "delete secret",
            store.delete_secret(&a, &old, stamp).await.map(drop),
        ),
        ("enable", enabled.await.map(drop)),
        ("release", store.release_client(&a, stamp).await.map(drop)),
        (
            "scopes",
            store
                .update_client(&a, &changes("read"), ANY, stamp)
                .await
                .map(drop),
        ),
        (
            "replace",
            write(store, with_scopes("a", "read"), replaced, stamp).await,
        ),
        (
            "delete",
            store.delete_client(&a, LOW, ANY, stamp).await.map(drop),
        ),
    ]
}

#[tokio::test]
async fn a_client_with_a_reserved_scope_is_written_by_owners_and_the_command_line_only() {
    for (at, scopes) in RESERVED.into_iter().enumerate() {
        let test = TestApp::new().await;
        let store = test.app.store();
        let mut chief = record("a");
        chief.client.scopes = Scope::parse(scopes).unwrap();
        // Being disabled changes nothing about it.
        if at == 0 {
            chief.client.status = ClientStatus::Disabled;
        }
        store.insert_client(&chief, ANY, BY.at(AT)).await.unwrap();

        for by in others() {
            for (what, done) in write_each(store, by.at(AT)).await {
                let denied = matches!(done, Err(StoreError::Denied(_)));
                assert!(denied, "{scopes}: {what} by {by:?}: {done:?}");
            }
        }
        let found = find(store, "a").await;
        assert_eq!(found.as_ref(), Some(&chief), "{scopes}");

        let [owner, cli] = those_with_all_rights();
        for (what, done) in write_each(store, [owner, cli][at % 2].at(AT)).await {
            assert!(done.is_ok(), "{scopes}: {what}: {done:?}");
        }
        assert_eq!(store.find_client(&id("a")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_reserved_scope_is_given_by_owners_and_the_command_line_only() {
    for scopes in RESERVED {
        let test = TestApp::new().await;
        let store = test.app.store();
        store
            .insert_client(&record("a"), ANY, BY.at(AT))
            .await
            .unwrap();
        // An id that somebody with all rights has used before is no other.
        let gone = with_scopes("gone", scopes);
        store.insert_client(&gone, ANY, BY.at(AT)).await.unwrap();
        store
            .delete_client(&id("gone"), LOW, ANY, BY.at(AT))
            .await
            .unwrap();
        let (others, owner) = (others(), admin(Some(AdminRole::Owner)));
        let give = async |stamp| {
            let replace = IfTaken::Replace(ExpectedVersion::Any);
            let new = with_scopes("new", scopes);
            [
                store
                    .update_client(&id("a"), &changes(scopes), ANY, stamp)
                    .await
                    .map(drop),
                store
                    .insert_client(&gone, ANY, stamp)
                    .await
                    .map(|it| assert_eq!(it, ClientInserted::Inserted)),
                write(store, new, IfTaken::Leave, stamp).await,
                write(store, with_scopes("a", scopes), replace, stamp).await,
            ]
        };

        for by in &others {
            for done in give(by.at(AT)).await {
                assert!(
                    matches!(done, Err(StoreError::Denied(_))),
                    "{by:?}: {done:?}"
                );
            }
        }
        assert_eq!(find(store, "a").await, Some(record("a")));
        for name in ["gone", "new"] {
            assert!(!store.has_client(&id(name)).await.unwrap());
        }

        for done in give(owner.at(AT)).await {
            assert!(done.is_ok(), "{done:?}");
        }
    }
}

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
    store.insert_client(&before, ANY, BY.at(AT)).await.unwrap();

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
        store.insert_client(&client, ANY, BY.at(AT)).await.unwrap();
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

#[tokio::test]
async fn anybody_who_may_write_clients_disables_one_with_a_reserved_scope_and_revokes_its_tokens() {
    let test = TestApp::new().await;
    let store = test.app.store();
    let chief = with_scopes("a", "admin:write");
    store.insert_client(&chief, ANY, BY.at(AT)).await.unwrap();

    for by in others() {
        let stamp = by.at(AT);
        let disabled = ClientStatus::Disabled;
        store
            .revoke_client_tokens(&id("a"), LOW, stamp)
            .await
            .unwrap();
        store
            .set_client_status(&id("a"), disabled, LOW, stamp)
            .await
            .unwrap();
    }

    let found = store.find_client(&id("a")).await.unwrap().unwrap();
    assert_eq!(found.client.status, ClientStatus::Disabled);
}

/// An owner gives the scope while an operator's secret is on its way: the operator's write waits for the row, and is
/// judged by what stands in it then.
#[tokio::test]
async fn a_write_is_judged_by_the_row_that_it_has_locked() {
    let database = Database::fresh().await;
    let test = TestApp::on(database.clone(), &[]).await;
    let store = test.app.store().clone();
    store
        .insert_client(&record("a"), ANY, BY.at(AT))
        .await
        .unwrap();

    let mut owner = database.begin().await;
    owner
        .run("update clients set scopes = 'admin:write' where client_id = 'a'")
        .await;
    let operator = tokio::spawn(async move {
        let by = admin(Some(AdminRole::Operator));
        let new = secret("BBBBBBBB", 100, None);
        store.insert_secret(&id("a"), &new, ANY, by.at(AT)).await
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!operator.is_finished());
    owner.run("commit").await;

    let done = operator.await.unwrap();
    assert!(matches!(done, Err(StoreError::Denied(_))), "{done:?}");
}

pub(super) fn new_admin(name: &str) -> Admin {
    Admin {
        name: AdminName::parse(name).unwrap(),
        role: AdminRole::Owner,
        status: AdminStatus::Enabled,
        must_change_password: false,
        has_totp: false,
        passkeys: 0,
        created_at: AT,
        updated_at: AT,
        last_log_in_at: None,
    }
}

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
