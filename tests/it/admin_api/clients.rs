//! Registering clients, looking for them, changing them, and what an API client may never do.

use serde_json::{Value, json};

use super::{ROBOT, Robot, register, token};
use crate::harness::TestApp;

#[tokio::test]
async fn a_client_is_made_used_changed_switched_off_and_removed() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let new = json!({
        "client_id": "a/b", "name": "Billing", "scopes": "read write",
        "audiences": ["https://tokens.test"], "metadata": {"tenant": "acme"}, "token_ttl": 300,
    });

    let made = robot.post("/clients", &new).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.header("location"), "clients/a%2Fb");
    assert_eq!(made.header("cache-control"), "no-store");
    let secret = made.json()["secret"]["client_secret"].clone();
    let secret = secret.as_str().unwrap();
    let theirs = token(&test, "a/b", secret, "").await;

    let shown = robot.get("/clients/a%2Fb").await;
    assert_eq!(shown.json(), made.json()["client"]);
    assert!(!shown.text().contains("argon2") && !shown.text().contains("tks_"));

    let change = json!({"scopes": "read", "token_ttl": null});
    let etag = shown.header("etag");
    let changed = robot.patch("/clients/a%2Fb", etag, &change).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let client = changed.json();
    assert_eq!(
        (&client["scopes"], &client["token_ttl"]),
        (&json!("read"), &Value::Null)
    );
    assert_eq!(client["name"], "Billing");
    assert_eq!(robot.get("/clients/a%2Fb").await.json(), client);

    let off = robot.post("/clients/a%2Fb/disable", &json!({})).await;
    assert_eq!(off.json()["status"], "disabled");
    assert_eq!(test.verify(&theirs).await.status, 401);
    let on = robot.post("/clients/a%2Fb/enable", &json!({})).await;
    assert_eq!(on.json()["status"], "enabled");
    test.clock.advance(10);
    let theirs = token(&test, "a/b", secret, "").await;
    let revoked = robot.post("/clients/a%2Fb/revoke-tokens", &json!({})).await;
    assert_eq!((revoked.status, revoked.text()), (204, ""));
    assert_eq!(test.verify(&theirs).await.status, 401);

    let etag = on.header("etag");
    let gone = robot.delete("/clients/a%2Fb", etag).await;
    assert_eq!((gone.status, gone.text()), (204, ""));
    robot
        .get("/clients/a%2Fb")
        .await
        .assert_error(404, "not_found");
}

#[tokio::test]
async fn a_client_without_secrets_gets_none() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let with = json!({
        "client_id": "mtls", "auth_methods": ["tls_client_auth"],
        "tls_client_auth_san_dns": "billing.example.com",
    });

    let made = robot.post("/clients", &with).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.json()["secret"], Value::Null);
    let client = &made.json()["client"];
    assert_eq!(client["tls_client_auth_san_dns"], "billing.example.com");

    for extra in [
        json!({"tls_client_auth_san_uri": "urn:a"}),
        json!({"client_secret": "chosen by me alone"}),
        json!({"client_secret_expires_at": 1}),
    ] {
        let mut body = with.clone();
        body["client_id"] = json!("another");
        let body = merge(body, &extra);
        let answer = robot.post("/clients", &body).await;
        answer.assert_error(400, "invalid_request");
    }
}

fn merge(mut body: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn what_is_taken_away_is_null_and_what_is_wrong_is_refused() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;
    let uri = json!({"tls_client_auth_subject_dn": "CN=a"});
    let set = robot.patch("/clients/billing", "*", &uri).await;
    assert_eq!(set.json()["tls_client_auth_subject_dn"], "CN=a");

    let taken = json!({"tls_client_auth_subject_dn": null, "jwks": null});
    let taken = robot.patch("/clients/billing", "*", &taken).await;
    assert_eq!(taken.json().get("tls_client_auth_subject_dn"), None);

    for wrong in [
        json!({}),
        json!([]),
        json!({"name": null}),
        json!({"name": "a\u{0}"}),
        json!({"name": "x".repeat(201)}),
        json!({"scopes": ["read"]}),
        json!({"scopes": "a\"b"}),
        json!({"audiences": "https://a"}),
        json!({"identifiers": "https://a"}),
        json!({"identifiers": ["a", "b", "c", "d", "e", "f"]}),
        json!({"metadata": []}),
        json!({"metadata": {"x": "y".repeat(9_000)}}),
        json!({"token_ttl": 59}),
        json!({"token_ttl": 1e30}),
        json!({"auth_methods": []}),
        json!({"auth_methods": ["none"]}),
        json!({"auth_methods": ["private_key_jwt"]}),
        json!({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}),
        json!({"jwks_uri": "https://nobody.allowed/keys"}),
        json!({"jwks": {"keys": []}, "jwks_uri": "https://a.example/keys"}),
        json!({"tls_client_auth_san_ip": "nowhere"}),
    ] {
        let answer = robot.patch("/clients/billing", "*", &wrong).await;
        answer.assert_error(400, "invalid_request");
    }
    let now = robot.get("/clients/billing").await.json();
    assert_eq!(now, merge(taken.json(), &json!({})));
}

/// What is not for the caller to say is no member, whatever the body has beside it.
#[tokio::test]
async fn nothing_can_be_set_by_the_way() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;
    let before = robot.get("/clients/billing").await.json();

    for (name, value) in [
        ("status", json!("disabled")),
        ("created_at", json!(1)),
        ("updated_at", json!(1)),
        ("secrets", json!([])),
        ("secret_hash", json!("x")),
        ("secret_id", json!("AAAAAAAA")),
        ("last_used_at", json!(1)),
        ("__proto__", json!({})),
    ] {
        let body = json!({"name": "new", name: value});
        let answer = robot.patch("/clients/billing", "*", &body).await;
        answer.assert_error(400, "invalid_request");
        let answer = robot.post("/clients", &body).await;
        answer.assert_error(400, "invalid_request");
    }
    let renamed = json!({"client_id": "other", "name": "new"});
    let answer = robot.patch("/clients/billing", "*", &renamed).await;
    answer.assert_error(400, "invalid_request");
    for path in [
        "/clients?colour=red",
        "/audit/events?client=a",
        "/clients?limit=1&limit=2",
    ] {
        robot.get(path).await.assert_error(400, "invalid_request");
    }

    assert_eq!(robot.get("/clients/billing").await.json(), before);
    assert_eq!(
        robot.get("/clients").await.json()["clients"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn many_clients_are_listed_page_by_page_each_once() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    for n in 0..23 {
        let scopes = if n % 2 == 0 { "even a_c" } else { "odd abc" };
        register(&test, &format!("c{n:02}"), scopes).await;
    }
    robot.post("/clients/c03/disable", &json!({})).await;

    let mut seen = Vec::new();
    let mut path = "/clients?limit=5".to_owned();
    loop {
        let page = robot.get(&path).await.json();
        let clients = page["clients"].as_array().unwrap();
        assert!(clients.len() <= 5);
        seen.extend(
            clients
                .iter()
                .map(|it| it["client_id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/clients?limit=5&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 24);
    assert!(seen.is_sorted() && seen.contains(&ROBOT.to_owned()));

    let count = async |query: &str| {
        let answer = robot.get(&format!("/clients?{query}")).await.json();
        assert_eq!(answer["next"], Value::Null);
        answer["clients"].as_array().unwrap().len()
    };
    assert_eq!(count("status=disabled").await, 1);
    assert_eq!(count("scope=even").await, 12);
    // A name, not a pattern and not a part of one.
    assert_eq!(count("scope=a_c").await, 12);
    assert_eq!(count("scope=eve").await, 0);
    assert_eq!(count("scope=EVEN").await, 0);
    assert_eq!(count("prefix=c1").await, 10);
    assert_eq!(count("prefix=C1").await, 0);
    assert_eq!(count("prefix=c%25").await, 0);
    let name = json!({"name": "Payments worker"});
    robot.patch("/clients/c05", "*", &name).await;
    assert_eq!(count("name_prefix=PAY&scope=odd").await, 1);
    assert_eq!(count("name_prefix=PAY&scope=even").await, 0);
    assert_eq!(count("prefix=c1&status=enabled&scope=odd").await, 5);
    assert_eq!(count("search=MENTS").await, 1);
    assert_eq!(count("search=ments&scope=even").await, 0);
    assert_eq!(count("search=EVE").await, 12);
    let too_long = format!("/clients?search={}", "x".repeat(1_001));
    let refused = robot.get(&too_long).await;
    refused.assert_error(400, "invalid_request");
    for wrong in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "status=on",
        "scope=a%20b",
        "search=%00",
        "prefix=%00",
        "after=a%20b",
    ] {
        let answer = robot.get(&format!("/clients?{wrong}")).await;
        answer.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn the_list_comes_in_the_order_that_is_asked_for_page_by_page() {
    let test = TestApp::new().await;
    for name in ["c", "a", "b"] {
        register(&test, name, "read").await;
        test.clock.advance(60);
    }
    let robot = Robot::new(&test).await;
    for (order, expected) in [
        ("newest", ["robot", "b", "a", "c"]),
        ("oldest", ["c", "a", "b", "robot"]),
        ("client_id", ["a", "b", "c", "robot"]),
    ] {
        let (mut ids, mut after) = (Vec::new(), String::new());
        loop {
            let page = robot
                .get(&format!("/clients?order={order}&limit=3{after}"))
                .await
                .json();
            let clients = page["clients"].as_array().unwrap();
            ids.extend(clients.iter().map(|it| it["client_id"].clone()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={}", next.replace(':', "%3A")),
                None => break,
            }
        }
        assert_eq!(ids, expected, "{order}");
    }
    for wrong in [
        "order=name",
        "order=newest&after=a",
        "order=newest&prefix=a",
        "order=newest&name_prefix=a",
        "order=newest&search=a",
    ] {
        let answer = robot.get(&format!("/clients?{wrong}")).await;
        answer.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_client_is_released_from_the_file_that_keeps_it() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let file = "version: 1\nname: team\nclients:\n  - client_id: kept\n";
    test.apply(file).await.unwrap();
    assert_eq!(
        robot.get("/clients/kept").await.json()["managed_by"],
        "team"
    );

    let released = robot.post("/clients/kept/release", &json!({})).await;

    assert_eq!(released.json()["managed_by"], Value::Null);
    let shown = robot.get("/clients/kept").await;
    assert_eq!(shown.header("etag"), released.header("etag"));
    let nobody = robot.post("/clients/nobody/release", &json!({})).await;
    nobody.assert_error(404, "not_found");
    let own = robot.post("/clients/robot/release", &json!({})).await;
    own.assert_error(403, "access_denied");
}

#[tokio::test]
async fn a_chosen_secret_has_as_many_characters_as_min_secret_length_says() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = Robot::new(&test).await;
    let fifteen = "\u{fc}".repeat(15);
    for path in ["/clients", "/clients/billing/secrets"] {
        for short in ["x", "15 characters..", &fifteen] {
            let answer = robot.post(path, &json!({"client_secret": short})).await;
            answer.assert_error(400, "invalid_request");
            assert!(
                answer.text().contains("MIN_SECRET_LENGTH (16)"),
                "{path}: {}",
                answer.text()
            );
        }
        let sixteen = json!({"client_secret": format!("{fifteen}b")});
        let answer = robot.post(path, &sixteen).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
    }
}
