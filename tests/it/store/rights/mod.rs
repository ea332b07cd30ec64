//! What an actor may never do is refused by the write itself, whatever the caller has checked.

mod admins;
mod identifiers;

use token_server::base::clock::UnixTime;
use token_server::domain::{
    Actor, Admin, AdminName, AdminRole, AdminStatus, ClientChanges, ClientRecord, ClientStatus,
    ExpectedVersion, IdleExpiry, Name, Origin, Scope, Stamp,
};
use token_server::store::{ClientInserted, ClientWrite, IfTaken, Store, StoreError};

use super::{ANY, IMPORT, LOW, find, insert, record, record_without_secret, secret};
use crate::harness::{BY, Database, TestApp, admin, id, origin};

const AT: UnixTime = UnixTime(100);

const RESERVED: [&str; 4] = [
    "admin:write",
    "admin:anything read",
    "token:introspect",
    "revocations:read",
];

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
    let mut record = record_without_secret(client_id);
    record.client.scopes = Scope::parse(scopes).unwrap();
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
    let written = store.write_clients(&[write], IMPORT, LOW, stamp).await;
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
        insert(store, &chief, AT).await;

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
        insert(store, &record("a"), AT).await;
        // An id that somebody with all rights has used before is no other.
        let gone = with_scopes("gone", scopes);
        insert(store, &gone, AT).await;
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

#[tokio::test]
async fn anybody_who_may_write_clients_disables_one_with_a_reserved_scope_and_revokes_its_tokens() {
    let test = TestApp::new().await;
    let store = test.app.store();
    let chief = with_scopes("a", "admin:write");
    insert(store, &chief, AT).await;

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
    insert(&store, &record("a"), AT).await;

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
