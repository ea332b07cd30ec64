//! A file of `client apply` with trusted issuers: they are written before the clients that have identities at them.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use token_server::app::clients::transfer::apply::{
    ApplyNews, ApplyOptions, ApplyReport, ApplyStep, Manifest,
};
use token_server::app::error::Error;
use token_server::app::{AuditFilter, AuditPage};
use token_server::domain::{Actor, AdminRole, IssuerName, IssuerStatus, Origin};

use super::{
    ACCOUNT, CLUSTER, WORKLOAD, add, cluster_claims, header, key_set, new_client, present,
};
use crate::admin::{Browser, portal};
use crate::harness::{Answer, BY, Shell, Signer, TestApp, id, origin};

const OPTIONS: ApplyOptions = ApplyOptions {
    dry_run: false,
    prune: None,
    take_over: false,
    may_write_issuers: true,
};

const LOOK: ApplyOptions = ApplyOptions {
    dry_run: true,
    ..OPTIONS
};

/// [`WORKLOAD`] with an identity at a cluster `k8s`, which stands in the file too.
fn file(signer: &Signer) -> Value {
    json!({
        "version": 1, "name": "team",
        "issuers": [{"name": "k8s", "issuer": CLUSTER, "jwks": key_set(signer), "replay": "allow"}],
        "clients": [{"client_id": WORKLOAD, "scopes": "read", "identities": [{"issuer": "k8s", "subject": ACCOUNT}]}],
    })
}

async fn apply(
    test: &TestApp,
    by: &Origin,
    file: &Value,
    options: ApplyOptions,
) -> Result<ApplyReport, Error> {
    let manifest = Manifest::parse(file.to_string().as_bytes(), None)?;
    let mut tell = |_: ApplyNews<'_>| Ok(());
    let applied = test.app.clients.apply(by, &manifest, options, &mut tell);
    applied.await
}

fn steps(report: &ApplyReport) -> (Vec<ApplyStep>, Vec<ApplyStep>) {
    let issuers = report.issuers.iter().map(|it| it.step);
    let clients = report.clients.iter().map(|it| it.step);
    (issuers.collect(), clients.collect())
}

async fn issuers(test: &TestApp) -> usize {
    test.app.issuers.list().await.unwrap().len()
}

#[tokio::test]
async fn a_file_with_an_issuer_and_a_client_lets_that_client_log_in() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    let document = file(&signer);
    let create = vec![ApplyStep::Create];
    let looked = apply(&test, BY, &document, LOOK).await.unwrap();
    assert_eq!(steps(&looked), (create.clone(), create.clone()));
    assert_eq!(issuers(&test).await, 0);
    assert!(test.app.clients.find(&id(WORKLOAD)).await.is_err());

    let applied = apply(&test, BY, &document, OPTIONS).await.unwrap();
    assert_eq!(steps(&applied), (create.clone(), create));
    assert!(
        applied
            .summary()
            .starts_with("issuers: 1 created, 0 changed")
    );
    let token = signer.sign(header(), &cluster_claims());
    let answer = present(&test, &token, Some(WORKLOAD)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());

    let again = apply(&test, BY, &document, OPTIONS).await.unwrap();
    assert!(again.is_empty(), "{again:?}");
    let filter = AuditFilter::default();
    let page = AuditPage::Before(None);
    let events = test.app.audit.list(&filter, page, 10).await.unwrap();
    let actions: Vec<_> = events.iter().map(|it| it.event.action.as_str()).collect();
    assert_eq!(actions, ["client.create", "issuer.add"]);
}

#[tokio::test]
async fn a_change_is_shown_member_by_member_and_the_status_stays() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    let mut document = file(&signer);
    apply(&test, BY, &document, OPTIONS).await.unwrap();
    let name = IssuerName::parse("k8s").unwrap();
    let disabled = IssuerStatus::Disabled;
    let issuers = &test.app.issuers;
    issuers.set_status(BY, &name, disabled).await.unwrap();

    document["issuers"][0]["max_lifetime"] = json!(600);
    let looked = apply(&test, BY, &document, LOOK).await.unwrap();
    let applied = apply(&test, BY, &document, OPTIONS).await.unwrap();
    assert_eq!(looked.issuers, applied.issuers);
    assert_eq!(
        json!(applied.issuers),
        json!([{"name": "k8s", "step": "change", "changes": [{"field": "max_lifetime", "before": 3600, "after": 600}]}])
    );
    assert_eq!(applied.clients[0].step, ApplyStep::Unchanged);
    let found = issuers.find(&name).await.unwrap().issuer;
    assert_eq!(
        (found.max_lifetime.seconds(), found.status),
        (600, disabled)
    );

    // A file without it leaves it alone: issuers are nobody's.
    document["issuers"] = json!([]);
    let applied = apply(&test, BY, &document, OPTIONS).await.unwrap();
    assert!(applied.is_empty(), "{applied:?}");
    issuers.find(&name).await.unwrap();
}

#[tokio::test]
async fn with_a_mistake_anywhere_neither_issuers_nor_clients_are_written() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    add(
        &test.app,
        &json!({"name": "there", "issuer": "https://there.test"}),
    )
    .await;
    let taken = new_client("https://taken.test", &json!([]), "read");
    test.app.clients.register(BY, taken, None).await.unwrap();
    let good = json!({"name": "k8s", "issuer": CLUSTER, "jwks": key_set(&signer)});
    let client = |id: &str, issuer: &str| json!({"client_id": id, "identities": [{"issuer": issuer, "subject": "a"}]});
    for (bad, client, told) in [
        (
            json!({"name": "own", "issuer": "https://tokens.test"}),
            client("a", "k8s"),
            "this server",
        ),
        (
            json!({"name": "there", "issuer": "https://other.test"}),
            client("a", "k8s"),
            "already",
        ),
        (good.clone(), client("a", "k8s"), "twice"),
        (
            json!({"issuer": "https://x.test"}),
            client("a", "k8s"),
            "a `name`",
        ),
        (
            json!({"name": "b", "issuer": "https://taken.test"}),
            client("a", "k8s"),
            "a client is called",
        ),
        (
            json!({"name": "b", "issuer": "https://b.test"}),
            client("a", "c"),
            "no trusted issuer is called `c`",
        ),
        (
            json!({"name": "b", "issuer": "https://b.test"}),
            client("https://b.test", "k8s"),
            "signs tokens of",
        ),
        (
            json!({"name": "b", "trust_domain": "b.test", "bundle_endpoint": "https://b.test/"}),
            client("a", "b"),
            "not a SPIFFE ID",
        ),
    ] {
        let file =
            json!({"version": 1, "name": "team", "issuers": [good, bad], "clients": [client]});
        for options in [LOOK, OPTIONS] {
            let refused = apply(&test, BY, &file, options).await.unwrap_err();
            assert!(
                refused.description.contains(told),
                "{told}: {}",
                refused.description
            );
            assert_eq!(issuers(&test).await, 1, "{told}");
        }
    }
}

#[tokio::test]
async fn a_file_gives_nobody_more_than_a_write_does() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    let document = file(&signer);
    let mut reaches = document.clone();
    reaches["issuers"][0] = json!({"name": "k8s", "issuer": CLUSTER, "private_addresses": true});
    let operator = origin(Actor::Admin {
        name: "ann".to_owned(),
        role: Some(AdminRole::Operator),
    });
    let program = origin(Actor::Client(id("robot")));
    for options in [LOOK, OPTIONS] {
        let without = ApplyOptions {
            may_write_issuers: false,
            ..options
        };
        for (by, document, options) in [
            (&operator, &document, options),
            (&program, &document, without),
            (&program, &reaches, options),
        ] {
            let refused = apply(&test, by, document, options).await.unwrap_err();
            assert_eq!(refused.code.as_str(), "access_denied");
            assert_eq!(issuers(&test).await, 0);
            assert!(test.app.clients.find(&id(WORKLOAD)).await.is_err());
        }
    }
    apply(&test, &program, &document, OPTIONS).await.unwrap();

    // What a client with a reserved scope is known by stays in the hands of owners.
    let chief = json!({"version": 1, "name": "chiefs", "clients":
        [{"client_id": "chief", "scopes": "admin:read", "identities": [{"issuer": "k8s", "subject": "chief"}]}]});
    apply(&test, BY, &chief, OPTIONS).await.unwrap();
    let mut other_keys = document;
    other_keys["issuers"][0]["jwks"] = key_set(&Signer::new("ES256"));
    for options in [LOOK, OPTIONS] {
        let refused = apply(&test, &program, &other_keys, options).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code.as_str(), "access_denied");
        assert!(
            refused.description.contains("`chief`"),
            "{}",
            refused.description
        );
    }
}

async fn send(test: &TestApp, token: &str, file: &Value) -> Answer {
    let request = Request::post("/admin/api/v1/transfer/apply")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/octet-stream");
    test.call(request.body(Body::from(file.to_string())).unwrap())
        .await
}

#[tokio::test]
async fn a_program_needs_both_scopes_to_apply_a_file_with_issuers() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    for (name, scopes, status) in [
        ("writer", "admin:write", 403),
        ("trusting", "admin:issuers", 403),
        ("both", "admin:issuers admin:write", 200),
    ] {
        let secret = crate::admin_api::register(&test, name, scopes).await;
        let token = crate::admin_api::token(&test, name, &secret, "").await;
        let answer = send(&test, &token, &file(&signer)).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert_eq!(issuers(&test).await, usize::from(status == 200), "{name}");
        if status == 200 {
            assert_eq!(answer.json()["issuers"][0]["step"], "create");
        }
    }
}

#[tokio::test]
async fn the_portal_shows_what_becomes_of_issuers() {
    let (test, signer) = (portal().await, Signer::new("ES256"));
    let mut browser = Browser::of(&test, "olga").await;
    let manifest = file(&signer).to_string();
    let fields = [("manifest", manifest.as_str()), ("act", "look")];
    let looked = browser.post("/admin/transfer/apply", &fields).await;
    for told in [
        "Trusted issuers of the manifest",
        "<code>k8s</code>",
        "issuers: 1 created",
    ] {
        assert!(looked.text().contains(told), "{told}: {}", looked.text());
    }
    assert_eq!(issuers(&test).await, 0);
    let fields = [("manifest", manifest.as_str()), ("act", "do")];
    browser.post("/admin/transfer/apply", &fields).await;
    assert_eq!(issuers(&test).await, 1);
}

#[tokio::test]
async fn the_command_line_applies_issuers_from_yaml() {
    let shell = Shell::migrated().await;
    let file = "version: 1\nissuers:\n  - name: ci\n    issuer: https://ci.test\n    jwks_uri: https://ci.test/keys\nclients:\n  - client_id: worker\n    identities: [{issuer: ci, subject: job}]\n";
    std::fs::write(shell.path().join("team.yaml"), file).unwrap();
    let looked = shell.run(&["client", "apply", "-f", "team.yaml", "--dry-run"]);
    assert_eq!(looked.code, 0, "{looked:?}");
    assert!(
        looked.out.contains("+ issuer ci (create)") && looked.out.contains("+ worker (create)"),
        "{looked:?}"
    );
    assert_eq!(shell.run(&["issuer", "show", "ci"]).code, 3);
    assert_eq!(shell.run(&["client", "apply", "-f", "team.yaml"]).code, 0);
    let shown = shell.run(&["issuer", "show", "ci", "--json"]).json();
    assert_eq!(
        (&shown["jwks_uri"], &shown["clients"]),
        (&json!("https://ci.test/keys"), &json!(1))
    );

    let changed = file.replace("/keys", "/jwks");
    std::fs::write(shell.path().join("team.yaml"), changed).unwrap();
    let applied = shell
        .run(&["client", "apply", "-f", "team.yaml", "--json"])
        .json();
    assert_eq!(applied["issuers"][0]["step"], "change");
    assert_eq!(
        applied["issuers"][0]["changes"][0]["after"],
        "https://ci.test/jwks"
    );
}
