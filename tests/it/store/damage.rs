//! One damaged row: everything else is listed, exported and served, the log names it, and it can be removed.

use token_server::app::{AuditFilter, AuditFormat};
use token_server::domain::{
    Actor, AdminRole, Change, ClientStatus, Origin, RevocationId, RevokedToken, TokenId,
};
use token_server::store::{
    ClientOrder, ClientQuery, ClientRevoked, ClientsPage, RevocationTrail, Store, StoreError,
};

use super::{ANY, LOW, insert, record, secret};
use crate::harness::{BY, Log, NOW, TestApp, id};

/// Clients `c0`, `c1` and so on, those of which are damaged in a way each.
async fn with_clients(count: usize, damaged: &[usize]) -> TestApp {
    let test = TestApp::new().await;
    for n in 0..count {
        let mut record = record(&format!("c{n}"));
        record.secrets = vec![secret(&format!("AAAAAAA{n}"), 100, None)];
        insert(test.app.store(), &record, NOW).await;
    }
    let ways = ["scopes = '\"'", "metadata = '['", "jwks = 'no set'"];
    for (n, way) in damaged.iter().zip(ways.iter().cycle()) {
        let sql = format!("update clients set {way} where client_id = 'c{n}'");
        assert_eq!(test.database.execute(&sql).await, 1);
    }
    test
}

async fn pages(store: &Store, order: ClientOrder, limit: u32) -> Vec<String> {
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = ClientQuery {
            order,
            after,
            limit,
            ..ClientQuery::default()
        };
        let found = store.list_clients_in_order(&page).await.unwrap();
        ids.extend(found.iter().map(|client| client.client_id.to_string()));
        let Some(last) = found.last().filter(|_| found.len() == limit as usize) else {
            return ids;
        };
        after = Some(order.parse_place(&order.place_of(last)).unwrap());
    }
}

#[tokio::test]
async fn lists_have_every_other_client_and_the_log_names_the_damaged_ones() {
    // At the ends of pages too, and more of them than a page has.
    for damaged in [&[0][..], &[1, 2, 3], &[5], &[0, 1, 2, 3, 4, 5]] {
        let test = with_clients(6, damaged).await;
        let good: Vec<String> = (0..6)
            .filter(|n| !damaged.contains(n))
            .map(|n| format!("c{n}"))
            .collect();
        let log = Log::default();
        let guard = log.capture();
        for limit in [1, 2, 3, 10] {
            let listed = pages(test.app.store(), ClientOrder::ClientId, limit).await;
            assert_eq!(listed, good, "{damaged:?} {limit}");
            let listed = pages(test.app.store(), ClientOrder::Oldest, limit).await;
            assert_eq!(listed, good, "{damaged:?} {limit}");
        }
        drop(guard);
        for n in damaged {
            let named = format!(r#""key":"c{n}""#);
            assert!(log.text().contains(&named), "{}", log.text());
        }
    }
}

#[tokio::test]
async fn a_search_finds_every_other_client() {
    let test = with_clients(3, &[1]).await;
    let mut page = ClientQuery {
        limit: 2,
        ..ClientQuery::default()
    };
    page.filter.search = Some("c".to_owned());

    let found = test.app.store().list_clients_in_order(&page).await.unwrap();

    let ids: Vec<&str> = found.iter().map(|it| it.client_id.as_str()).collect();
    assert_eq!(ids, ["c0", "c2"]);
}

#[tokio::test]
async fn an_export_has_every_other_client_and_names_the_damaged_ones() {
    let test = with_clients(4, &[1]).await;
    let sql = "update client_secrets set origin = 'x' where client_id = 'c2'";
    let unchecked = if test.database.is_postgres() {
        "alter table client_secrets drop constraint client_secrets_origin_check"
    } else {
        "pragma ignore_check_constraints = on"
    };
    let mut connection = test.database.connect().await;
    connection.run(unchecked).await;
    assert_eq!(connection.run(sql).await, 1);

    let mut export = test.app.clients.begin_export(BY).await.unwrap();
    let mut file = String::new();
    while let Some(lines) = test.app.clients.export(&mut export).await.unwrap() {
        file += &lines;
    }

    assert_eq!(export.damaged().collect::<Vec<_>>(), ["c1", "c2"]);
    let lines: Vec<&str> = file.lines().collect();
    assert!(lines[1].contains(r#""client_id":"c0""#) && lines[2].contains(r#""client_id":"c3""#));
    assert_eq!(
        lines[3],
        r#"{"end":true,"clients":2,"left_out":["c1","c2"]}"#
    );
    for limit in [1, 2, 10] {
        let page = ClientsPage { after: None, limit };
        let read = test.app.store().list_client_records(&page).await.unwrap();
        assert_eq!(read.records.len(), 2.min(limit as usize));
    }
}

fn operator() -> Origin {
    Origin {
        actor: Actor::Admin {
            name: "ann".to_owned(),
            role: Some(AdminRole::Operator),
        },
        ..Origin::SERVER
    }
}

#[tokio::test]
async fn a_damaged_client_can_be_disabled_by_operators_and_deleted_by_owners() {
    let test = with_clients(2, &[0]).await;
    let store = test.app.store();
    let (damaged, operator) = (id("c0"), operator());
    let disable = async |by: &Origin| {
        let status = ClientStatus::Disabled;
        store
            .set_client_status(&damaged, status, LOW, by.at(NOW))
            .await
    };
    let delete = async |by: &Origin| store.delete_client(&damaged, LOW, ANY, by.at(NOW)).await;

    assert!(matches!(
        disable(&operator).await.unwrap(),
        (ClientRevoked::Revoked(_), None)
    ));
    let revoked = store.revoke_client_tokens(&damaged, LOW, operator.at(NOW));
    assert!(matches!(revoked.await.unwrap(), ClientRevoked::Revoked(_)));
    // Nobody can tell whether it has a reserved scope.
    assert!(matches!(
        delete(&operator).await,
        Err(StoreError::Denied(_))
    ));
    let enabled = store.set_client_status(&damaged, ClientStatus::Enabled, LOW, BY.at(NOW));
    assert!(matches!(enabled.await, Err(StoreError::Corrupt(_))));
    assert!(matches!(
        delete(BY).await.unwrap(),
        ClientRevoked::Revoked(_)
    ));

    assert!(!store.has_client(&damaged).await.unwrap());
    assert!(test.app.audit.verify(None).await.unwrap().good);
    let again = store.insert_client(&record("c0"), ANY, BY.at(NOW)).await;
    again.unwrap();
}

#[tokio::test]
async fn a_damaged_change_has_everything_read_anew_once() {
    let test = with_clients(1, &[]).await;
    let store = test.app.store();
    let start = store.last_change().await.unwrap();
    for sql in [
        "update audit_head set last_change_id = 100000000",
        "insert into changes (change_id, kind, client_id) values (100000000, 'client', '')",
    ] {
        assert_eq!(test.database.execute(sql).await, 1);
    }

    assert_eq!(store.list_changes(start, 10).await.unwrap(), None);
    test.read_changes().await;

    let last = store.last_change().await.unwrap();
    let page = store.list_changes(last, 10).await.unwrap().unwrap();
    assert_eq!((page.changes, page.last), (Vec::<Change>::new(), last));
}

/// Without such a row more would be allowed than before, or another key made: so reading fails, by name.
#[tokio::test]
async fn a_damaged_key_and_a_damaged_revocation_are_errors_that_name_them() {
    let test = with_clients(1, &[]).await;
    let store = test.app.store();
    let token = RevokedToken {
        jti: TokenId::parse(&format!("{:032x}", 1)).unwrap(),
        generation: LOW,
        expires_at: NOW,
    };
    let client_id = id("c0");
    let revoked = store.revoke_token(token, &client_id, RevocationTrail::Event, BY.at(NOW));
    assert!(revoked.await.unwrap());
    let key =
        "insert into signing_keys (kid, alg, state, state_since, created_at, used_at, sealed_key)
        values ('no key', 'ES256', 'active', 1, 1, 1, 'x')";
    for sql in ["update revocations set jti = 'no token'", key] {
        assert_eq!(test.database.execute(sql).await, 1);
    }

    let keys = store.list_keys().await.unwrap_err().to_string();
    let revocations = store.list_revocations(RevocationId(0), 10).await;
    let revocations = revocations.unwrap_err().to_string();

    assert!(keys.contains("`no key` of `signing_keys`"), "{keys}");
    assert!(revocations.contains("of `revocations`"), "{revocations}");
}

#[tokio::test]
async fn a_damaged_event_is_listed_and_exported_as_text() {
    let test = with_clients(2, &[]).await;
    let sql = "update audit_events set state_after = '{' where event_id = 1";
    assert_eq!(test.database.execute(sql).await, 1);

    let filter = AuditFilter::default();
    let piece = test.app.audit.export(&filter, AuditFormat::Json, 0).await;

    let piece = piece.unwrap();
    let lines: Vec<&str> = piece.text.lines().collect();
    assert!(lines[0].contains(r#""after":"{""#), "{lines:?}");
    assert!(lines[1].contains(r#""after":{""#), "{lines:?}");
}
