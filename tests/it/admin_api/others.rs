//! Tokens, the people at the portal, names of clients, and settings.

use serde_json::json;

use super::Robot;
use crate::harness::{CLIENT, TestApp};

#[tokio::test]
async fn a_token_is_looked_at_and_ended_whoever_has_it() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let robot = Robot::new(&test).await;
    let token = test.token(&secret).await;
    let body = json!({"token": token});

    let inspected = robot.post("/tokens/inspect", &body).await.json();
    assert_eq!(
        (&inspected["good"], &inspected["claims"]["client_id"]),
        (&json!(true), &json!(CLIENT))
    );
    assert_eq!(inspected["header"]["alg"], "HS256");
    let revoked = robot.post("/tokens/revoke", &body).await.json();
    assert_eq!(
        (&revoked["client_id"], &revoked["jti"]),
        (&json!(CLIENT), &inspected["claims"]["jti"])
    );
    assert_eq!(test.verify(&token).await.status, 401);
    let inspected = robot.post("/tokens/inspect", &body).await.json();
    let verdict = format!(
        "the token is revoked: the token {} was revoked",
        revoked["jti"].as_str().unwrap()
    );
    assert_eq!(
        (&inspected["good"], &inspected["verdict"]),
        (&json!(false), &json!(verdict))
    );

    for wrong in ["", "x", "a.b.c", "tks_secret"] {
        for path in ["/tokens/inspect", "/tokens/revoke"] {
            let answer = robot.post(path, &json!({"token": wrong})).await;
            answer.assert_error(400, "invalid_request");
        }
    }
    let form = [("authorization", &*format!("Bearer {}", robot.token))];
    let answer = test
        .post_form_with("/admin/api/v1/tokens/inspect", &[("token", &token)], &form)
        .await;
    answer.assert_error(415, "unsupported_media_type");
}

#[tokio::test]
async fn the_people_at_the_portal_are_listed_without_what_proves_them() {
    let test = TestApp::with(&[("ADMIN_SECOND_FACTOR", "optional")]).await;
    let robot = Robot::new(&test).await;
    crate::admin::create(&test, "olga", token_server::domain::AdminRole::Owner).await;
    crate::admin::Browser::of(&test, "olga").await;

    let (admins, sessions) = (robot.get("/admins").await, robot.get("/sessions").await);

    assert_eq!(admins.json()["admins"][0]["name"], "olga");
    assert_eq!(admins.json()["admins"][0]["role"], "owner");
    assert_eq!(sessions.json()["sessions"][0]["name"], "olga");
    for answer in [admins, sessions] {
        assert_eq!(answer.status, 200);
        for hidden in ["argon2", "digest", "password_hash", "totp_sealed"] {
            assert!(!answer.text().contains(hidden), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_new_client_has_a_name_that_a_path_can_have() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    for name in [".", ".."] {
        let answer = robot.post("/clients", &json!({ "client_id": name })).await;
        answer.assert_error(400, "invalid_request");
        assert!(answer.text().contains("a URL cannot contain"));
    }
    let fine = robot.post("/clients", &json!({"client_id": "..."})).await;
    assert_eq!(fine.status, 201);
}

#[tokio::test]
async fn settings_are_told_and_of_secrets_only_that_they_are_set() {
    let test = TestApp::with(&[("TOKEN_TTL", "20m")]).await;
    let robot = Robot::new(&test).await;

    let answer = robot.get("/settings").await;

    let settings = answer.json()["settings"].as_array().unwrap().clone();
    let of = |name: &str| settings.iter().find(|it| it["name"] == name).unwrap();
    assert_eq!(
        (&of("TOKEN_TTL")["value"], &of("TOKEN_TTL")["is_set"]),
        (&json!("20m"), &json!(true))
    );
    let secret = of("SECRET");
    assert_eq!(
        (&secret["is_secret"], &secret["is_set"], &secret["value"]),
        (&json!(true), &json!(true), &json!(""))
    );
}
