//! Two who change the same do not undo each other unnoticed, and whatever is changed is in the trail.

use serde_json::json;
use token_server::app::AuditFilter;

use super::{ROBOT, Robot};
use crate::harness::TestApp;
use crate::harness::trail::find;

#[tokio::test]
async fn a_change_of_what_was_changed_since_is_refused() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;
    let seen = robot.get("/clients/billing").await;
    let (etag, path) = (seen.header("etag"), "/clients/billing");
    let version: i64 = etag.trim_matches('"').parse().unwrap();
    // In the same second.
    let first = robot.patch(path, etag, &json!({"name": "first"})).await;
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(first.header("etag"), format!("\"{}\"", version + 1));

    for answer in [
        robot.patch(path, etag, &json!({"name": "second"})).await,
        robot
            .patch(
                path,
                &format!("W/{}", first.header("etag")),
                &json!({"name": "x"}),
            )
            .await,
        robot
            .patch(path, "\"made up\"", &json!({"name": "x"}))
            .await,
        robot.delete(path, etag).await,
    ] {
        answer.assert_error(412, "precondition_failed");
    }

    let now = robot.get(path).await;
    assert_eq!(now.json()["name"], "first");
    assert_eq!(now.header("etag"), first.header("etag"));
    let either = format!("{etag}, {}", now.header("etag"));
    let second = robot.patch(path, &either, &json!({"name": "second"})).await;
    assert_eq!(second.json()["name"], "second");
    let whatever = robot.patch(path, "*", &json!({"name": "third"})).await;
    assert_eq!(whatever.json()["name"], "third");
    assert_eq!(
        robot.delete(path, whatever.header("etag")).await.status,
        204
    );
    for gone in [
        robot.patch(path, "*", &json!({"name": "x"})).await,
        robot.delete(path, "*").await,
    ] {
        gone.assert_error(404, "not_found");
    }
}

#[tokio::test]
async fn who_does_not_say_what_he_has_seen_changes_nothing() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;
    let body = json!({"name": "x"});

    for (method, body) in [("PATCH", Some(&body)), ("DELETE", None)] {
        let answer = robot.send(method, "/clients/billing", &[], body).await;
        answer.assert_error(428, "precondition_required");
        let headers = [("if-match", "not quoted")];
        let answer = robot.send(method, "/clients/billing", &headers, body).await;
        answer.assert_error(400, "invalid_request");
    }
    assert_eq!(robot.get("/clients/billing").await.json()["name"], "");
}

#[tokio::test]
async fn of_two_replicas_that_change_the_same_at_once_one_is_refused() {
    let one = TestApp::new().await;
    one.client().await;
    let two = one.replica().await;
    let robot = Robot::new(&one).await;
    two.read_changes().await;
    let other = robot.at(&two);
    let seen = robot.get("/clients/billing").await;

    let (a, b) = (json!({"name": "a"}), json!({"description": "b"}));
    let (a, b) = tokio::join!(
        robot.patch("/clients/billing", seen.header("etag"), &a),
        other.patch("/clients/billing", seen.header("etag"), &b),
    );

    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test]
async fn every_change_is_in_the_trail_with_the_client_that_made_it() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    let secret = test.client().await;
    let robot = Robot::new(&test).await;
    let token = test.token(&secret).await;
    let filter = AuditFilter {
        actor_type: Some("client".to_owned()),
        ..AuditFilter::default()
    };
    let new = json!({"client_id": "new"});
    let before = test.app.keys.list().await.unwrap();
    assert_eq!(before.len(), 2);

    let none = json!({});
    let headers = [("x-request-id", "r-1")];
    let mut seen = 0;
    for (method, path, body, actions) in [
        ("POST", "/clients", &new, &["client.create"][..]),
        (
            "PATCH",
            "/clients/new",
            &json!({"name": "x"}),
            &["client.update"],
        ),
        ("POST", "/clients/new/disable", &none, &["client.disable"]),
        ("POST", "/clients/new/enable", &none, &["client.enable"]),
        (
            "POST",
            "/clients/new/revoke-tokens",
            &none,
            &["client.revoke_tokens"],
        ),
        (
            "POST",
            "/clients/new/secrets",
            &json!({"client_secret": "a secret of my choice"}),
            &["secret.add"],
        ),
        ("DELETE", "/clients/new", &none, &["client.delete"]),
        (
            "POST",
            "/tokens/revoke",
            &json!({"token": token}),
            &["token.revoke"],
        ),
        (
            "POST",
            "/keys/rotate",
            &json!({"now": true}),
            &["key.retire", "key.activate", "key.create"],
        ),
        (
            "POST",
            "/keys/prepare",
            &json!({"alg": "EdDSA"}),
            &["key.create"],
        ),
    ] {
        let headers = [&headers[..], &[("if-match", "*")]].concat();
        let answer = robot.send(method, path, &headers, Some(body)).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());

        let events = find(&test, &filter).await;
        let mut done: Vec<&str> = events[seen..].iter().map(|it| it.action.as_str()).collect();
        let mut expected = actions.to_vec();
        done.sort_unstable();
        expected.sort_unstable();
        assert_eq!(done, expected, "{method} {path}");
        for event in &events[seen..] {
            assert_eq!(
                (event.actor.as_str(), event.source.as_deref()),
                (ROBOT, Some("192.0.2.1"))
            );
            assert_eq!(event.request_id.as_deref(), Some("r-1"));
        }
        seen = events.len();
    }
    let trail = format!("{:?}", find(&test, &filter).await);
    assert!(
        !trail.contains("a secret of my choice") && !trail.contains("argon2"),
        "{trail}"
    );
    assert!(test.app.audit.verify(None).await.unwrap().good);
}

/// A row that was damaged by hand or by a fault must not keep a client from being disabled.
#[tokio::test]
async fn a_damaged_client_is_disabled_and_the_answer_says_that_it_cannot_be_shown() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let robot = Robot::new(&test).await;
    let damage = "update clients set metadata = '{' where client_id = 'billing'";
    assert_eq!(test.database.execute(damage).await, 1);
    let is_disabled =
        "update clients set name = 'x' where client_id = 'billing' and status = 'disabled'";

    let answer = robot.post("/clients/billing/disable", &json!({})).await;

    assert_eq!((answer.status, answer.text()), (204, ""));
    assert_eq!(test.database.execute(is_disabled).await, 1);
    test.verify(&token).await.assert_error(401, "invalid_token");
    let path = "/clients/billing/revoke-tokens";
    let revoked = robot.post(path, &json!({})).await;
    assert_eq!(revoked.status, 204);
    // Nobody can tell whether it has a reserved scope.
    let enabled = robot.post("/clients/billing/enable", &json!({})).await;
    enabled.assert_error(403, "access_denied");
    assert_eq!(test.database.execute(is_disabled).await, 1);
}

#[tokio::test]
async fn a_client_with_a_damaged_secret_is_shown_when_it_is_disabled() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;
    let damage = "insert into idle_expiries (secret_id, client_id, idle_seconds, starts_at)
        select secret_id, client_id, 1, 1 from client_secrets where client_id = 'billing'";
    assert_eq!(test.database.execute(damage).await, 1);

    let off = robot.post("/clients/billing/disable", &json!({})).await;
    assert_eq!(
        (off.status, &off.json()["status"]),
        (200, &json!("disabled"))
    );
    let on = robot.post("/clients/billing/enable", &json!({})).await;
    assert_eq!((on.status, &on.json()["status"]), (200, &json!("enabled")));
    assert_ne!(on.header("etag"), off.header("etag"));
}
