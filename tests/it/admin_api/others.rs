//! Secrets, usage, keys, tokens, the trail, and the people at the portal.

use serde_json::{Value, json};

use super::Robot;
use crate::harness::{CLIENT, NOW, TestApp};

#[tokio::test]
async fn a_secret_is_rotated_with_overlap_and_its_use_is_told() {
    let test = TestApp::new().await;
    let old = test.client().await;
    let robot = Robot::new(&test).await;
    let added = robot.post("/clients/billing/secrets", &json!({})).await;
    assert_eq!(added.status, 201, "{}", added.text());
    let new = added.json()["client_secret"].as_str().unwrap().to_owned();
    for secret in [&old, &new, &new] {
        assert_eq!(test.authorize(CLIENT, secret).await.status, 200);
    }
    test.app.write_usage().await.unwrap();

    let listed = robot.get("/clients/billing/secrets").await;
    assert!(!listed.text().contains("argon2") && !listed.text().contains(&new));
    let secrets = listed.json()["secrets"].as_array().unwrap().clone();
    let ours = secrets
        .iter()
        .find(|it| it["secret_id"] == added.json()["secret_id"]);
    let ours = ours.unwrap();
    assert_eq!(
        (&ours["uses_24h"], &ours["last_used_from"]),
        (&json!(2), &json!("192.0.2.1"))
    );
    assert_eq!(ours["last_used_at"], NOW.0);

    let path = |id: &Value| format!("/clients/billing/secrets/{}/expire", id.as_str().unwrap());
    let other = secrets
        .iter()
        .find(|it| it["secret_id"] != added.json()["secret_id"]);
    let later = json!({"expires_at": NOW.0 + 60});
    let ended = robot
        .post(&path(&other.unwrap()["secret_id"]), &later)
        .await;
    assert_eq!(ended.json()["expires_at"], NOW.0 + 60);
    assert_eq!(test.authorize(CLIENT, &old).await.status, 200);
    test.clock.advance(60);
    assert_eq!(test.authorize(CLIENT, &old).await.status, 401);
    let ended = robot
        .post(&path(&added.json()["secret_id"]), &json!({}))
        .await;
    assert_eq!(ended.status, 200);
    assert_eq!(test.authorize(CLIENT, &new).await.status, 401);

    let nothing = robot.post(&path(&json!("AAAAAAAA")), &json!({})).await;
    nothing.assert_error(404, "not_found");
    let malformed = robot.post(&path(&json!("x")), &json!({})).await;
    malformed.assert_error(400, "invalid_request");
    let past = json!({"expires_at": NOW.0});
    let answer = robot.post("/clients/billing/secrets", &past).await;
    answer.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn the_use_of_a_client_is_told_by_the_hour() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let robot = Robot::new(&test).await;
    let nothing = robot.get("/clients/billing/usage").await.json();
    assert_eq!(
        (&nothing["last_used_at"], &nothing["hours"]),
        (&Value::Null, &json!([]))
    );
    let token = test.token(&secret).await;
    test.verify(&token).await;
    test.app.write_usage().await.unwrap();

    let usage = robot.get("/clients/billing/usage").await.json();

    assert_eq!(
        usage["total"],
        json!({"issued": 1, "refused": 0, "verified": 1})
    );
    assert_eq!(usage["hours"].as_array().unwrap().len(), 1);
    assert_eq!(usage["last_used_at"], NOW.0);
    let later = format!("/clients/billing/usage?since={}", NOW.0 + 7_200);
    assert_eq!(robot.get(&later).await.json()["hours"], json!([]));
    let early = "/clients/billing/usage?since=2020-01-01T00:00:00Z";
    assert_eq!(robot.get(early).await.json(), usage);
    let wrong = robot.get("/clients/billing/usage?since=yesterday").await;
    wrong.assert_error(400, "invalid_request");
    robot
        .get("/clients/nobody/usage")
        .await
        .assert_error(404, "not_found");
}

#[tokio::test]
async fn keys_are_listed_rotated_prepared_and_retired() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    let robot = Robot::new(&test).await;
    let listed = robot.get("/keys").await;
    assert_eq!(listed.json()["signing_alg"], "ES256");
    assert!(!listed.text().contains("sealed_key"));
    let of_state = |listed: &Value, state: &str| {
        let keys = listed["keys"].as_array().unwrap().iter();
        let mut keys = keys.filter(|key| key["state"] == state);
        keys.next().map(|key| key["kid"].clone())
    };
    let (active, next) = (
        of_state(&listed.json(), "active"),
        of_state(&listed.json(), "next"),
    );

    let early = robot.post("/keys/rotate", &json!({})).await;
    early.assert_error(503, "temporarily_unavailable");
    let done = robot
        .post("/keys/rotate", &json!({"now": true}))
        .await
        .json();
    assert_eq!(
        (Some(&done["active"]), Some(&done["retired"])),
        (next.as_ref(), active.as_ref())
    );
    let prepared = robot
        .post("/keys/prepare", &json!({"alg": "EdDSA"}))
        .await
        .json();
    let again = robot
        .post("/keys/prepare", &json!({"alg": "EdDSA"}))
        .await
        .json();
    assert_eq!(prepared, again);
    let path = |kid: &Value| format!("/keys/{}/retire", kid.as_str().unwrap());
    assert_eq!(
        robot
            .post(&path(&prepared["next"]), &json!({}))
            .await
            .status,
        204
    );
    robot
        .post(&path(&prepared["next"]), &json!({}))
        .await
        .assert_error(404, "not_found");
    robot
        .post(&path(&done["active"]), &json!({}))
        .await
        .assert_error(400, "invalid_request");
    robot
        .post(&path(&done["retired"]), &json!({}))
        .await
        .assert_error(409, "conflict");
    for alg in ["HS256", "none", "es256"] {
        let answer = robot.post("/keys/prepare", &json!({"alg": alg})).await;
        answer.assert_error(400, "invalid_request");
    }
}

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
async fn a_key_that_does_not_sign_is_deleted() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    let robot = Robot::new(&test).await;
    let signing = test.app.keys.current().signing().unwrap().kid().clone();
    let path = format!("/keys/{signing}");
    let refused = robot.send("DELETE", &path, &[], None).await;
    refused.assert_error(400, "invalid_request");
    let listed = robot.get("/keys").await.json();
    assert_eq!(listed["keys"][0]["live_tokens_at_most"], 0);
    robot.post("/keys/rotate", &json!({"now": true})).await;
    // The robot's own token is under it.
    let robot = {
        let secret = super::register(&test, "other", "admin:write").await;
        let token = super::token(&test, "other", &secret, "").await;
        Robot { test: &test, token }
    };

    let done = robot.send("DELETE", &path, &[], None).await;

    assert_eq!((done.status, done.text()), (204, ""));
    let again = robot.send("DELETE", &path, &[], None).await;
    again.assert_error(404, "not_found");
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
async fn a_secret_is_removed_and_nothing_is_left_of_it() {
    let test = TestApp::new().await;
    let old = test.client().await;
    let robot = Robot::new(&test).await;
    let added = robot.post("/clients/billing/secrets", &json!({})).await;
    let listed = robot.get("/clients/billing/secrets").await.json();
    let first = listed["secrets"].as_array().unwrap().iter();
    let mut first = first.filter(|it| it["secret_id"] != added.json()["secret_id"]);
    let secret_id = first.next().unwrap()["secret_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/clients/billing/secrets/{secret_id}");

    let gone = robot.send("DELETE", &path, &[], None).await;

    assert_eq!((gone.status, gone.text()), (204, ""));
    assert_eq!(gone.header("cache-control"), "no-store");
    assert_eq!(test.authorize(CLIENT, &old).await.status, 401);
    let left = robot.get("/clients/billing/secrets").await.json();
    assert_eq!(left["secrets"].as_array().unwrap().len(), 1);
    let again = robot.send("DELETE", &path, &[], None).await;
    again.assert_error(404, "not_found");
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
