use token_server::app::ClientCount;
use token_server::base::clock::UnixTime;
use token_server::domain::{
    Action, AuthMethods, AuthenticationChanges, AuthenticationSettings, ClientChanges, ClientId,
    ClientKeys, ClientRecord, ClientStatus, ErrorCode, ExpectedVersion, IdleExpiry, JwksUri, Name,
    Scope, SenderConstraint, SenderConstraintChanges,
};
use token_server::store::{
    ClientChanged, ClientFilter, ClientInserted, ClientOrder, ClientQuery, ClientRevoked,
    ClientWrite, ClientWritten, IfTaken, StoreError, WriteActions,
};

use super::{ANY, LOW, counted, find, id, insert_missing, record, secret};
use crate::harness::{BY, NOW, TestApp};

#[tokio::test]
async fn a_client_comes_back_as_it_was_inserted() {
    let test = TestApp::new().await;
    let mut written = record("a");
    written.secrets.push(secret("BBBBBBBB", 200, Some(300)));

    test.app
        .store()
        .insert_client(&written, ANY, BY.at(NOW))
        .await
        .unwrap();

    assert_eq!(find(test.app.store(), "a").await, Some(written));
    assert_eq!(test.app.store().find_client(&id("b")).await.unwrap(), None);
    assert!(test.app.store().has_client(&id("a")).await.unwrap());
    assert!(!test.app.store().has_client(&id("A")).await.unwrap());
}

#[tokio::test]
async fn a_client_without_secrets_is_found_too() {
    let test = TestApp::new().await;
    let mut written = record("a");
    written.secrets.clear();
    written.client.token_ttl = None;
    written.client.audiences.clear();

    test.app
        .store()
        .insert_client(&written, ANY, BY.at(NOW))
        .await
        .unwrap();

    assert_eq!(find(test.app.store(), "a").await, Some(written));
}

#[tokio::test]
async fn a_taken_id_is_a_conflict_and_changes_nothing() {
    let test = TestApp::new().await;
    test.app
        .store()
        .insert_client(&record("a"), ANY, BY.at(NOW))
        .await
        .unwrap();
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
    test.app
        .store()
        .insert_client(&record("a"), ANY, BY.at(NOW))
        .await
        .unwrap();

    let refused = insert_missing(test.app.store(), vec![record("b")]).await;

    assert!(matches!(refused, Err(StoreError::Conflict)));
    assert_eq!(test.app.store().find_client(&id("b")).await.unwrap(), None);
}

#[tokio::test]
async fn missing_clients_are_inserted_and_the_others_left() {
    let test = TestApp::new().await;
    let (a, mut b) = (record("a"), record("b"));
    b.secrets = vec![secret("BBBBBBBB", 1, None)];
    test.app
        .store()
        .insert_client(&a, ANY, BY.at(NOW))
        .await
        .unwrap();

    assert_eq!(
        insert_missing(test.app.store(), vec![a, b]).await.unwrap(),
        [ClientWritten::Left, ClientWritten::Inserted]
    );

    assert!(test.app.store().has_client(&id("b")).await.unwrap());
}

#[tokio::test]
async fn the_list_is_paged_by_key() {
    let test = TestApp::new().await;
    for name in ["c", "a", "b"] {
        let mut client = record(name);
        client.secrets.clear();
        test.app
            .store()
            .insert_client(&client, ANY, BY.at(NOW))
            .await
            .unwrap();
    }
    let order = ClientOrder::ClientId;
    let page = |after: Option<&str>| ClientQuery {
        after: after.map(|place| order.parse_place(place).unwrap()),
        limit: 2,
        ..ClientQuery::default()
    };
    let names = async |page: ClientQuery| -> Vec<String> {
        let clients = test.app.store().list_clients_in_order(&page).await.unwrap();
        clients
            .iter()
            .map(|client| client.client_id.to_string())
            .collect()
    };

    assert_eq!(names(page(None)).await, ["a", "b"]);
    assert_eq!(names(page(Some("b"))).await, ["c"]);
    assert!(names(page(Some("c"))).await.is_empty());
}

/// By bytes, whatever the collation of the database is.
#[tokio::test]
async fn clients_have_the_same_order_on_each_database() {
    let test = TestApp::new().await;
    for name in ["a", "B", "_", "b", "A", "~", "a-b", "aB", "1"] {
        let mut client = record(name);
        client.secrets.clear();
        let inserted = test
            .app
            .store()
            .insert_client(&client, ANY, BY.at(NOW))
            .await;
        inserted.unwrap();
    }

    let listed = ids_page_by_page(&test, ClientFilter::default(), ClientOrder::ClientId).await;

    assert_eq!(listed, ["1", "A", "B", "_", "a", "a-b", "aB", "b", "~"]);
    if test.database.url.starts_with("postgres") {
        // The database of this test may have the collation `C` itself.
        let others = "select column_name from information_schema.columns \
                      where table_schema = current_schema() and data_type = 'text' \
                      and table_name <> '_sqlx_migrations' and collation_name is distinct from 'C'";
        assert_eq!(test.database.execute(others).await, 0);
    }
}

/// Of all that a list has, read in pages of one client each.
async fn ids_page_by_page(test: &TestApp, filter: ClientFilter, order: ClientOrder) -> Vec<String> {
    let counted = test.app.clients.count(&filter).await.unwrap();
    let mut page = ClientQuery {
        filter,
        order,
        limit: 1,
        after: None,
    };
    let mut ids = Vec::new();
    loop {
        let list = test.app.clients.list(&page).await.unwrap();
        ids.extend(list.clients.iter().map(|it| it.client_id.to_string()));
        match list.after {
            Some(place) => page.after = Some(order.parse_place(&place).unwrap()),
            None => break,
        }
    }
    assert_eq!(counted, ClientCount::Exactly(ids.len() as u64));
    ids
}

#[tokio::test]
async fn the_list_has_what_is_asked_for_in_the_order_that_is_asked_for() {
    let test = TestApp::new().await;
    for (name, status, at) in [
        ("app-1", ClientStatus::Enabled, 5),
        ("app-2", ClientStatus::Disabled, 4),
        ("App-3", ClientStatus::Enabled, 3),
        ("app_4", ClientStatus::Disabled, 3),
        ("app-~", ClientStatus::Enabled, 1),
        ("apq", ClientStatus::Enabled, 9),
        ("ap%", ClientStatus::Enabled, 2),
    ] {
        let mut client = record(name);
        client.secrets.clear();
        client.client.status = status;
        client.client.created_at = UnixTime(at);
        let stamp = BY.at(NOW);
        test.app
            .store()
            .insert_client(&client, ANY, stamp)
            .await
            .unwrap();
    }
    let list = async |prefix: Option<&str>, status, order| {
        let filter = ClientFilter {
            prefix: prefix.map(ToOwned::to_owned),
            status,
            ..ClientFilter::default()
        };
        ids_page_by_page(&test, filter, order).await
    };
    let sorted = async |prefix: &str, status| {
        let mut names = list(Some(prefix), status, ClientOrder::ClientId).await;
        names.sort();
        names
    };
    let disabled = Some(ClientStatus::Disabled);

    assert_eq!(sorted("app-", None).await, ["app-1", "app-2", "app-~"]);
    assert_eq!(sorted("ap%", None).await, ["ap%"]);
    assert_eq!(sorted("A", None).await, ["App-3"]);
    assert_eq!(sorted("app", disabled).await, ["app-2", "app_4"]);
    assert!(sorted("apr", None).await.is_empty());
    let newest = list(None, None, ClientOrder::Newest).await;
    let mut oldest = list(None, None, ClientOrder::Oldest).await;
    assert_eq!(newest[..3], ["apq", "app-1", "app-2"]);
    oldest.reverse();
    assert_eq!(oldest, newest);
    let both = ClientQuery {
        filter: ClientFilter {
            prefix: Some("app".to_owned()),
            ..ClientFilter::default()
        },
        order: ClientOrder::Newest,
        limit: 1,
        after: None,
    };
    let refused = test.app.clients.list(&both).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidRequest);
    assert_eq!(
        list(None, disabled, ClientOrder::Newest).await,
        ["app-2", "app_4"]
    );
}

#[tokio::test]
async fn clients_are_found_by_the_beginning_of_their_name() {
    let test = TestApp::new().await;
    for (id, name, status) in [
        ("d", "Billing worker", ClientStatus::Enabled),
        ("b", "BILLING WORKSHOP", ClientStatus::Disabled),
        ("a", "billing_x", ClientStatus::Enabled),
        ("c", "The billing worker", ClientStatus::Enabled),
        ("billing", "", ClientStatus::Enabled),
    ] {
        let mut client = record(id);
        client.secrets.clear();
        client.client.name = Name::parse(name).unwrap();
        client.client.status = status;
        let stamp = BY.at(NOW);
        let inserted = test.app.store().insert_client(&client, ANY, stamp).await;
        inserted.unwrap();
    }
    let list = async |name: &str, status| {
        let filter = ClientFilter {
            name_prefix: Some(name.to_owned()),
            status,
            ..ClientFilter::default()
        };
        ids_page_by_page(&test, filter, ClientOrder::ClientId).await
    };

    assert_eq!(list("billing", None).await, ["a", "b", "d"]);
    assert_eq!(list("Billing Work", None).await, ["b", "d"]);
    let enabled = Some(ClientStatus::Enabled);
    assert_eq!(list("billing", enabled).await, ["a", "d"]);
    assert_eq!(list("billing_", None).await, ["a"]);
    assert!(list("worker", None).await.is_empty());
    assert!(list("billing%", None).await.is_empty());
}

#[tokio::test]
async fn a_count_ends_at_its_limit() {
    let test = TestApp::new().await;
    for name in ["a1", "a2", "a3"] {
        let mut client = record(name);
        client.secrets.clear();
        let store = test.app.store();
        store.insert_client(&client, ANY, BY.at(NOW)).await.unwrap();
    }
    let count = async |search: Option<&str>, limit| {
        let filter = ClientFilter {
            search: search.map(str::to_owned),
            ..ClientFilter::default()
        };
        let store = test.app.store();
        store.count_clients(&filter, limit).await.unwrap()
    };

    assert_eq!((count(None, 2).await, count(None, 9).await), (2, 3));
    let searched = (count(Some("A"), 2).await, count(Some("A"), 9).await);
    assert_eq!(searched, (2, 3));
}

#[tokio::test]
async fn clients_are_found_by_a_part_of_their_id_name_or_scopes() {
    let test = TestApp::new().await;
    let store = test.app.store();
    for (id, name, scopes, status) in [
        ("d", "Größe 50%", "orders:read", ClientStatus::Enabled),
        ("b", "GRÖSSE", "", ClientStatus::Enabled),
        (
            "Orders-1",
            "ÉTÉ",
            "Payouts:write read",
            ClientStatus::Disabled,
        ),
        ("a_b", "x\\y", "read", ClientStatus::Enabled),
        ("c", "ΟΔΟΣ", "orders:read", ClientStatus::Disabled),
    ] {
        let mut client = record(id);
        client.secrets.clear();
        client.client.name = Name::parse(name).unwrap();
        client.client.scopes = Scope::parse(scopes).unwrap();
        client.client.status = status;
        store.insert_client(&client, ANY, BY.at(NOW)).await.unwrap();
    }
    let list = async |filter| ids_page_by_page(&test, filter, ClientOrder::ClientId).await;
    let search = |text: &str| ClientFilter {
        search: Some(text.to_owned()),
        ..ClientFilter::default()
    };

    for (text, found) in [
        ("ORDERS", &["Orders-1", "c", "d"][..]),
        ("grö", &["b", "d"]),
        ("été", &["Orders-1"]),
        ("ουος", &[]),
        ("οδοσ", &["c"]),
        ("0%", &["d"]),
        ("_", &["a_b"]),
        ("\\", &["a_b"]),
        ("payouts:write r", &["Orders-1"]),
        ("d%read", &[]),
    ] {
        assert_eq!(list(search(text)).await, found, "{text}");
    }
    let both = ClientFilter {
        scope: Scope::parse_one("orders:read").ok(),
        status: Some(ClientStatus::Disabled),
        ..search("read")
    };
    assert_eq!(list(both).await, ["c"]);
    let with_prefixes = ClientFilter {
        prefix: Some("O".to_owned()),
        name_prefix: Some("é".to_owned()),
        ..search("1")
    };
    assert_eq!(list(with_prefixes).await, ["Orders-1"]);

    // What is searched follows each change.
    let changes = ClientChanges {
        name: Name::parse("Été").ok(),
        ..ClientChanges::default()
    };
    let b = id("b");
    let renamed = store.update_client(&b, &changes, ANY, BY.at(NOW));
    renamed.await.unwrap();
    assert_eq!(list(search("été")).await, ["Orders-1", "b"]);
    assert_eq!(list(search("grö")).await, ["d"]);
}

#[tokio::test]
async fn clients_of_a_scope_are_those_that_may_ask_for_it_now() {
    let test = TestApp::new().await;
    let store = test.app.store();
    for (name, scopes) in [
        ("c", "read"),
        ("a", "read write"),
        ("b", ""),
        ("A", "write"),
    ] {
        let mut client = record(name);
        client.secrets.clear();
        client.client.scopes = Scope::parse(scopes).unwrap();
        store.insert_client(&client, ANY, BY.at(NOW)).await.unwrap();
    }
    let list = async |scope: &str, prefix: Option<&str>| -> Vec<String> {
        let part = ClientQuery {
            filter: ClientFilter {
                scope: Some(Scope::parse_one(scope).unwrap()),
                prefix: prefix.map(ToOwned::to_owned),
                status: Some(ClientStatus::Enabled),
                ..ClientFilter::default()
            },
            limit: 10,
            ..ClientQuery::default()
        };
        let list = store.list_clients_in_order(&part).await.unwrap();
        let mut names: Vec<String> = list.iter().map(|it| it.client_id.to_string()).collect();
        names.sort();
        names
    };
    assert_eq!(list("read", None).await, ["a", "c"]);
    assert_eq!(list("write", None).await, ["A", "a"]);
    assert_eq!(list("write", Some("a")).await, ["a"]);
    assert!(list("rea", None).await.is_empty());

    let changes = ClientChanges {
        scopes: Scope::parse("admin write").ok(),
        ..ClientChanges::default()
    };
    let stamp = BY.at(NOW);
    store
        .update_client(&id("c"), &changes, ANY, stamp)
        .await
        .unwrap();
    let mut replaced = record("a");
    replaced.secrets.clear();
    replaced.client.scopes = Scope::parse("read").unwrap();
    let write = ClientWrite {
        record: replaced,
        if_taken: IfTaken::Replace(ExpectedVersion::Any),
    };
    let actions = WriteActions {
        insert: Action::ClientImport,
        replace: Action::ClientImport,
    };
    let (writes, stamp) = ([write], BY.at(NOW));
    let written = store.write_clients(&writes, actions, LOW, stamp);
    written.await.unwrap();
    assert_eq!(list("read", None).await, ["a"]);
    assert_eq!(list("write", None).await, ["A", "c"]);
    assert_eq!(list("admin", None).await, ["c"]);

    test.app
        .clients
        .delete(BY, &id("c"), &ExpectedVersion::Any)
        .await
        .unwrap();
    assert!(list("admin", None).await.is_empty());
    let mut again = record("c");
    again.secrets.clear();
    insert_missing(store, vec![again]).await.unwrap();
    assert_eq!(list("read", None).await, ["a", "c"]);
    assert!(list("admin", None).await.is_empty());
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let test = TestApp::new().await;
    test.app
        .store()
        .insert_client(&record("a"), ANY, BY.at(NOW))
        .await
        .unwrap();
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
    test.app
        .store()
        .insert_client(&record("a"), ANY, BY.at(NOW))
        .await
        .unwrap();
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
    store
        .insert_client(&record("a"), ANY, BY.at(NOW))
        .await
        .unwrap();

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
    store
        .insert_client(&record("a"), ANY, BY.at(NOW))
        .await
        .unwrap();

    let delete = async || {
        let deleted = store
            .delete_client(&id("a"), LOW, ANY, BY.at(UnixTime(8)))
            .await;
        deleted.unwrap()
    };
    assert!(matches!(delete().await, ClientRevoked::Revoked(_)));
    assert_eq!(delete().await, ClientRevoked::NoClient);

    // The same secret id is free again.
    store
        .insert_client(&record("b"), ANY, BY.at(NOW))
        .await
        .unwrap();
}

#[tokio::test]
async fn authentication_is_changed_piece_by_piece_and_taken_away() {
    let test = TestApp::new().await;
    let store = test.app.store();
    store
        .insert_client(&record("a"), ANY, BY.at(NOW))
        .await
        .unwrap();
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
    store
        .insert_client(&record("a"), ANY, BY.at(NOW))
        .await
        .unwrap();
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
        let actions = WriteActions {
            insert: Action::ClientImport,
            replace: Action::ClientImport,
        };
        let written = store.write_clients(&[write], actions, LOW, stamp).await;
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
