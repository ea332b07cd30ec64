//! The pages about trusted issuers.

mod identities;

use serde_json::{Value, json};
use token_server::app::ListedIssuer;
use token_server::domain::{ClientId, Generation, IssuerName};

use super::{Browser, portal};
use crate::harness::workload::{add, register};
use crate::harness::{Answer, TestApp, id};

#[tokio::test]
async fn everybody_at_the_portal_reads_the_issuers_and_whose_identities_are_there() {
    let test = portal().await;
    let mut vera = Browser::of(&test, "vera").await;
    let none = vera.get("/admin/issuers").await;
    assert!(
        none.text().contains("No trusted issuers"),
        "{}",
        none.text()
    );

    let k8s = json!({"name": "k8s", "issuer": "https://k8s.test", "replay": "allow", "status": "disabled"});
    add(&test.app, &k8s).await;
    add(
        &test.app,
        &json!({"name": "ci", "issuer": "https://ci.test"}),
    )
    .await;
    let subject = "system:serviceaccount:prod:billing";
    register(
        &test,
        "workload",
        &json!([{"issuer": "k8s", "subject": subject}]),
    )
    .await;
    let list = vera.get("/admin/issuers").await;
    for told in [
        "https://k8s.test",
        "/admin/issuers/ci",
        "disabled",
        "enabled",
        "not fetched yet",
    ] {
        assert!(list.text().contains(told), "{told}: {}", list.text());
    }

    let page = vera.get("/admin/issuers/k8s").await;
    assert_eq!(page.status, 200);
    for told in [
        subject,
        "/admin/clients/workload",
        "never",
        "3600 s",
        "allow",
    ] {
        assert!(page.text().contains(told), "{told}: {}", page.text());
    }
    let empty = vera.get("/admin/issuers/ci").await;
    assert!(empty.text().contains("No client has an identity"));
    assert_eq!(vera.get("/admin/issuers/nobody").await.status, 404);
    let client = vera.get("/admin/clients/workload").await;
    assert!(client.text().contains("never used"), "{}", client.text());
}

const SUBJECT: &str = "system:serviceaccount:prod:billing";

/// A cluster at which `workload` has an identity.
async fn add_cluster(test: &TestApp) {
    let k8s = json!({"name": "k8s", "issuer": "https://k8s.test", "replay": "allow"});
    add(&test.app, &k8s).await;
    register(
        test,
        "workload",
        &json!([{"issuer": "k8s", "subject": SUBJECT}]),
    )
    .await;
}

async fn find(test: &TestApp, name: &str) -> Option<ListedIssuer> {
    let name = IssuerName::parse(name).unwrap();
    test.app.issuers.find(&name).await.ok()
}

fn assert_leads_to(answer: &Answer, path: &str) {
    assert_eq!(answer.status, 303, "{path}: {}", answer.text());
    assert_eq!(answer.header("location"), path);
}

/// The value of a hidden field.
fn hidden(page: &Answer, name: &str) -> String {
    let (_, rest) = page
        .text()
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_owner_adds_an_issuer_and_changes_it() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    assert!(
        olga.get("/admin/issuers")
            .await
            .text()
            .contains("/admin/new-issuer")
    );
    let fields = [
        ("name", "ci"),
        ("issuer", "https://ci.test"),
        ("jwks_uri", "https://keys.ci.test/jwks"),
        ("allowed_hosts", "a.test b.test:8443"),
        ("private_addresses", "yes"),
        ("ca_file", "/etc/ca.pem"),
        ("bearer_token_file", "/etc/token"),
        ("algorithms", "ES256 RS256"),
        ("audiences", "https://tokens.test api"),
        ("max_lifetime", "10m"),
        ("replay", "allow"),
    ];
    let added = olga.post("/admin/new-issuer", &fields).await;
    assert_leads_to(&added, "/admin/issuers/ci?done=created");
    let page = olga.get("/admin/issuers/ci?done=created").await;
    assert!(page.text().contains("Trusted issuer added."));
    let mut shown = serde_json::to_value(&find(&test, "ci").await.unwrap().issuer).unwrap();
    for name in ["created_at", "updated_at"] {
        shown.as_object_mut().unwrap().remove(name);
    }
    let expected = json!({
        "name": "ci", "status": "enabled", "issuer": "https://ci.test", "jwks_uri": "https://keys.ci.test/jwks",
        "allowed_hosts": ["a.test", "b.test:8443"], "private_addresses": true, "ca_file": "/etc/ca.pem",
        "bearer_token_file": "/etc/token", "algorithms": ["ES256", "RS256"], "audiences": ["https://tokens.test", "api"],
        "max_lifetime": 600, "replay": "allow",
    });
    assert_eq!(shown, expected);

    // The form has all of it, and what is taken out of it is as for a new issuer.
    let form = olga.get("/admin/issuers/ci/edit").await;
    for told in [
        "https://keys.ci.test/jwks",
        "a.test b.test:8443",
        "ES256 RS256",
        "600s",
        "/etc/token",
    ] {
        assert!(form.text().contains(told), "{told}: {}", form.text());
    }
    let version = hidden(&form, "version");
    let fields = [
        ("version", version.as_str()),
        ("max_lifetime", "1h"),
        ("replay", "once"),
    ];
    let saved = olga.post("/admin/issuers/ci/edit", &fields).await;
    assert_leads_to(&saved, "/admin/issuers/ci?done=saved");
    let issuer = find(&test, "ci").await.unwrap().issuer;
    let plain = json!({"name": "ci", "issuer": "https://ci.test"});
    let plain = crate::harness::workload::spec(&plain)
        .build(issuer.created_at)
        .unwrap();
    assert_eq!(issuer, plain);

    // Over a form of before nothing is written.
    let stale = olga.post("/admin/issuers/ci/edit", &fields).await;
    assert_eq!(stale.status, 422);
    assert!(stale.text().contains("Somebody has changed the issuer"));
}

#[tokio::test]
async fn every_mistake_of_a_form_stands_at_its_field_and_nothing_typed_is_lost() {
    let test = portal().await;
    let mut olga = Browser::of(&test, "olga").await;
    let fields = [
        ("name", "Not A Name"),
        ("issuer", "http://plain.test"),
        ("trust_domain", "acme.test"),
        ("jwks_uri", "ftp://x"),
        ("bundle_file", "relative"),
        ("allowed_hosts", "a.test a/b"),
        ("ca_file", "ca.pem"),
        ("algorithms", "ES256 HS256"),
        ("max_lifetime", "25h"),
        ("replay", "never"),
        ("jwks", "[]"),
    ];
    let refused = olga.post("/admin/new-issuer", &fields).await;
    assert_eq!(refused.status, 422);
    for (name, value) in fields {
        let at_field = refused.text().contains(&format!("id=\"{name}-error\""));
        assert!(at_field, "{name}: {}", refused.text());
        let typed = value == "never" || refused.text().contains(value);
        assert!(typed, "{name} is lost");
    }
    assert_eq!(refused.text().matches(" autofocus").count(), 1);
    assert!(find(&test, "ci").await.is_none());

    let empty = olga.post("/admin/new-issuer", &[]).await;
    assert_eq!(empty.status, 422);
    for field in ["name", "issuer"] {
        assert!(
            empty.text().contains(&format!("id=\"{field}-error\"")),
            "{field}"
        );
    }
    // What no single field is to blame for stands above them.
    let contradiction = [
        ("name", "spire"),
        ("trust_domain", "acme.test"),
        ("jwks_uri", "https://a.test/"),
    ];
    let refused = olga.post("/admin/new-issuer", &contradiction).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("role=\"alert\"") && refused.text().contains("bundle_endpoint")
    );
    for taken in [("taken", "https://a.test"), ("own", "https://tokens.test")] {
        let fields = [("name", taken.0), ("issuer", taken.1)];
        let first = olga.post("/admin/new-issuer", &fields).await;
        let second = olga.post("/admin/new-issuer", &fields).await;
        let is_new = taken.0 == "taken";
        assert_eq!(
            (first.status == 303, second.status),
            (is_new, 422),
            "{taken:?}"
        );
    }
}

#[tokio::test]
async fn an_issuer_is_disabled_after_a_question_that_says_how_many_clients_it_has() {
    let test = portal().await;
    add_cluster(&test).await;
    let mut olga = Browser::of(&test, "olga").await;
    let page = olga.get("/admin/issuers/k8s").await;
    assert!(page.text().contains("/admin/issuers/k8s/disable"));
    let asked = olga.get("/admin/issuers/k8s/disable").await;
    assert!(
        asked.text().contains("1 client(s) have an identity"),
        "{}",
        asked.text()
    );
    assert_eq!(
        find(&test, "k8s").await.unwrap().issuer.status.as_str(),
        "enabled"
    );

    let disabled = olga.post("/admin/issuers/k8s/disable", &[]).await;
    assert_leads_to(&disabled, "/admin/issuers/k8s?done=disabled");
    assert_eq!(
        find(&test, "k8s").await.unwrap().issuer.status.as_str(),
        "disabled"
    );
    let page = olga.get("/admin/issuers/k8s?done=disabled").await;
    assert!(page.text().contains("Issuer disabled: no client"));
    let enabled = olga.post("/admin/issuers/k8s/enable", &[]).await;
    assert_leads_to(&enabled, "/admin/issuers/k8s?done=enabled");
    assert_eq!(
        find(&test, "k8s").await.unwrap().issuer.status.as_str(),
        "enabled"
    );
}

#[tokio::test]
async fn with_the_box_ticked_the_tokens_of_its_clients_are_revoked_and_counted() {
    let test = portal().await;
    add_cluster(&test).await;
    let secret = test.client().await;
    let other = test.token(&secret).await;
    let before = generation(&test).await;
    let mut olga = Browser::of(&test, "olga").await;
    let fields = [("revoke_tokens", "yes")];
    let done = olga.post("/admin/issuers/k8s/disable", &fields).await;
    assert_leads_to(&done, "/admin/issuers/k8s?revoked=1");
    let page = olga.get("/admin/issuers/k8s?revoked=1").await;
    assert!(
        page.text().contains("the tokens of 1 client(s) revoked"),
        "{}",
        page.text()
    );
    assert!(generation(&test).await > before);
    assert_eq!(test.verify(&other).await.status, 200);
    // A link puts no text of its own into the page.
    let page = olga.get("/admin/issuers/k8s?revoked=all%20of%20them").await;
    assert!(!page.text().contains("all of them") && !page.text().contains("revoked."));
}

/// Of the client `workload`.
async fn generation(test: &TestApp) -> Generation {
    let record = test.find_client(&id("workload")).await;
    record.client.generation
}

#[tokio::test]
async fn an_issuer_is_deleted_after_a_question_once_no_client_has_an_identity_there() {
    let test = portal().await;
    add_cluster(&test).await;
    let mut olga = Browser::of(&test, "olga").await;
    let asked = olga.get("/admin/issuers/k8s/delete").await;
    assert!(
        asked.text().contains("Remove these first"),
        "{}",
        asked.text()
    );
    let refused = olga.post("/admin/issuers/k8s/delete", &[]).await;
    assert_eq!(refused.status, 422);
    assert!(find(&test, "k8s").await.is_some());

    let page = olga.get("/admin/clients/workload").await;
    let (_, rest) = page
        .text()
        .split_once("/admin/clients/workload/identities/")
        .unwrap();
    let remove = format!(
        "/admin/clients/workload/identities/{}",
        rest.split('"').next().unwrap()
    );
    let asked = olga.get(&remove).await;
    assert!(
        asked.text().contains(SUBJECT) && asked.text().contains("never used"),
        "{}",
        asked.text()
    );
    let removed = olga.post(&remove, &[]).await;
    assert_leads_to(&removed, "/admin/clients/workload?done=identity-removed");
    assert_eq!(olga.post(&remove, &[]).await.status, 404);

    let deleted = olga.post("/admin/issuers/k8s/delete", &[]).await;
    assert_leads_to(&deleted, "/admin/issuers?done=deleted");
    assert!(find(&test, "k8s").await.is_none());
    let list = olga.get("/admin/issuers?done=deleted").await;
    assert!(list.text().contains("Trusted issuer deleted."));
}

#[tokio::test]
async fn an_owner_checks_the_keys_of_an_issuer() {
    let test = portal().await;
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "first", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
    add(
        &test.app,
        &json!({"name": "good", "issuer": "https://good.test", "jwks": keys}),
    )
    .await;
    add(
        &test.app,
        &json!({"name": "bad", "issuer": "https://127.0.0.1:1"}),
    )
    .await;
    let mut olga = Browser::of(&test, "olga").await;
    let good = olga.post("/admin/issuers/good/check", &[]).await;
    assert_eq!(good.status, 200);
    assert!(
        good.text().contains("1 key(s)") && good.text().contains("first"),
        "{}",
        good.text()
    );
    let bad = olga.post("/admin/issuers/bad/check", &[]).await;
    assert!(
        bad.text().contains("No keys") && bad.text().contains("127.0.0.1"),
        "{}",
        bad.text()
    );
}

/// Whom the identities of a client name.
async fn identities(test: &TestApp, id: &str) -> Value {
    let id = ClientId::parse(id).unwrap();
    let record = test.find_client(&id).await;
    serde_json::to_value(&record.client.authentication.identities).unwrap()
}
