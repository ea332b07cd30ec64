//! The pages about trusted issuers.

use serde_json::json;

use super::{Browser, portal};
use crate::identity::{add, register};

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
