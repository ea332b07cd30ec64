//! Trusted issuers as a resource: added, shown, changed, disabled and removed, on every front and every replica.

mod presets;

use serde_json::{Value, json};
use token_server::app::{AuditFilter, NewClient};
use token_server::domain::{ClientChanges, ClientId, ExpectedVersion, IssuerName, IssuerStatus};

use super::{
    ACCOUNT, CLUSTER, Scene, WORKLOAD, add, assert_refused, cluster_claims, key_set, new_client,
    present, register, spec,
};
use crate::harness::{BY, Ran, Shell, Signer, TestApp, id};

fn name(text: &str) -> IssuerName {
    IssuerName::parse(text).unwrap()
}

/// What adding an issuer fails with.
async fn refused(test: &TestApp, document: &Value) -> String {
    let added = test.app.issuers.add(BY, spec(document)).await;
    added.unwrap_err().description.into_owned()
}

async fn create(test: &TestApp, client_id: &str) -> Result<(), String> {
    let new = NewClient {
        client_id: Some(id(client_id)),
        ..NewClient::default()
    };
    let made = test.app.clients.register(BY, new, None).await;
    made.map(drop)
        .map_err(|error| error.description.into_owned())
}

#[tokio::test]
async fn this_server_is_no_trusted_issuer() {
    let test = TestApp::new().await;
    for url in [
        "https://tokens.test",
        "https://tokens.test/",
        "https://TOKENS.test",
        "https://tokens.test:443/",
    ] {
        let told = refused(&test, &json!({"name": "own", "issuer": url})).await;
        assert!(told.contains("is this server"), "{told}");
    }
    // Written second: ISSUER became what an issuer is called.
    let (test, signer) = (TestApp::new().await, Signer::new("RS256"));
    let document = json!({"name": "k8s", "issuer": CLUSTER, "jwks": key_set(&signer), "replay": "allow", "audiences": ["x"]});
    add(&test.app, &document).await;
    register(
        &test,
        WORKLOAD,
        &json!([{"issuer": "k8s", "subject": ACCOUNT}]),
    )
    .await;
    let mut claims = cluster_claims();
    claims["aud"] = "x".into();
    let token = signer.sign(json!({"kid": "k"}), &claims);
    assert_eq!(present(&test, &token, None).await.status, 200);
    let renamed = TestApp::on(test.database.clone(), &[("ISSUER", CLUSTER)]).await;
    for client_id in [None, Some(WORKLOAD)] {
        assert_refused(&present(&renamed, &token, client_id).await, "ISSUER");
    }
    let check = renamed.app.issuers.check(&name("k8s")).await.unwrap();
    assert!(check.error.unwrap().contains("is this server"));
}

#[tokio::test]
async fn no_client_is_called_like_an_issuer_whichever_comes_second() {
    let test = TestApp::new().await;
    create(&test, "https://first.test").await.unwrap();
    create(&test, "spiffe://first.test/a").await.unwrap();
    for document in [
        json!({"name": "a", "issuer": "https://first.test"}),
        json!({"name": "a", "trust_domain": "first.test", "bundle_file": "/b"}),
    ] {
        let told = refused(&test, &document).await;
        assert!(told.contains("a client is called"), "{told}");
    }
    add(
        &test.app,
        &json!({"name": "b", "issuer": "https://second.test"}),
    )
    .await;
    add(
        &test.app,
        &json!({"name": "c", "trust_domain": "second.test", "bundle_file": "/b"}),
    )
    .await;
    for taken in [
        "https://second.test",
        "spiffe://second.test",
        "spiffe://second.test/a/b",
    ] {
        let told = create(&test, taken).await.unwrap_err();
        assert!(told.contains("a client cannot be called"), "{told}");
        assert!(test.app.clients.find(&id(taken)).await.is_err(), "{taken}");
    }
    for free in [
        "https://second.test/",
        "spiffe://second.testing/a",
        "second.test",
    ] {
        create(&test, free).await.unwrap();
    }
}

#[tokio::test]
async fn an_identity_needs_its_issuer_and_the_issuer_stays_while_it_has_one() {
    let scene = Scene::new().await;
    let clients = &scene.test.app.clients;
    for (identities, told) in [
        (
            json!([{"issuer": "nowhere", "subject": "a"}]),
            "no trusted issuer is called `nowhere`",
        ),
        (
            json!([{"issuer": "k8s", "subject": "spiffe://a/*"}]),
            "not a trust domain",
        ),
    ] {
        let new = new_client("other", &identities, "");
        let refused = clients.register(BY, new, None).await.unwrap_err();
        assert!(refused.description.contains(told), "{refused}");
    }
    let told = scene
        .test
        .app
        .issuers
        .remove(BY, &name("k8s"))
        .await
        .unwrap_err();
    assert!(
        told.description.contains("1 client(s) have an identity"),
        "{told}"
    );

    let mut changes = ClientChanges::default();
    changes.authentication.identities = Some(token_server::domain::Identities::default());
    let workload: ClientId = id(WORKLOAD);
    clients
        .update(BY, &workload, &ExpectedVersion::Any, changes)
        .await
        .unwrap();
    assert_refused(
        &scene.log_in(&scene.sign(&cluster_claims())).await,
        "no identity",
    );
    scene
        .test
        .app
        .issuers
        .remove(BY, &name("k8s"))
        .await
        .unwrap();
    assert!(scene.test.app.issuers.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn other_replicas_hear_of_every_change_of_an_issuer() {
    let scene = Scene::new().await;
    let other = scene.test.replica().await;
    let token = scene.sign(&cluster_claims());
    let status = async || {
        other.read_changes().await;
        present(&other, &token, Some(WORKLOAD)).await.status
    };
    assert_eq!(status().await, 200);
    let issuers = &scene.test.app.issuers;
    let narrow = spec(&json!({"max_lifetime": 60}));
    issuers.update(BY, &name("k8s"), narrow).await.unwrap();
    assert_eq!(status().await, 401);
    let wide = spec(&json!({"max_lifetime": 3600}));
    issuers.update(BY, &name("k8s"), wide).await.unwrap();
    assert_eq!(status().await, 200);
    let replaced = spec(&json!({"jwks": key_set(&Signer::new("RS256"))}));
    issuers.update(BY, &name("k8s"), replaced).await.unwrap();
    assert_eq!(status().await, 401);
}

#[tokio::test]
async fn disabling_an_issuer_can_revoke_the_tokens_of_its_clients() {
    let scene = Scene::new().await;
    register(
        &scene.test,
        "second",
        &json!([{"issuer": "k8s", "subject": "system:serviceaccount:a:b"}]),
    )
    .await;
    let answer = scene.log_in(&scene.sign(&cluster_claims())).await;
    let token = answer.access_token();
    assert_eq!(scene.test.verify(&token).await.status, 200);
    let issuers = &scene.test.app.issuers;
    let disabled = IssuerStatus::Disabled;
    issuers
        .set_status(BY, &name("k8s"), disabled)
        .await
        .unwrap();
    assert_eq!(scene.test.verify(&token).await.status, 200);
    let revoked = issuers.disable_and_revoke(BY, &name("k8s")).await.unwrap();
    assert_eq!(revoked.revoked_clients, 2);
    assert_eq!(scene.test.verify(&token).await.status, 401);
    // The database says so too, to a replica that starts now.
    let other = scene.test.replica().await;
    assert_eq!(other.verify(&token).await.status, 401);
}

#[tokio::test]
async fn an_issuer_is_disabled_and_its_clients_tokens_are_revoked_together_or_not_at_all() {
    let scene = Scene::new().await;
    register(
        &scene.test,
        "second",
        &json!([{"issuer": "k8s", "subject": "system:serviceaccount:a:b"}]),
    )
    .await;
    let answer = scene.log_in(&scene.sign(&cluster_claims())).await;
    let token = answer.access_token();
    let issuers = &scene.test.app.issuers;
    let status = async || issuers.find(&name("k8s")).await.unwrap().issuer.status;
    scene
        .test
        .database
        .execute("alter table revocations rename to revocations_away")
        .await;
    assert!(issuers.disable_and_revoke(BY, &name("k8s")).await.is_err());
    assert_eq!(status().await, IssuerStatus::Enabled);
    assert_eq!(scene.test.verify(&token).await.status, 200);
    scene
        .test
        .database
        .execute("alter table revocations_away rename to revocations")
        .await;

    let revoked = issuers.disable_and_revoke(BY, &name("k8s")).await.unwrap();
    assert_eq!(revoked.revoked_clients, 2);
    assert_eq!(status().await, IssuerStatus::Disabled);
    assert_eq!(scene.test.verify(&token).await.status, 401);
    // It is done again to be sure of it.
    let again = issuers.disable_and_revoke(BY, &name("k8s")).await.unwrap();
    assert_eq!(again.revoked_clients, 2);
}

#[tokio::test]
async fn the_command_line_writes_issuers() {
    let shell = Shell::migrated().await;
    std::fs::write(
        shell.path().join("keys.json"),
        Signer::new("ES256").jwks("one"),
    )
    .unwrap();
    let run = |arguments: &[&str]| shell.run(&[&["issuer"], arguments].concat());
    let added = run(&[
        "add",
        "k8s",
        "--issuer",
        CLUSTER,
        "--jwks",
        "keys.json",
        "--replay",
        "allow",
        "--json",
    ]);
    assert_eq!(added.code, 0, "{added:?}");
    assert_eq!(added.json()["max_lifetime"], 3_600);
    assert_eq!(run(&["add", "k8s", "--issuer", CLUSTER]).code, 4);
    let updated = run(&[
        "update",
        "k8s",
        "--max-lifetime",
        "2h",
        "--algorithm",
        "ES256",
        "--json",
    ]);
    assert_eq!(updated.json()["max_lifetime"], 7_200);
    assert_eq!(updated.json()["algorithms"], json!(["ES256"]));
    let checked = run(&["check", "k8s"]);
    assert!(
        checked.code == 0 && checked.out.contains("EC P-256 one"),
        "{checked:?}"
    );
    let client = shell.run(&[
        "client",
        "create",
        WORKLOAD,
        "--identity",
        r#"{"issuer":"k8s","subject":"a"}"#,
        "--json",
    ]);
    assert_eq!(client.code, 0, "{client:?}");
    assert_eq!(client.json().get("client_secret"), None);
    let shown = run(&["show", "k8s", "--json"]).json();
    assert_eq!(shown["clients"], 1);
    assert!(run(&["list"]).out.contains(CLUSTER));
    assert_eq!(run(&["remove", "k8s", "--yes"]).code, 4);
    let disabled = run(&["disable", "k8s", "--revoke-tokens", "--yes"]);
    assert!(disabled.out.contains("1 client(s)"), "{disabled:?}");
    assert_eq!(run(&["show", "k8s", "--json"]).json()["status"], "disabled");
    assert_eq!(run(&["enable", "k8s"]).code, 0);
    assert_eq!(run(&["show", "other"]).code, 3);
    let nothing = run(&["add", "broken", "--issuer", "https://127.0.0.1:1"]);
    assert_eq!(nothing.code, 0, "{nothing:?}");
    let checked = run(&["check", "broken"]);
    assert!(
        checked.code == 1 && checked.out.contains("no public address"),
        "{checked:?}"
    );
    assert_eq!(run(&["remove", "broken", "--yes"]).code, 0);
}

/// What `docs/standards.md` lists as deviations from the update of RFC 7523, and this server as an issuer of its own.
#[tokio::test]
async fn the_check_of_a_configuration_lists_what_is_accepted_beside_the_standards() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let run = |arguments: &[&str]| {
        let ran = shell.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.out
    };
    let about = |out: &str| -> Vec<String> {
        let lines = out.lines().filter(|line| !line.starts_with("ok "));
        lines.map(str::to_owned).collect()
    };
    let issuer = "https://k8s.test";
    run(&["issuer", "add", "k8s", "--issuer", issuer]);
    run(&["client", "create", "billing"]);
    assert_eq!(about(&run(&["check"])), Vec::<String>::new());

    let identity = ["client", "identity", "add", "billing", "--issuer", "k8s"];
    run(&[&identity[..], &["--subject", "a"]].concat());
    run(&[
        "issuer",
        "update",
        "k8s",
        "--audience",
        "https://other.test",
    ]);
    run(&[
        "client",
        "update",
        "billing",
        "--token-endpoint-as-audience",
    ]);
    let told = about(&run(&["check"]));
    let beginnings = [
        "warn  issuers: `k8s` accepts tokens for https://other.test in place of ISSUER",
        "note  issuers: 1 client(s) may log in through `k8s` with tokens whose sub is no client ID",
        "warn  clients: 1 may log in with assertions for the token endpoint",
    ];
    assert_eq!(told.len(), beginnings.len(), "{told:?}");
    for (told, beginning) in told.iter().zip(beginnings) {
        assert!(told.starts_with(beginning), "{told}");
    }

    let renamed = shell.command(&["check"]).env("ISSUER", issuer).output();
    let renamed = Ran::from(renamed.unwrap());
    assert_eq!(renamed.code, 1);
    let told = "FAIL  issuers: `k8s` is this server itself (ISSUER)";
    assert!(renamed.out.contains(told), "{}", renamed.out);
}

#[tokio::test]
async fn the_audit_trail_tells_what_was_done_to_issuers() {
    let test = TestApp::new().await;
    add(&test.app, &json!({"name": "a", "issuer": "https://a.test"})).await;
    let issuers = &test.app.issuers;
    let change = spec(&json!({"replay": "allow"}));
    issuers.update(BY, &name("a"), change).await.unwrap();
    for status in [
        token_server::domain::IssuerStatus::Disabled,
        token_server::domain::IssuerStatus::Enabled,
    ] {
        issuers.set_status(BY, &name("a"), status).await.unwrap();
    }
    issuers.remove(BY, &name("a")).await.unwrap();
    let filter = AuditFilter {
        action: Some("issuer.".to_owned()),
        ..AuditFilter::default()
    };
    let events = crate::harness::trail::find(&test, &filter).await;
    let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    let mut expected = [
        "issuer.add",
        "issuer.update",
        "issuer.disable",
        "issuer.enable",
        "issuer.remove",
    ];
    let mut actions_sorted = actions.clone();
    actions_sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(actions_sorted, expected);
    assert!(events.iter().all(|event| event.target == "a"));
}
