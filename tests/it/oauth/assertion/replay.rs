//! An assertion is good once.

use serde_json::json;
use token_server::app::NewClient;
use token_server::domain::{AuthMethods, AuthenticationSettings};

use super::{claims, es256, inline, key, present, with};
use crate::harness::{BY, new_client};

#[tokio::test]
async fn an_assertion_is_good_once_on_all_replicas_together() {
    let (test, signer) = es256().await;
    let replica = test.replica().await;
    let assertion = signer.sign(key(), &claims());

    assert_eq!(present(&test, &assertion).await.status, 200);
    for again in [&test, &replica] {
        let refused = present(again, &assertion).await;
        refused.assert_error(401, "invalid_client");
        assert!(refused.text().contains("used before"));
    }
    // Another assertion with the same name, also after pruning.
    replica.app.single_use.prune().await.unwrap();
    let claims = with("jti", "same");
    assert_eq!(
        present(&replica, &signer.sign(key(), &claims)).await.status,
        200
    );
    let same = present(&test, &signer.sign(key(), &claims)).await;
    same.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn of_two_that_come_at_once_one_is_accepted() {
    let (test, signer) = es256().await;
    let replica = test.replica().await;

    for _ in 0..5 {
        let assertion = signer.sign(key(), &claims());
        let (one, other) = tokio::join!(present(&test, &assertion), present(&replica, &assertion));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
    }
}

#[tokio::test]
async fn an_assertion_is_remembered_until_nobody_would_accept_it() {
    let (test, signer) = es256().await;
    let assertion = signer.sign(key(), &claims());
    present(&test, &assertion).await;

    test.clock.advance(60 + 29);
    test.app.single_use.prune().await.unwrap();
    assert!(
        present(&test, &assertion)
            .await
            .text()
            .contains("used before")
    );

    test.clock.advance(1);
    assert!(present(&test, &assertion).await.text().contains("expired"));
    // Some longer, for a replica that goes by a clock which is behind.
    assert_eq!(test.app.single_use.prune().await.unwrap(), 0);
    test.clock.advance(30);
    assert_eq!(test.app.single_use.prune().await.unwrap(), 1);
}

#[tokio::test]
async fn two_clients_may_use_the_same_jti() {
    let (test, signer) = es256().await;
    let other = NewClient {
        authentication: AuthenticationSettings {
            auth_methods: AuthMethods::parse("private_key_jwt").unwrap(),
            keys: Some(inline(&signer.jwks("k"))),
            certificate_subject: None,
            ..AuthenticationSettings::default()
        },
        ..new_client("other")
    };
    test.app.clients.register(BY, other, None).await.unwrap();
    let one = with("jti", "1");
    let mut two = one.clone();
    two["iss"] = json!("other");
    two["sub"] = json!("other");

    assert_eq!(present(&test, &signer.sign(key(), &one)).await.status, 200);
    assert_eq!(present(&test, &signer.sign(key(), &two)).await.status, 200);
}
