//! Lists of clients: their order and their pages.

use token_server::base::clock::UnixTime;
use token_server::domain::{ClientStatus, ErrorCode};
use token_server::store::{ClientFilter, ClientOrder, ClientQuery};

use super::ids_page_by_page;
use crate::harness::{NOW, TestApp};
use crate::store::{insert, record_without_secret};

#[tokio::test]
async fn the_list_is_paged_by_key() {
    let test = TestApp::new().await;
    for name in ["c", "a", "b"] {
        insert(test.app.store(), &record_without_secret(name), NOW).await;
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
        insert(test.app.store(), &record_without_secret(name), NOW).await;
    }

    let listed = ids_page_by_page(&test, ClientFilter::default(), ClientOrder::ClientId).await;

    assert_eq!(listed, ["1", "A", "B", "_", "a", "a-b", "aB", "b", "~"]);
    if test.database.is_postgres() {
        // The database of this test may have the collation `C` itself.
        let others = "select column_name from information_schema.columns \
                      where table_schema = current_schema() and data_type = 'text' \
                      and table_name <> '_sqlx_migrations' and collation_name is distinct from 'C'";
        assert_eq!(test.database.execute(others).await, 0);
    }
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
        let mut client = record_without_secret(name);
        client.client.status = status;
        client.client.created_at = UnixTime(at);
        insert(test.app.store(), &client, NOW).await;
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
