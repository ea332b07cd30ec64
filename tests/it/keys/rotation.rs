//! Rotation by hand and by schedule, and the end of a key.

use token_server::domain::{ErrorCode, JWKS_MAX_AGE, KeyState, RETIRED_KEY_TTL, TokenTtl};
use token_server::jwt::LEEWAY;

use super::{jwks, kept, kid, published, signing, the, verify_offline};
use crate::harness::{BY, TestApp};

const DAY: i64 = 86_400;

#[tokio::test]
async fn by_hand_the_next_key_signs_and_the_one_before_still_verifies() {
    let test = signing("ES256").await;
    let secret = test.client().await;
    let old = test.token(&secret).await;
    let next = the(&test, "next").await;

    test.clock.advance(JWKS_MAX_AGE);
    let rotation = test.app.keys.rotate(BY, false).await.unwrap();
    let new = test.token(&secret).await;

    assert_eq!(rotation.active, Some(next.kid.clone()));
    assert_eq!(rotation.retired.map(|kid| kid.to_string()), Some(kid(&old)));
    assert_eq!(kid(&new), next.kid.to_string());
    assert_eq!(rotation.next, Some(the(&test, "next").await.kid));
    for token in [&old, &new] {
        assert_eq!(test.verify(token).await.status, 200);
        assert!(verify_offline(token, &jwks(&test).await).is_some());
    }
}

#[tokio::test]
async fn a_next_key_that_verifiers_may_not_know_waits_unless_forced() {
    let test = signing("ES256").await;
    let secret = test.client().await;
    let before = test.app.store().list_keys().await.unwrap();

    test.clock.advance(JWKS_MAX_AGE - 1);
    let early = test.app.keys.rotate(BY, false).await.unwrap_err();

    assert_eq!(early.code, ErrorCode::TemporarilyUnavailable);
    assert_eq!(early.retry_after, Some(1));
    assert!(early.description.contains("--now"), "{early}");
    assert_eq!(test.app.store().list_keys().await.unwrap(), before);
    let forced = test.app.keys.rotate(BY, true).await.unwrap();
    let token = test.token(&secret).await;
    assert_eq!(forced.active.map(|kid| kid.to_string()), Some(kid(&token)));
}

#[tokio::test]
async fn two_forced_rotations_leave_both_old_keys_behind() {
    let test = signing("EdDSA").await;
    let secret = test.client().await;
    let first = the(&test, "active").await;
    let second = the(&test, "next").await;

    test.app.keys.rotate(BY, true).await.unwrap();
    test.app.keys.rotate(BY, true).await.unwrap();

    let signs = kid(&test.token(&secret).await);
    assert!(signs != first.kid.to_string() && signs != second.kid.to_string());
    assert_eq!(kept(&test, "retired").await.len(), 2);
}

#[tokio::test]
async fn by_schedule_a_key_is_replaced_at_its_second() {
    let settings = [
        ("SIGNING_ALG", "ES256"),
        ("KEY_ROTATION", "10d"),
        ("KEY_PUBLISH_AHEAD", "1d"),
    ];
    let test = TestApp::with(&settings).await;
    let (active, next) = (the(&test, "active").await, the(&test, "next").await);

    test.clock.advance(10 * DAY - 1);
    test.app.keys.rotate_if_due().await.unwrap();
    assert_eq!(the(&test, "active").await, active);
    test.clock.advance(1);
    test.app.keys.rotate_if_due().await.unwrap();
    test.app.keys.rotate_if_due().await.unwrap();

    assert_eq!(the(&test, "active").await.kid, next.kid);
    let retired_at = test.clock.now();
    let retired = the(&test, "retired").await;
    assert_eq!(retired.state, KeyState::Retired { retired_at });
    assert_eq!(the(&test, "next").await.created_at, retired_at);
}

#[tokio::test]
async fn a_next_key_is_published_long_enough_before_the_schedule_uses_it() {
    let settings = [("SIGNING_ALG", "ES256"), ("KEY_ROTATION", "2d")];
    let test = TestApp::with(&settings).await;
    test.clock.advance(2 * DAY - 60);
    let next = the(&test, "next").await;
    test.app.keys.retire(BY, &next.kid).await.unwrap();
    test.app.keys.rotate_if_due().await.unwrap();
    let active = the(&test, "active").await;

    test.clock.advance(DAY - 1);
    test.app.keys.rotate_if_due().await.unwrap();
    assert_eq!(the(&test, "active").await, active);
    test.clock.advance(1);
    test.app.keys.rotate_if_due().await.unwrap();

    assert_ne!(the(&test, "active").await.kid, active.kid);
}

#[tokio::test]
async fn never_leaves_the_key_alone() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256"), ("KEY_ROTATION", "never")]).await;
    let active = the(&test, "active").await;

    test.clock.advance(3_650 * DAY);
    test.app.keys.rotate_if_due().await.unwrap();

    assert_eq!(the(&test, "active").await, active);
}

#[tokio::test]
async fn a_retired_key_verifies_until_its_last_token_is_dead_and_then_is_gone() {
    let test = signing("ES256").await;
    let secret = test.client().await;
    let id = token_server::domain::ClientId::parse(crate::harness::CLIENT).unwrap();
    let changes = token_server::domain::ClientChanges {
        token_ttl: Some(Some(TokenTtl::MAX)),
        ..Default::default()
    };
    test.update_client(&id, changes).await;
    let last = test.token(&secret).await;
    test.app.keys.rotate(BY, true).await.unwrap();

    test.clock.advance(TokenTtl::MAX.seconds() + LEEWAY - 1);
    test.app.keys.rotate_if_due().await.unwrap();
    assert_eq!(test.verify(&last).await.status, 200);
    test.clock.advance(1);
    let expired = test.verify(&last).await;
    assert!(expired.text().contains("expired"), "{}", expired.text());

    test.clock.advance(RETIRED_KEY_TTL);
    test.app.keys.rotate_if_due().await.unwrap();
    assert!(kept(&test, "retired").await.is_empty());
    assert!(!published(&test).await.contains(&kid(&last)));
    let unknown = test.verify(&last).await;
    assert!(unknown.text().contains("has no key with its"));
}

#[tokio::test]
async fn only_a_key_that_does_not_sign_is_retired_or_deleted_by_hand() {
    let test = signing("ES256").await;
    let token = test.token(&test.client().await).await;
    let (active, next) = (the(&test, "active").await.kid, the(&test, "next").await.kid);
    let unknown = token_server::domain::KeyId::parse("unknown").unwrap();

    let code = |done: token_server::app::error::Result<()>| done.err().map(|error| error.code);
    for (done, expected) in [
        (
            test.app.keys.retire(BY, &active).await,
            ErrorCode::InvalidRequest,
        ),
        (
            test.app.keys.delete(BY, &active).await,
            ErrorCode::InvalidRequest,
        ),
        (
            test.app.keys.retire(BY, &unknown).await,
            ErrorCode::NotFound,
        ),
        (
            test.app.keys.delete(BY, &unknown).await,
            ErrorCode::NotFound,
        ),
    ] {
        assert_eq!(code(done), Some(expected));
    }
    test.app.keys.retire(BY, &next).await.unwrap();
    assert!(!published(&test).await.contains(&next.to_string()));

    test.app.keys.rotate(BY, true).await.unwrap();
    let again = test.app.keys.retire(BY, &active).await;
    assert_eq!(code(again), Some(ErrorCode::Conflict));
    assert_eq!(test.verify(&token).await.status, 200);
    test.app.keys.delete(BY, &active).await.unwrap();
    test.verify(&token).await.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn hs256_has_nothing_to_rotate() {
    let test = TestApp::new().await;

    let refused = test.app.keys.rotate(BY, true).await.unwrap_err();

    assert_eq!(refused.code, ErrorCode::InvalidRequest);
    assert!(refused.description.contains("SIGNING_ALG"), "{refused}");
    assert!(test.app.keys.list().await.unwrap().is_empty());
}
