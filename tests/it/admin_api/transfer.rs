//! `/transfer`: clients to and from files, for programs.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{ROBOT, Robot, register, token};
use crate::harness::{Answer, TestApp, id};

const HYDRA: &str = include_str!("../../import/hydra.json");

async fn send(test: &TestApp, token: &str, path: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post(format!("/admin/api/v1/transfer/{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/octet-stream");
    test.call(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn an_export_needs_its_own_scope_which_no_program_can_give() {
    let test = TestApp::new().await;
    let secret = register(&test, "exporter", "admin:export").await;
    let robot = Robot::new(&test).await;

    let refused = robot.get("/transfer/export").await;
    refused.assert_error(403, "insufficient_scope");
    let granted = robot
        .post("/clients", &json!({"scopes": "admin:export"}))
        .await;
    granted.assert_error(403, "access_denied");

    let exporter = Robot {
        test: &test,
        token: token(&test, "exporter", &secret, "").await,
    };
    let answer = exporter.get("/transfer/export").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let lines: Vec<Value> = answer
        .text()
        .lines()
        .map(|line| token_server::base::json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["format"], "token-server/clients");
    assert_eq!(lines[1]["client_id"], "exporter");
    assert!(
        lines[1]["secrets"][0]["secret_hash"]
            .as_str()
            .unwrap()
            .starts_with("$argon2id$")
    );
    assert_eq!(lines.last().unwrap(), &json!({"end": true, "clients": 2}));

    let other = TestApp::new().await;
    let secret = register(&other, "importer", "admin:write").await;
    let token = token(&other, "importer", &secret, "").await;
    let imported = send(
        &other,
        &token,
        "import?keep_going=true",
        answer.text().to_owned(),
    )
    .await;
    // Both have scopes that a program cannot give.
    assert_eq!(
        (imported.status, imported.json()["bad"].as_u64()),
        (200, Some(2))
    );
}

#[tokio::test]
async fn an_import_answers_what_came_of_each_row() {
    let test = TestApp::new().await;
    let Robot { token, .. } = Robot::new(&test).await;

    let looked = send(&test, &token, "import?dry_run=true&keep_going=true", HYDRA).await;
    assert_eq!(looked.status, 200, "{}", looked.text());
    let looked = looked.json();
    assert_eq!(looked["imported"], 3);
    assert_eq!(looked["clients"][3]["outcome"], "skipped");
    assert_eq!(looked["clients"][5]["outcome"], "bad");
    assert!(test.app.clients.find(&id("signer")).await.is_err());

    let refused = send(&test, &token, "import", HYDRA).await;
    refused.assert_error(400, "invalid_request");
    assert_eq!(refused.json()["report"]["clients"][0]["line"], 61);
    assert!(test.app.clients.find(&id("signer")).await.is_err());

    let done = send(&test, &token, "import?keep_going=true&format=hydra", HYDRA).await;
    assert_eq!((done.status, &done.json()["imported"]), (200, &json!(3)));
    let again = send(
        &test,
        &token,
        "import?keep_going=true&on_conflict=refuse",
        HYDRA,
    )
    .await;
    assert_eq!(again.json()["bad"], 4);
    test.find_client(&id("signer")).await;
}

/// What a script asks for whose variable is not set.
#[tokio::test]
async fn an_option_without_a_value_imports_and_applies_nothing() {
    let test = TestApp::new().await;
    let Robot { token, .. } = Robot::new(&test).await;
    let file = "version: 1\nname: team\nclients:\n  - client_id: signer\n";

    for (path, body) in [
        ("import?keep_going=true&dry_run=", HYDRA),
        ("import?keep_going=true&dry_run", HYDRA),
        ("apply?dry_run=", file),
    ] {
        let answer = send(&test, &token, path, body).await;
        answer.assert_error(400, "invalid_request");
        assert!(answer.text().contains("`dry_run`"), "{}", answer.text());
        assert!(test.app.clients.find(&id("signer")).await.is_err());
    }
    let applied = send(&test, &token, "apply", file).await;
    assert_eq!(applied.status, 200, "{}", applied.text());
}

#[tokio::test]
async fn a_file_is_applied_and_what_is_made_is_answered_once() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let token = &robot.token;
    let file = "version: 1\nclients:\n  - client_id: made\n    secrets: make\n";

    let nameless = send(&test, token, "apply", file).await;
    nameless.assert_error(400, "invalid_request");
    let looked = send(&test, token, "apply?name=team&dry_run=true", file).await;
    assert_eq!(looked.json()["clients"][0]["makes_secret"], true);
    assert_eq!(looked.json()["secrets"], json!([]));
    let done = send(&test, token, "apply?name=team", file).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let secret = done.json()["secrets"][0]["client_secret"].clone();
    assert_eq!(
        test.authorize("made", secret.as_str().unwrap())
            .await
            .status,
        200
    );

    let shown = robot.get("/clients/made").await.json();
    assert_eq!(shown["managed_by"], "team");
    let again = send(&test, token, "apply?name=team", file).await.json();
    assert_eq!(
        (&again["clients"][0]["step"], &again["secrets"]),
        (&json!("unchanged"), &json!([]))
    );
    let empty = r#"{"version":1,"name":"team","clients":[]}"#;
    let pruned = send(&test, token, "apply?prune=delete", empty).await.json();
    assert_eq!(pruned["clients"][0]["step"], "delete");
}

#[tokio::test]
async fn what_is_wrong_is_answered_in_the_documented_shape() {
    let settings = [("MAX_IMPORT", "64KiB"), ("MAX_BODY", "1KiB")];
    let test = TestApp::with(&settings).await;
    let Robot { token, .. } = Robot::new(&test).await;

    for (path, body) in [
        ("import", "not a file"),
        ("import", ""),
        ("import", "[{"),
        ("import?format=csv", "client_id,client_secret\n"),
        ("import?dry_run=yes", "client_id,client_secret\n"),
        ("import?on_conflict=merge", "client_id,client_secret\n"),
        ("import?unknown=1", "client_id,client_secret\n"),
        ("apply?name=a", "- a"),
        (
            "apply?name=a",
            "version: 1\nclients:\n  - client_id: a\n    client_secret: hunter2\n",
        ),
        ("apply?name=a&prune=all", "version: 1\nclients: []\n"),
        ("apply?name=%0a", "version: 1\nclients: []\n"),
    ] {
        let answer = send(&test, &token, path, body).await;
        answer.assert_error(400, "invalid_request");
        assert!(!answer.text().contains("hunter2"));
    }
    // Larger than other bodies may be, and then too large for this one.
    let rows = |count| {
        format!(
            "client_id,client_secret,name\na,the old secret of a,{}\n",
            "x".repeat(count)
        )
    };
    let large = send(&test, &token, "import", rows(10_000)).await;
    assert!(
        large.json()["report"]["clients"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("name")
    );
    let larger = send(&test, &token, "import", rows(70_000)).await;
    larger.assert_error(413, "content_too_large");
    let mut many = "client_id,client_secret\n".to_owned();
    for n in 0..1_001 {
        many += &format!("c{n},the old secret {n}\n");
    }
    let many = send(&test, &token, "import", many).await;
    many.assert_error(400, "invalid_request");
    assert!(many.text().contains("client import"));
    assert!(test.app.clients.find(&id("c0")).await.is_err());
    test.find_client(&id(ROBOT)).await;
}

#[tokio::test]
async fn no_format_of_a_file_brings_a_reserved_scope_and_a_dry_run_says_so() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    let hash = "a secret of my own";
    let csv = format!("client_id,client_secret,scopes\nnew,{hash},\"read   admin:write\"\n");
    let hydra = json!([{
        "client_id": "new", "client_secret": hash, "grant_types": ["client_credentials"],
        "scope": "openid token:introspect", "token_endpoint_auth_method": "client_secret_post",
    }]);
    let keycloak = json!([{
        "clientId": "new", "secret": hash, "serviceAccountsEnabled": true, "protocol": "openid-connect",
        "defaultClientScopes": ["profile", "revocations:read"],
    }]);
    let other = TestApp::new().await;
    register(&other, "new", "admin:x").await;
    let exported = other.export().await;

    for file in [csv, hydra.to_string(), keycloak.to_string(), exported] {
        let import = async |query: &str| {
            let request =
                axum::http::Request::post(format!("/admin/api/v1/transfer/import?{query}"))
                    .header("authorization", format!("Bearer {}", robot.token));
            test.call(request.body(file.clone().into()).unwrap()).await
        };
        let looked = import("dry_run=true").await;
        assert_eq!((looked.status, &looked.json()["bad"]), (200, &json!(1)));
        let told = looked.json()["clients"][0]["reason"].to_string();
        assert!(told.contains("is reserved"), "{file}: {told}");

        let refused = import("").await;
        refused.assert_error(403, "access_denied");
        assert_eq!(
            refused.json()["report"]["clients"],
            looked.json()["clients"]
        );
        // A mistake does not hinder the other rows; this one is none of them either way.
        let kept_going = import("keep_going=true").await;
        assert_eq!(kept_going.json()["imported"], 0);
        assert!(!test.app.store().has_client(&id("new")).await.unwrap());
    }
}

#[tokio::test]
async fn a_refused_file_applies_nothing_in_a_dry_run_either() {
    let test = TestApp::new().await;
    let robot = Robot::new(&test).await;
    super::rights::chief(&test, "chief", "admin:write").await;
    let taken = json!({"version": 1, "name": "team", "clients": [
        {"client_id": "a", "scopes": "read"}, {"client_id": "b", "scopes": "admin:read"},
    ]});
    let pruned = json!({"version": 1, "name": "kept", "clients": []});

    for (query, file) in [("", &taken), ("&prune=delete", &pruned)] {
        for dry_run in ["true", "false"] {
            let path = format!("/transfer/apply?dry_run={dry_run}{query}");
            let answer = robot.post(&path, file).await;
            answer.assert_error(403, "access_denied");
        }
    }
    assert!(!test.app.store().has_client(&id("a")).await.unwrap());
    test.find_client(&id("chief")).await;
}

#[tokio::test]
async fn secrets_with_the_length_of_a_digest_are_plain_ones_when_the_caller_says_so() {
    let test = TestApp::new().await;
    let Robot { token, .. } = Robot::new(&test).await;
    let digest = "9e7cf5d23a0123baffae99f47a6f30a0";
    let file = format!("client_id,client_secret\na,{digest}\n");

    let refused = send(&test, &token, "import", file.clone()).await;
    refused.assert_error(400, "invalid_request");
    let row = &refused.json()["report"]["clients"][0];
    assert_eq!((&row["line"], &row["client_id"]), (&json!(2), &json!("a")));
    assert!(row["reason"].as_str().unwrap().contains("secrets=plain"));
    assert!(!refused.text().contains(digest));
    for other in ["generated", "hashes", ""] {
        let path = format!("import?secrets={other}");
        let unknown = send(&test, &token, &path, file.clone()).await;
        unknown.assert_error(400, "invalid_request");
    }
    assert!(test.app.clients.find(&id("a")).await.is_err());

    let taken = send(&test, &token, "import?secrets=plain", file).await;
    assert_eq!(taken.json()["imported"], 1, "{}", taken.text());
    assert_eq!(test.authorize("a", digest).await.status, 200);

    let file = format!("client_id,client_secret\nb,{digest}\n");
    let taken = send(&test, &token, "import?secrets=plain,generated", file).await;
    assert_eq!(taken.json()["imported"], 1, "{}", taken.text());
    let record = test.find_client(&id("b")).await;
    assert!(record.secrets[0].vouched);
    assert_eq!(test.authorize("b", digest).await.status, 200);
}

#[tokio::test]
async fn what_is_wider_here_is_taken_away_when_the_caller_says_so() {
    let test = TestApp::new().await;
    let Robot { token, .. } = Robot::new(&test).await;
    let path = "import?keep_going=true&explicit_scopes_only=true&drop_metadata=true&token_ttl=300";
    let done = send(&test, &token, path, HYDRA).await;
    assert_eq!(done.json()["imported"], 3, "{}", done.text());
    for line in done.json()["clients"].as_array().unwrap() {
        let Some(here) = line.get("here") else {
            continue;
        };
        let has_scopes = here["scopes"] != "";
        assert_eq!(here["explicit_scopes_only"], has_scopes, "{line}");
        assert_eq!(here["metadata"], json!({}), "{line}");
    }
}
