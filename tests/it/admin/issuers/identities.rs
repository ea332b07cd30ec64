//! The form that gives a client an identity at an issuer.

use serde_json::json;

use super::{add_cluster, assert_leads_to, identities};
use crate::admin::{Browser, portal};
use crate::harness::id;

#[tokio::test]
async fn an_identity_is_added_by_a_form() {
    let test = portal().await;
    add_cluster(&test).await;
    let mut omar = Browser::of(&test, "omar").await;
    let path = "/admin/clients/workload/new-identity";
    let form = omar.get(path).await;
    assert!(form.text().contains(">k8s</option>"), "{}", form.text());
    let fields = [
        ("issuer", "k8s"),
        ("subject", "second"),
        ("claims", "/a~1b/c=1\r\n/d=e=f\r\n"),
    ];
    let added = omar.post(path, &fields).await;
    assert_leads_to(&added, "/admin/clients/workload?done=identity-added");
    let list = identities(&test, "workload").await;
    assert_eq!(
        list[1],
        json!({"issuer": "k8s", "subject": "second", "claims": {"/a~1b/c": "1", "/d": "e=f"}})
    );

    for (fields, at) in [
        (
            [("issuer", "k8s"), ("subject", ""), ("claims", "")],
            "subject-error",
        ),
        (
            [("issuer", "k8s"), ("subject", "a*"), ("claims", "")],
            "subject-error",
        ),
        (
            [("issuer", "k8s"), ("subject", ""), ("claims", "a=b")],
            "claims-error",
        ),
        (
            [("issuer", "k8s"), ("subject", ""), ("claims", "/a")],
            "claims-error",
        ),
        (
            [("issuer", ""), ("subject", "a"), ("claims", "")],
            "issuer-error",
        ),
        (
            [("issuer", "other"), ("subject", "a"), ("claims", "")],
            "role=\"alert\"",
        ),
    ] {
        let refused = omar.post(path, &fields).await;
        assert_eq!(refused.status, 422, "{fields:?}");
        assert!(
            refused.text().contains(at),
            "{fields:?}: {}",
            refused.text()
        );
    }
    assert_eq!(identities(&test, "workload").await, list);
}

#[tokio::test]
async fn only_owners_write_the_identities_of_a_client_with_a_reserved_scope() {
    let test = portal().await;
    add_cluster(&test).await;
    let changes = token_server::domain::ClientChanges {
        scopes: Some(token_server::domain::Scope::parse("admin:read").unwrap()),
        ..Default::default()
    };
    let any = token_server::domain::ExpectedVersion::Any;
    let by = crate::harness::BY;
    test.app
        .clients
        .update(by, &id("workload"), &any, changes)
        .await
        .unwrap();
    let list = identities(&test, "workload").await;
    let fields = [("issuer", "k8s"), ("subject", "mine")];
    let path = "/admin/clients/workload/new-identity";
    let mut olga = Browser::of(&test, "olga").await;
    let page = olga.get("/admin/clients/workload").await;
    let (_, rest) = page
        .text()
        .split_once("/admin/clients/workload/identities/")
        .unwrap();
    let remove = format!(
        "/admin/clients/workload/identities/{}",
        rest.split('"').next().unwrap()
    );

    let mut omar = Browser::of(&test, "omar").await;
    for (path, fields) in [(path, &fields[..]), (remove.as_str(), &[])] {
        let refused = omar.post(path, fields).await;
        assert!(refused.status >= 400, "{path}: {}", refused.status);
        assert!(
            refused.text().contains("reserved scope"),
            "{path}: {}",
            refused.text()
        );
        assert_eq!(identities(&test, "workload").await, list);
    }
    assert_eq!(olga.post(path, &fields).await.status, 303);
    assert_eq!(olga.post(&remove, &[]).await.status, 303);
    assert_eq!(
        identities(&test, "workload").await,
        json!([{"issuer": "k8s", "subject": "mine"}])
    );
}
