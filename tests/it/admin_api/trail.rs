//! The audit trail: its pages, its exports, and its check.

use serde_json::{Value, json};

use super::Robot;
use crate::harness::{NOW, TestApp};

#[tokio::test]
async fn the_trail_is_listed_by_pages_and_written_out_whole() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;
    for n in 0..7 {
        let changed = robot
            .patch("/clients/billing", "*", &json!({"name": n.to_string()}))
            .await;
        assert_eq!(changed.status, 200);
    }

    let mut ids = Vec::new();
    let mut path = "/audit/events?limit=3".to_owned();
    loop {
        let page = robot.get(&path).await.json();
        let events = page["events"].as_array().unwrap();
        ids.extend(events.iter().map(|it| it["event_id"].as_i64().unwrap()));
        match page["next"].as_i64() {
            Some(next) => path = format!("/audit/events?limit=3&before={next}"),
            None => break,
        }
    }
    assert_eq!(ids, [9, 8, 7, 6, 5, 4, 3, 2, 1]);

    let exported = robot.get("/audit/export").await;
    assert_eq!(exported.header("content-type"), "application/x-ndjson");
    assert_eq!(exported.header("cache-control"), "no-store");
    let lines: Vec<Value> = exported
        .text()
        .lines()
        .map(|it| token_server::base::json::from_str(it).unwrap())
        .collect();
    assert_eq!(lines.len(), 9);
    let newest = robot.get("/audit/events?limit=1").await.json()["events"][0].clone();
    assert_eq!(lines[8], newest);
    assert_eq!(newest["after"], json!({"name": "6"}));

    let count = async |query: &str| {
        robot
            .get(&format!("/audit/export?{query}"))
            .await
            .text()
            .lines()
            .count()
    };
    assert_eq!(count("action=client.update").await, 7);
    assert_eq!(count("action=client.").await, 9);
    assert_eq!(count("actor_type=client&actor=robot").await, 7);
    assert_eq!(count("actor_type=server").await, 2);
    assert_eq!(count("client_id=billing").await, 8);
    assert_eq!(count(&format!("since={}", NOW.0 + 1)).await, 0);
    assert_eq!(count(&format!("until={}", NOW.0 + 1)).await, 9);
    for wrong in [
        "action=client",
        "actor_type=me",
        "since=x",
        "client_id=a%20b",
        "limit=3",
    ] {
        let answer = robot.get(&format!("/audit/export?{wrong}")).await;
        answer.assert_error(400, "invalid_request");
    }
    robot
        .get("/audit/events?before=x")
        .await
        .assert_error(400, "invalid_request");
}

#[tokio::test]
async fn the_trail_is_written_out_for_spreadsheets_too_and_checked() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;

    let csv = robot
        .get("/audit/export?format=csv&client_id=billing")
        .await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.text().starts_with("event_id,at,"));
    assert_eq!(csv.text().lines().count(), 2);
    robot
        .get("/audit/export?format=xml")
        .await
        .assert_error(400, "invalid_request");

    let verdict = robot.get("/audit/verify").await.json();
    assert_eq!(
        (&verdict["good"], &verdict["checked"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(verdict["broken"], Value::Null);
    let last = &verdict["last"];
    let hash = last["hash"].as_str().unwrap();
    let known = format!("/audit/verify?known={}:{hash}", last["event_id"]);
    assert_eq!(robot.get(&known).await.json(), verdict);
    let forged = known.replace(hash, &"0".repeat(64));
    let broken = robot.get(&forged).await.json();
    assert_eq!(
        (&broken["good"], &broken["broken"]["event_id"]),
        (&json!(false), &json!(2))
    );
    // With none of them it would say that it is good.
    for wrong in ["1", "x:y", "9", ""] {
        let answer = robot.get(&format!("/audit/verify?known={wrong}")).await;
        answer.assert_error(400, "invalid_request");
    }
}
