//! Every way in which an operator sets networks and sees them.

use serde_json::json;
use token_server::app::clients::transfer::apply::ApplyStep;
use token_server::app::clients::transfer::import::{ImportOptions, ImportSource, OnConflict};
use token_server::app::{AuditFilter, NewClient};
use token_server::domain::{Action, ClientVersion};

use super::{client_in, log_in, move_to, networks};
use crate::admin_api::Robot;
use crate::harness::{BY, CLIENT, TestApp, id, new_client, trail};

#[tokio::test]
async fn the_admin_api_sets_networks_and_refuses_senseless_ones() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let new = json!({"client_id": "b", "allowed_networks": ["2001:DB8::/32", "10.1.2.3/8"]});
    let made = robot.post("/clients", &new).await;
    let both = json!(["10.0.0.0/8", "2001:db8::/32"]);
    assert_eq!(
        made.json()["client"]["allowed_networks"],
        both,
        "{}",
        made.text()
    );
    let none = robot.post("/clients", &json!({"client_id": "c"})).await;
    assert_eq!(none.json()["client"]["allowed_networks"], json!([]));

    let shown = robot.get("/clients/b").await;
    assert_eq!(shown.json()["allowed_networks"], both);
    let listed = robot.get("/clients?prefix=b").await;
    assert_eq!(listed.json()["clients"][0]["allowed_networks"], both);
    let one = json!({"allowed_networks": ["192.0.2.7"]});
    let changed = robot.patch("/clients/b", shown.header("etag"), &one).await;
    assert_eq!(changed.json()["allowed_networks"], json!(["192.0.2.7/32"]));
    // It is another client by now.
    let late = robot.patch("/clients/b", shown.header("etag"), &one).await;
    late.assert_error(412, "precondition_failed");
    let many: Vec<String> = (0..33).map(|n| format!("10.0.0.{n}")).collect();
    for wrong in [
        json!(["10.0.0.0/33"]),
        json!("10.0.0.0/8"),
        json!(null),
        json!([1]),
        json!([""]),
        json!(["example.com"]),
        json!(many),
    ] {
        let body = json!({ "allowed_networks": wrong });
        let answer = robot.patch("/clients/b", "*", &body).await;
        answer.assert_error(400, "invalid_request");
        let body = json!({"client_id": "d", "allowed_networks": wrong});
        let answer = robot.post("/clients", &body).await;
        answer.assert_error(400, "invalid_request");
    }
    let named = robot.patch("/clients/b", "*", &json!({"name": "B"})).await;
    assert_eq!(named.json()["allowed_networks"], json!(["192.0.2.7/32"]));
    let cleared = json!({"allowed_networks": []});
    let cleared = robot.patch("/clients/b", "*", &cleared).await;
    assert_eq!(cleared.json()["allowed_networks"], json!([]));
}

#[tokio::test]
async fn a_change_of_networks_is_in_the_audit_trail_and_makes_another_version() {
    let test = TestApp::new().await;
    client_in(&test, "10.0.0.0/8").await;
    let version = async || {
        let record = test.find_client(&id(CLIENT)).await;
        ClientVersion::from(&record.client)
    };
    let before = version().await;

    // In the very same second.
    move_to(&test, "::1 10.0.0.0/8").await;

    assert_ne!(version().await, before);
    let filter = AuditFilter {
        action: Some(Action::ClientUpdate.as_str().to_owned()),
        ..AuditFilter::default()
    };
    let events = trail::find(&test, &filter).await;
    let state = |text: &Option<String>| -> serde_json::Value {
        token_server::base::json::from_str(text.as_deref().unwrap()).unwrap()
    };
    assert_eq!(
        state(&events[0].before),
        json!({"allowed_networks": ["10.0.0.0/8"]})
    );
    assert_eq!(
        state(&events[0].after),
        json!({"allowed_networks": ["10.0.0.0/8", "::1/128"]})
    );
}

async fn import(test: &TestApp, file: &str, on_conflict: OnConflict) {
    let options = ImportOptions {
        on_conflict,
        ..ImportOptions::default()
    };
    let source = ImportSource::of_bytes(None, file.as_bytes().to_vec());
    let report = test
        .app
        .clients
        .import(BY, &source, options, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(report.bad, 0);
}

#[tokio::test]
async fn networks_go_with_an_export_to_another_database() {
    let (from, to) = (TestApp::new().await, TestApp::new().await);
    let secret = client_in(&from, "10.0.0.0/8 2001:db8::/32").await;
    let mut export = from.app.clients.begin_export(BY).await.unwrap();
    let mut file = String::new();
    while let Some(lines) = from.app.clients.export(&mut export).await.unwrap() {
        file += &lines;
    }

    import(&to, &file, OnConflict::Refuse).await;

    for test in [&from, &to] {
        let record = test.find_client(&id(CLIENT)).await;
        let allowed = record.client.allowed_networks;
        assert_eq!(allowed, networks("10.0.0.0/8 2001:db8::/32"));
        assert_eq!(log_in(test, "10.0.0.1", &secret).await.status, 200);
        assert_eq!(log_in(test, "192.0.2.1", &secret).await.status, 401);
    }
}

#[tokio::test]
async fn a_table_may_have_networks_and_one_without_leaves_those_that_are_known() {
    let test = TestApp::new().await;
    let allowed = async || {
        let record = test.find_client(&id(CLIENT)).await;
        record.client.allowed_networks.to_string()
    };
    let with =
        "client_id,client_secret,allowed_networks\nbilling,the chosen secret,10.1.2.3/8 ::1\n";
    let without = "client_id,client_secret\nbilling,another chosen secret\n";

    import(&test, with, OnConflict::Refuse).await;
    assert_eq!(allowed().await, "10.0.0.0/8 ::1/128");
    import(&test, without, OnConflict::Replace).await;

    assert_eq!(allowed().await, "10.0.0.0/8 ::1/128");
    assert_eq!(
        log_in(&test, "10.0.0.1", "another chosen secret")
            .await
            .status,
        200
    );
    assert_eq!(
        log_in(&test, "192.0.2.1", "another chosen secret")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_file_that_is_applied_says_the_networks_or_that_there_are_none() {
    let test = TestApp::new().await;
    test.register(NewClient {
        allowed_networks: networks("192.0.2.0/24"),
        ..new_client(CLIENT)
    })
    .await;
    let apply = async |member: &str| {
        let file = format!("version: 1\nname: team\nclients:\n  - client_id: billing\n{member}");
        let record = test.apply(&file).await?.clients.remove(0);
        let client = test.app.clients.find(&id(CLIENT)).await?.client;
        Ok::<_, token_server::app::error::Error>((record.step, client.allowed_networks.to_string()))
    };

    let member = "    allowed_networks: [\"2001:db8::/32\", 10.0.0.0/8]\n";
    let both = "10.0.0.0/8 2001:db8::/32".to_owned();
    assert_eq!(
        apply(member).await.unwrap(),
        (ApplyStep::Change, both.clone())
    );
    assert_eq!(apply(member).await.unwrap(), (ApplyStep::Unchanged, both));
    let wrong = apply("    allowed_networks: [10.0.0.0/33]\n").await;
    let wrong = wrong.unwrap_err().to_string();
    assert!(wrong.contains("`10.0.0.0/33` is not a network"), "{wrong}");
    assert_eq!(apply("").await.unwrap(), (ApplyStep::Change, String::new()));
}
