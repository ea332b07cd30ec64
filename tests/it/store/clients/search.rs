//! Searches by name, by a part of a text and by scope.

use token_server::domain::{ClientChanges, ClientStatus, ExpectedVersion, Name, Scope};
use token_server::store::{ClientFilter, ClientOrder, ClientQuery, ClientWrite, IfTaken};

use super::ids_page_by_page;
use crate::harness::{BY, NOW, TestApp, id};
use crate::store::{ANY, IMPORT, LOW, insert, insert_missing, record_without_secret};

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
        let mut client = record_without_secret(id);
        client.client.name = Name::parse(name).unwrap();
        client.client.status = status;
        insert(test.app.store(), &client, NOW).await;
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
        insert(test.app.store(), &record_without_secret(name), NOW).await;
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
        let mut client = record_without_secret(id);
        client.client.name = Name::parse(name).unwrap();
        client.client.scopes = Scope::parse(scopes).unwrap();
        client.client.status = status;
        insert(store, &client, NOW).await;
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
        let mut client = record_without_secret(name);
        client.client.scopes = Scope::parse(scopes).unwrap();
        insert(store, &client, NOW).await;
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
    let mut replaced = record_without_secret("a");
    replaced.client.scopes = Scope::parse("read").unwrap();
    let write = ClientWrite {
        record: replaced,
        if_taken: IfTaken::Replace(ExpectedVersion::Any),
    };
    let (writes, stamp) = ([write], BY.at(NOW));
    let written = store.write_clients(&writes, IMPORT, LOW, stamp);
    written.await.unwrap();
    assert_eq!(list("read", None).await, ["a"]);
    assert_eq!(list("write", None).await, ["A", "c"]);
    assert_eq!(list("admin", None).await, ["c"]);

    test.delete_client(&id("c")).await;
    assert!(list("admin", None).await.is_empty());
    insert_missing(store, vec![record_without_secret("c")])
        .await
        .unwrap();
    assert_eq!(list("read", None).await, ["a", "c"]);
    assert!(list("admin", None).await.is_empty());
}
