//! Who may write trusted issuers and identities (design, section 6).

use serde_json::{Value, json};
use token_server::domain::{Actor, AdminRole, IssuerName, IssuerStatus, Origin};

use super::{CLUSTER, WORKLOAD, add, key_set, new_client, register, spec};
use crate::admin_api;
use crate::harness::{Answer, BY, Signer, TestApp, admin, id, origin};

fn plain(name: &str) -> Value {
    json!({"name": name, "issuer": format!("https://{name}.test")})
}

/// Every write of the issuer `there`, and of a new one; how many were denied.
async fn denied(test: &TestApp, by: &Origin) -> usize {
    let issuers = &test.app.issuers;
    let there = IssuerName::parse("there").unwrap();
    let outcomes = [
        issuers.add(by, spec(&plain("new"))).await.map(drop),
        issuers
            .update(by, &there, spec(&json!({"replay": "allow"})))
            .await
            .map(drop),
        issuers
            .set_status(by, &there, IssuerStatus::Disabled)
            .await
            .map(drop),
        issuers
            .set_status(by, &there, IssuerStatus::Enabled)
            .await
            .map(drop),
        issuers.remove(by, &there).await,
    ];
    let codes = outcomes.iter().filter_map(|it| it.as_ref().err());
    codes
        .filter(|it| it.code.as_str() == "access_denied")
        .count()
}

#[tokio::test]
async fn only_owners_the_command_line_and_programs_with_the_scope_write_issuers() {
    for by in [
        admin(Some(AdminRole::Operator)),
        admin(Some(AdminRole::Viewer)),
        admin(None),
    ] {
        let test = TestApp::new().await;
        add(&test.app, &plain("there")).await;
        assert_eq!(denied(&test, &by).await, 5, "{by:?}");
        assert_eq!(test.app.issuers.list().await.unwrap().len(), 1);
    }
    for by in [
        admin(Some(AdminRole::Owner)),
        origin(Actor::Cli("root".to_owned())),
        origin(Actor::Client(id("robot"))),
    ] {
        let test = TestApp::new().await;
        add(&test.app, &plain("there")).await;
        assert_eq!(denied(&test, &by).await, 0, "{by:?}");
    }
}

/// A program with `admin:issuers`.
struct Program<'a> {
    test: &'a TestApp,
    token: String,
}

impl<'a> Program<'a> {
    async fn new(test: &'a TestApp) -> Self {
        let secret = admin_api::register(test, "program", "admin:issuers").await;
        let token = admin_api::token(test, "program", &secret, "").await;
        Self { test, token }
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str())];
        admin_api::send(self.test, method, path, &headers, Some(body)).await
    }
}

#[tokio::test]
async fn a_program_writes_issuers_but_none_at_which_a_powerful_client_has_an_identity() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    let program = Program::new(&test).await;
    let document = json!({"name": "k8s", "issuer": CLUSTER, "jwks": key_set(&signer)});
    let added = program.send("POST", "/issuers", &document).await;
    assert_eq!(added.status, 201, "{}", added.text());
    register(&test, WORKLOAD, &json!([{"issuer": "k8s", "subject": "a"}])).await;
    let changed = program
        .send("PATCH", "/issuers/k8s", &json!({"replay": "allow"}))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text());

    for scopes in ["admin:read", "token:introspect read"] {
        let name = scopes.replace([':', ' '], "-");
        let new = new_client(&name, &json!([{"issuer": "k8s", "subject": "b"}]), scopes);
        test.app.clients.register(BY, new, None).await.unwrap();
        let before = test.app.issuers.list().await.unwrap();
        for (method, path, body) in [
            (
                "PATCH",
                "/issuers/k8s",
                json!({"jwks": key_set(&Signer::new("ES256"))}),
            ),
            ("PATCH", "/issuers/k8s", json!({"max_lifetime": 60})),
            (
                "POST",
                "/issuers/k8s/disable",
                json!({"revoke_tokens": true}),
            ),
            ("POST", "/issuers/k8s/disable", json!({})),
            ("POST", "/issuers/k8s/enable", json!({})),
            ("DELETE", "/issuers/k8s", json!({})),
        ] {
            let answer = program.send(method, path, &body).await;
            answer.assert_error(403, "access_denied");
            assert!(
                answer.text().contains("an owner at the portal"),
                "{}",
                answer.text()
            );
        }
        let after = test.app.issuers.list().await.unwrap();
        assert_eq!(after[0].issuer, before[0].issuer);
        test.delete_client(&id(&name)).await;
    }
    let disabled = program
        .send(
            "POST",
            "/issuers/k8s/disable",
            &json!({"revoke_tokens": true}),
        )
        .await;
    assert_eq!(disabled.json()["revoked_clients"], 1, "{}", disabled.text());
}

/// It could have any file sent to a host of its own, or reach what only this machine reaches.
#[tokio::test]
async fn a_program_names_no_file_of_the_server_and_no_private_address() {
    let test = TestApp::new().await;
    let program = Program::new(&test).await;
    for members in [
        json!({"private_addresses": true}),
        json!({"ca_file": "/etc/ca.pem"}),
        json!({"bearer_token_file": "/proc/self/environ"}),
    ] {
        let mut document = plain("own");
        for (name, value) in members.as_object().unwrap() {
            document[name] = value.clone();
        }
        let answer = program.send("POST", "/issuers", &document).await;
        answer.assert_error(403, "access_denied");
        add(&test.app, &document).await;
        // What an owner wrote is not turned to another host.
        let moved = json!({"jwks_uri": "https://evil.test/keys"});
        let answer = program.send("PATCH", "/issuers/own", &moved).await;
        answer.assert_error(403, "access_denied");
        let hosts = json!({"allowed_hosts": ["evil.test"]});
        let answer = program.send("PATCH", "/issuers/own", &hosts).await;
        answer.assert_error(403, "access_denied");
        let shorter = program
            .send("PATCH", "/issuers/own", &json!({"max_lifetime": 60}))
            .await;
        assert_eq!(shorter.status, 200, "{}", shorter.text());
        let removed = program.send("DELETE", "/issuers/own", &json!({})).await;
        assert_eq!(removed.status, 204, "{}", removed.text());
    }
    let bundle = json!({"name": "own", "trust_domain": "own.test", "bundle_file": "/etc/passwd"});
    let answer = program.send("POST", "/issuers", &bundle).await;
    answer.assert_error(403, "access_denied");
}

/// A client could be given more rights than its actor has by an identity of that actor's choice.
#[tokio::test]
async fn identities_of_a_client_with_a_reserved_scope_are_written_by_owners() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    let document = json!({"name": "k8s", "issuer": CLUSTER, "jwks": key_set(&signer)});
    add(&test.app, &document).await;
    let mine = json!([{"issuer": "k8s", "subject": "mine"}]);
    let chief = new_client(
        "chief",
        &json!([{"issuer": "k8s", "subject": "chief"}]),
        "admin:write",
    );
    test.app.clients.register(BY, chief, None).await.unwrap();
    let robot = crate::admin_api::Robot::new(&test).await;
    for (method, path, body) in [
        ("PATCH", "/clients/chief", json!({"identities": mine})),
        ("PATCH", "/clients/robot", json!({"identities": mine})),
        (
            "POST",
            "/clients",
            json!({"client_id": "new", "scopes": "admin:read", "identities": mine}),
        ),
        (
            "POST",
            "/transfer/import?on_conflict=replace",
            json!([{"client_id": "chief", "client_secret": "a secret of my own", "identities": mine}]),
        ),
    ] {
        let answer = robot
            .send(method, path, &[("if-match", "*")], Some(&body))
            .await;
        answer.assert_error(403, "access_denied");
    }
    let body = json!({"client_id": "plain", "scopes": "read", "identities": mine});
    let answer = robot.post("/clients", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.json().get("client_secret"), None);
}
