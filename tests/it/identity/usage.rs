//! What is kept of logins with platforms' tokens: of those that succeed the last use of each identity, of those that are
//! refused whose token it was.

use serde_json::{Value, json};
use token_server::domain::{ClientChanges, ClientIdentity, ClientUses, Identities, LastUsed};

use super::{ACCOUNT, Scene, WORKLOAD, cluster_claims, present, register, with};
use crate::admin_api::Robot;
use crate::harness::{NOW, TestApp, id};

/// By claims alone: its tokens have any subject.
fn by_namespace() -> Value {
    json!({"issuer": "k8s", "claims": {"/kubernetes.io/namespace": "prod"}})
}

fn identity(document: &Value) -> ClientIdentity {
    let list = Identities::from_values(std::slice::from_ref(document)).unwrap();
    list.iter().next().unwrap().clone()
}

async fn uses(test: &TestApp, client_id: &str) -> ClientUses {
    test.app.write_usage().await.unwrap();
    let uses = test.app.usage.find_of_client(&id(client_id)).await;
    uses.unwrap()
}

async fn set_identities(test: &TestApp, client_id: &str, documents: &[Value]) {
    let mut changes = ClientChanges::default();
    changes.authentication.identities = Some(Identities::from_values(documents).unwrap());
    test.update_client(&id(client_id), changes).await;
}

#[tokio::test]
async fn a_client_tells_which_identity_was_used_last_and_by_whom() {
    let scene = Scene::new().await;
    let test = &scene.test;
    let account = json!({"issuer": "k8s", "subject": ACCOUNT});
    let unused = json!({"issuer": "k8s", "subject": "system:serviceaccount:prod:other"});
    set_identities(test, WORKLOAD, &[unused.clone(), account.clone()]).await;
    let token = scene.sign(&cluster_claims());
    for _ in 0..3 {
        assert_eq!(scene.log_in(&token).await.status, 200);
    }
    let found = uses(test, WORKLOAD).await;
    let used = found.of_identity(&identity(&account)).unwrap();
    let source = "192.0.2.1".parse().unwrap();
    let at = |used_at| LastUsed { used_at, source };
    assert_eq!((used.subject.as_str(), used.last), (ACCOUNT, at(NOW)));
    assert_eq!(used.issuer.as_str(), "k8s");
    assert_eq!(found.of_identity(&identity(&unused)), None);
    assert_eq!(found.identities.len(), 1);

    test.clock.advance(10);
    assert_eq!(scene.log_in(&token).await.status, 200);
    let found = uses(test, WORKLOAD).await;
    let used = found.of_identity(&identity(&account)).unwrap();
    assert_eq!(used.last, at(NOW.plus(10)));

    let robot = Robot::new(test).await;
    let listed = robot
        .get(&format!("/clients/{WORKLOAD}/usage"))
        .await
        .json();
    let listed = &listed["identities"];
    assert_eq!(listed[0]["identity"], unused);
    assert_eq!(listed[0]["last_used_at"], Value::Null);
    assert_eq!(listed[1]["identity"], account);
    assert_eq!(listed[1]["last_used_at"], NOW.0 + 10);
    assert_eq!(listed[1]["last_subject"], ACCOUNT);

    // An identity that is added again was never used.
    set_identities(test, WORKLOAD, &[unused]).await;
    set_identities(test, WORKLOAD, std::slice::from_ref(&account)).await;
    assert_eq!(
        uses(test, WORKLOAD).await.of_identity(&identity(&account)),
        None
    );
}

#[tokio::test]
async fn an_identity_by_claims_tells_the_subject_of_its_last_token() {
    let scene = Scene::new().await;
    register(&scene.test, "any", &json!([by_namespace()])).await;
    for (subject, told) in [
        (
            "system:serviceaccount:prod:a",
            "system:serviceaccount:prod:a",
        ),
        // Postgres stores no NUL, and nothing of usage may fail for it.
        ("a\0b", "a\u{fffd}b"),
        (
            "system:serviceaccount:prod:z",
            "system:serviceaccount:prod:z",
        ),
    ] {
        let token = scene.sign(&with(cluster_claims(), "sub", subject));
        let answer = present(&scene.test, &token, Some("any")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let found = uses(&scene.test, "any").await;
        assert_eq!(found.identities.len(), 1);
        let used = found.of_identity(&identity(&by_namespace())).unwrap();
        assert_eq!(used.subject, told);
    }
}

#[tokio::test]
async fn a_refused_log_in_tells_whose_token_it_was() {
    let scene = Scene::new().await;
    let test = &scene.test;
    let robot = Robot::new(test).await;
    let refused = async |claims: &Value, header: Value| {
        let token = scene.signer.sign(header, claims);
        let answer = scene.log_in(&token).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
        // The caller hears nothing of it.
        assert!(!answer.text().contains("jti"), "{}", answer.text());
        test.app.audit.write_rejected_requests().await.unwrap();
        let request_id = answer.header("x-request-id").to_owned();
        let path = format!("/explain/request?request_id={request_id}");
        robot.get(&path).await.text().to_owned()
    };
    let right = json!({"kid": "k"});
    let jti = "6f2dcf36-3b1c-4b3c-a9f7-8b30cbf9f5c1";
    let other = with(cluster_claims(), "sub", "system:serviceaccount:dev:billing");
    let nobodys = with(cluster_claims(), "iss", "https://other.test");
    let hostile = with(cluster_claims(), "sub", format!("a\0{}", "b".repeat(2_000)));
    for (claims, header, told) in [
        (
            &other,
            right.clone(),
            "sub `system:serviceaccount:dev:billing`",
        ),
        (&nobodys, right.clone(), "iss `https://other.test`"),
        (
            &cluster_claims(),
            json!({"kid": "k", "typ": "at+jwt"}),
            ACCOUNT,
        ),
        (&hostile, right, "sub `a\u{fffd}bbb"),
    ] {
        let explained = refused(claims, header).await;
        assert!(explained.contains(told), "{explained}");
        assert!(explained.contains(&format!("jti `{jti}`")), "{explained}");
    }
}
