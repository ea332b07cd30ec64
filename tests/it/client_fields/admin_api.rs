//! Every field over the admin API, and in the audit trail.

use serde_json::json;

use super::{CLIENT, assert_is, delete, fields, patch, register, registered, service, set};
use crate::admin_api::Robot;

#[tokio::test]
async fn the_admin_api_sets_shows_and_clears_every_field() {
    let test = service().await;
    let robot = Robot::new(&test).await;
    let path = format!("/clients/{CLIENT}");
    for field in fields(&test).await {
        let new = json!({ "client_id": CLIENT, field.name: field.value() });
        if field.is_reserved() {
            continue;
        }
        let made = robot.post("/clients", &new).await;
        assert_eq!(made.status, 201, "{}: {}", field.name, made.text());
        let shown = robot.get(&path).await.json();
        assert_is(&shown, field, &field.value(), "POST");

        let cleared = patch(&robot, field, &field.default()).await.json();
        assert_is(&cleared, field, &field.default(), "PATCH to clear");
        set(&test, &robot, field).await;
        assert_is(&registered(&test).await, field, &field.value(), "PATCH");
        delete(&test).await;
    }
}

/// Design, section 6: over the admin API it is 403. What is there is shown, and may be sent back.
#[tokio::test]
async fn the_admin_api_shows_every_reserved_field_and_neither_sets_nor_clears_it() {
    let test = service().await;
    let robot = Robot::new(&test).await;
    let path = format!("/clients/{CLIENT}");
    let all = fields(&test).await;
    let reserved: Vec<_> = all.into_iter().filter(|it| it.is_reserved()).collect();
    assert_eq!(reserved.len(), 1);
    for field in reserved {
        let new = json!({ "client_id": CLIENT, field.name: field.value() });
        let made = robot.post("/clients", &new).await;
        made.assert_error(403, "access_denied");
        register(&test).await;
        let refused = patch(&robot, field, &field.value()).await;
        refused.assert_error(403, "access_denied");

        set(&test, &robot, field).await;
        let shown = robot.get(&path).await.json();
        assert_is(&shown, field, &field.value(), "GET");
        let refused = patch(&robot, field, &field.default()).await;
        refused.assert_error(403, "access_denied");
        let same = patch(&robot, field, &field.value()).await;
        assert_eq!(same.status, 200, "{}", same.text());
        assert_is(&registered(&test).await, field, &field.value(), "PATCH");
        delete(&test).await;
    }
}

/// Design, section 6: nobody gives what they do not have.
#[tokio::test]
async fn the_admin_api_changes_no_field_of_a_client_with_a_reserved_scope() {
    let test = service().await;
    let robot = Robot::new(&test).await;
    let before = robot.get("/clients/robot").await.json();
    for field in fields(&test).await {
        for value in [field.value(), field.default()] {
            let change = json!({ field.name: value });
            let answer = robot.patch("/clients/robot", "*", &change).await;
            answer.assert_error(403, "access_denied");
        }
    }
    assert_eq!(robot.get("/clients/robot").await.json(), before);
    let reserved = json!({ "client_id": "other", "scopes": "admin:read" });
    let answer = robot.post("/clients", &reserved).await;
    answer.assert_error(403, "access_denied");
}

#[tokio::test]
async fn the_audit_trail_tells_every_field_that_changes() {
    let test = service().await;
    let robot = Robot::new(&test).await;
    for field in fields(&test).await {
        register(&test).await;
        set(&test, &robot, field).await;
        let events = robot.get("/audit/events?limit=1").await.json();
        let event = events["events"][0].to_string();
        let shown = format!("\"{}\"", field.name);
        assert!(event.contains(&shown), "{}: {event}", field.name);
        delete(&test).await;
    }
}
