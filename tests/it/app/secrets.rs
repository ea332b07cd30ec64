//! Secrets: several at once, each with an end.

use token_server::app::NewSecret;
use token_server::base::secret::Secret;
use token_server::domain::{ClientId, ErrorCode, SecretId};

use crate::harness::{BY, CLIENT, NOW, TestApp, new_client};

fn id() -> ClientId {
    ClientId::parse(CLIENT).unwrap()
}

async fn add(test: &TestApp, chosen: Option<&str>, ends_in: Option<i64>) -> (SecretId, String) {
    let ends_at = ends_in.map(|seconds| test.clock.now().plus(seconds));
    let new = test
        .app
        .secrets
        .new_secret(chosen.map(Secret::from), ends_at)
        .unwrap();
    let added = test.app.secrets.add(BY, &id(), new).await.unwrap();
    (added.secret.secret_id, added.plain.expose().clone())
}

#[tokio::test]
async fn a_rotation_overlaps() {
    let test = TestApp::new().await;
    let old = test.client().await;
    let old_id = test.find_client(&id()).await.secrets[0].secret_id.clone();
    let (_, new) = add(&test, None, None).await;

    test.token(&old).await;
    test.token(&new).await;
    test.app
        .secrets
        .expire(BY, &id(), &old_id, NOW.plus(60))
        .await
        .unwrap();
    test.clock.advance(59);
    test.token(&old).await;
    test.clock.advance(1);

    test.authorize(CLIENT, &old)
        .await
        .assert_error(401, "invalid_client");
    test.token(&new).await;
}

#[tokio::test]
async fn a_removed_secret_is_gone_at_once_with_all_that_is_known_of_it() {
    let test = TestApp::new().await;
    let old = test.client().await;
    let (new_id, new) = add(&test, None, None).await;
    test.token(&new).await;
    test.app.write_usage().await.unwrap();

    test.app.secrets.delete(BY, &id(), &new_id).await.unwrap();

    test.authorize(CLIENT, &new)
        .await
        .assert_error(401, "invalid_client");
    test.token(&old).await;
    let uses = test.app.usage.find_of_client(&id()).await.unwrap();
    assert!(uses.of_secret(&new_id).is_none());
    let again = test.app.secrets.delete(BY, &id(), &new_id).await;
    assert_eq!(again.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn an_expired_secret_is_no_good_even_when_it_was_proved() {
    let test = TestApp::new().await;
    test.client().await;
    for chosen in [None, Some("a secret of my own")] {
        let (_, secret) = add(&test, chosen, Some(3)).await;
        test.token(&secret).await;

        test.clock.advance(2);
        test.token(&secret).await;
        test.clock.advance(1);

        test.authorize(CLIENT, &secret)
            .await
            .assert_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn a_secret_is_good_for_its_own_client_only() {
    let test = TestApp::new().await;
    test.client().await;
    let other = test.register(new_client("other")).await;

    assert_eq!(test.authorize("other", &other).await.status, 200);
    test.authorize(CLIENT, &other)
        .await
        .assert_error(401, "invalid_client");
}

#[tokio::test]
async fn a_sixth_live_secret_and_a_past_end_are_refused() {
    let test = TestApp::new().await;
    test.client().await;
    for _ in 0..4 {
        add(&test, None, None).await;
    }

    let sixth = test
        .app
        .secrets
        .add(BY, &id(), NewSecret::default())
        .await
        .unwrap_err();
    let past = test.app.secrets.new_secret(None, Some(NOW)).unwrap();
    let past = test.app.secrets.add(BY, &id(), past).await.unwrap_err();

    assert_eq!(sixth.code, ErrorCode::Conflict);
    assert_eq!(past.code, ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn what_is_stored_of_a_secret_is_an_argon2id_hash_and_a_hint() {
    let test = TestApp::new().await;
    let plain = test.client().await;
    add(&test, Some("a secret of my own"), None).await;

    let mut secrets = test.find_client(&id()).await.secrets;
    secrets.sort_by_key(|secret| secret.hint.is_empty());

    assert!(
        secrets[0]
            .secret_hash
            .starts_with("$argon2id$v=19$m=8,t=1,p=1$")
    );
    assert!(plain.ends_with(&secrets[0].hint) && secrets[0].hint.len() == 4);
    assert!(
        secrets[1]
            .secret_hash
            .starts_with("$argon2id$v=19$m=16,t=1,p=1$")
    );
    assert_eq!(secrets[1].hint, "");
    assert!(!serde_json::to_string(&secrets).unwrap().contains("argon2"));
}

#[tokio::test]
async fn a_chosen_secret_is_as_long_as_the_setting_says() {
    for (setting, least) in [("8", 8), ("16", 16), ("40", 40)] {
        let test = TestApp::with(&[("MIN_SECRET_LENGTH", setting)]).await;
        test.client().await;
        let new = |length: usize| {
            let plain = Secret::new("\u{fc}".repeat(length));
            test.app.secrets.new_secret(Some(plain), None)
        };

        for short in [0, 1, least - 1] {
            assert_eq!(new(short).unwrap_err().code, ErrorCode::InvalidRequest);
        }
        let added = test.app.secrets.add(BY, &id(), new(least).unwrap()).await;
        let plain = added.unwrap().plain;
        test.token(plain.expose()).await;
    }
}
