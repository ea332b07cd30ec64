//! What makes something can be asked for again without making it twice: on every replica, for a day, and without a
//! secret in the database.

use serde_json::{Value, json};
use token_server::app::AuditFilter;

use super::{ROBOT, Robot, register, token};
use crate::harness::trail::find;
use crate::harness::{Answer, TestApp};

async fn create(robot: &Robot<'_>, key: &str, body: &Value) -> Answer {
    let headers = [("idempotency-key", key)];
    robot.send("POST", "/clients", &headers, Some(body)).await
}

async fn count(robot: &Robot<'_>) -> usize {
    let page = robot.get("/clients?limit=1000").await.json();
    page["clients"].as_array().unwrap().len()
}

async fn replica(test: &TestApp) -> TestApp {
    TestApp::at(test.clock.clone(), test.database.clone(), &[]).await
}

#[tokio::test]
async fn the_same_request_is_answered_the_same_and_makes_nothing_more_on_any_replica() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let two = replica(&test).await;
    let body = json!({"name": "once", "scopes": "read"});

    let first = create(&robot, "k", &body).await;
    assert_eq!(first.status, 201, "{}", first.text());
    for again in [
        create(&robot, "k", &body).await,
        create(&robot.at(&two), "k", &body).await,
    ] {
        assert_eq!(again.status, 201);
        assert_eq!(again.text(), first.text());
        assert_eq!(again.header("location"), first.header("location"));
    }

    assert_eq!(count(&robot).await, 2);
    let created = AuditFilter {
        action: Some("client.create".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(find(&test, &created).await.len(), 2);
    let (id, secret) = (
        first.json()["client"]["client_id"].clone(),
        first.json()["secret"]["client_secret"].clone(),
    );
    token(&two, id.as_str().unwrap(), secret.as_str().unwrap(), "").await;
}

#[tokio::test]
async fn two_replicas_that_are_asked_at_once_make_one_client() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let two = replica(&test).await;
    let other = robot.at(&two);
    let body = json!({"name": "once"});

    let (a, b, c, d) = tokio::join!(
        create(&robot, "k", &body),
        create(&other, "k", &body),
        create(&robot, "k", &body),
        create(&other, "k", &body),
    );

    for answer in [&a, &b, &c, &d] {
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.text(), a.text());
    }
    assert_eq!(count(&robot).await, 2);
}

#[tokio::test]
async fn a_key_is_for_one_request_of_one_client_at_one_place() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let secret = register(&test, "another-robot", "admin:write").await;
    let another = Robot {
        test: &test,
        token: token(&test, "another-robot", &secret, "").await,
    };
    let body = json!({"name": "a"});
    let first = create(&robot, "k", &body).await;

    let other_body = create(&robot, "k", &json!({"name": "b"})).await;
    other_body.assert_error(409, "conflict");
    let other_key = create(&robot, "l", &body).await;
    let other_caller = create(&another, "k", &body).await;
    let id = first.json()["client"]["client_id"].clone();
    let secrets = format!("/clients/{}/secrets", id.as_str().unwrap());
    let headers = [("idempotency-key", "k")];
    let other_place = robot
        .send("POST", &secrets, &headers, Some(&json!({})))
        .await;
    for answer in [other_key, other_caller, other_place] {
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_ne!(answer.text(), first.text());
    }
    for wrong in ["", &"x".repeat(129)] {
        let answer = create(&robot, wrong, &body).await;
        answer.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_secret_is_added_once_too() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;
    let headers = [("idempotency-key", "k")];
    let body = json!({});
    let add = async || {
        robot
            .send("POST", "/clients/billing/secrets", &headers, Some(&body))
            .await
    };

    let (first, again) = (add().await, add().await);

    assert_eq!((first.status, first.text()), (201, again.text()));
    let listed = robot.get("/clients/billing/secrets").await.json();
    assert_eq!(listed["secrets"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_was_refused_is_not_kept() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let body = json!({"client_id": "taken"});
    register(&test, "taken", "read").await;

    create(&robot, "k", &body)
        .await
        .assert_error(409, "conflict");
    robot.delete("/clients/taken", "*").await;
    let again = create(&robot, "k", &body).await;

    assert_eq!(again.status, 201, "{}", again.text());
}

#[tokio::test]
async fn an_answer_can_be_had_for_a_day_and_is_gone_then() {
    let test = TestApp::new().await;
    let secret = register(&test, ROBOT, "admin:read admin:write").await;
    let robot = async || Robot {
        test: &test,
        token: token(&test, ROBOT, &secret, "").await,
    };
    let body = json!({"name": "daily"});
    let first = create(&robot().await, "k", &body).await;

    test.clock.advance(24 * 3_600 - 1);
    assert_eq!(test.app.idempotency.prune().await.unwrap(), 0);
    let same = create(&robot().await, "k", &body).await;
    assert_eq!(same.text(), first.text());
    test.clock.advance(1);
    assert_eq!(test.app.idempotency.prune().await.unwrap(), 1);
    let new = create(&robot().await, "k", &body).await;
    assert_eq!(new.status, 201);
    assert_ne!(new.text(), first.text());
    test.clock.advance(24 * 3_600);
    assert_eq!(test.app.idempotency.prune().await.unwrap(), 1);
}

/// Whether its time is over, only a trusted clock says.
#[tokio::test]
async fn a_wrong_clock_does_not_make_the_same_request_be_done_twice() {
    let test = TestApp::new().await;
    let secret = register(&test, ROBOT, "admin:read admin:write").await;
    let robot = async || Robot {
        test: &test,
        token: token(&test, ROBOT, &secret, "").await,
    };
    let body = json!({"name": "once"});
    let first = create(&robot().await, "k", &body).await;

    test.clock.set_ahead(3 * 86_400);
    let again = create(&robot().await, "k", &body).await;

    assert_eq!(again.text(), first.text());
}

#[tokio::test]
async fn a_secret_that_was_refused_is_refused_again() {
    let test = TestApp::new().await;
    register(&test, "gateway", "token:introspect").await;
    let robot = Robot::new(&test).await;
    let headers = [("idempotency-key", "k")];

    for _ in 0..2 {
        let path = "/clients/gateway/secrets";
        let answer = robot.send("POST", path, &headers, Some(&json!({}))).await;
        answer.assert_error(403, "access_denied");
    }
    let kept = test.database.execute("delete from stored_responses").await;
    assert_eq!(kept, 0);
}
