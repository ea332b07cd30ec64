//! A change of `SIGNING_ALG`, all at once or one replica after another.

use token_server::domain::{RETIRED_KEY_TTL, SigningAlg};

use super::{header, jwks, kept, kid, published, replica, signing, verify_offline};
use crate::harness::{BY, TestApp};

#[tokio::test]
async fn tokens_of_before_stay_good_after_every_change() {
    let mut test = TestApp::new().await;
    let secret = test.client().await;
    let mut tokens = vec![test.token(&secret).await];

    for alg in ["ES256", "PS256", "EdDSA", "HS256", "ES256"] {
        test = replica(&test, alg).await;
        let token = test.token(&secret).await;
        assert_eq!(format!("{:?}", header(&token).alg), alg);
        tokens.push(token);

        for token in &tokens {
            let answer = test.verify(token).await;
            assert_eq!(answer.status, 200, "{alg}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn replicas_of_two_algorithms_live_side_by_side() {
    let old = signing("ES256").await;
    let secret = old.client().await;
    let new = replica(&old, "EdDSA").await;

    for _ in 0..30 {
        for test in [&old, &new] {
            test.clock.advance(60);
            test.app.keys.rotate_if_due().await.unwrap();
        }
    }

    for (issuer, verifier) in [(&old, &new), (&new, &old)] {
        let token = issuer.token(&secret).await;
        assert_eq!(verifier.verify(&token).await.status, 200);
        assert!(verify_offline(&token, &jwks(verifier).await).is_some());
    }
    assert_eq!(kept(&old, "active").await.len(), 2);
    assert!(kept(&old, "retired").await.is_empty());
}

#[tokio::test]
async fn keys_that_no_replica_signs_with_any_more_retire_and_go() {
    for alg in ["EdDSA", "HS256"] {
        let old = signing("ES256").await;
        let token = old.token(&old.client().await).await;
        let new = replica(&old, alg).await;

        new.clock.advance(600);
        new.app.keys.rotate_if_due().await.unwrap();
        assert!(kept(&new, "retired").await.is_empty(), "{alg}");
        new.clock.advance(1);
        new.app.keys.rotate_if_due().await.unwrap();
        let retired = kept(&new, "retired").await;
        assert_eq!(retired.len(), 1, "{alg}");
        assert_eq!(retired[0].kid.to_string(), kid(&token));
        assert_eq!(new.verify(&token).await.status, 200);

        new.clock.advance(RETIRED_KEY_TTL);
        new.app.keys.rotate_if_due().await.unwrap();
        assert!(kept(&new, "retired").await.is_empty(), "{alg}");
        let left = published(&new).await.len();
        assert_eq!(left, if alg == "HS256" { 0 } else { 2 });
    }
}

#[tokio::test]
async fn a_prepared_key_is_published_and_is_the_first_to_sign() {
    let old = signing("RS256").await;
    let secret = old.client().await;

    let prepared = old.app.keys.prepare(BY, SigningAlg::ES256).await.unwrap();
    let again = old.app.keys.prepare(BY, SigningAlg::ES256).await.unwrap();
    old.clock.advance(86_400);
    old.app.keys.rotate_if_due().await.unwrap();

    assert_eq!(prepared, again);
    assert!(published(&old).await.contains(&prepared.to_string()));
    assert_eq!(
        format!("{:?}", header(&old.token(&secret).await).alg),
        "RS256"
    );
    let new = replica(&old, "ES256").await;
    assert_eq!(kid(&new.token(&secret).await), prepared.to_string());
}

#[tokio::test]
async fn a_replica_whose_keys_were_retired_in_its_absence_makes_new_ones() {
    let old = signing("ES256").await;
    let secret = old.client().await;
    let new = replica(&old, "EdDSA").await;
    for replica in [&old, &new] {
        replica.clock.advance(601);
    }
    new.app.keys.rotate_if_due().await.unwrap();

    // It reads, and goes on with the retired key until it looks after its keys.
    old.app.keys.refresh().await.unwrap();
    let meanwhile = old.token(&secret).await;
    old.app.keys.rotate_if_due().await.unwrap();
    let after = old.token(&secret).await;

    assert_ne!(kid(&meanwhile), kid(&after));
    for token in [&meanwhile, &after] {
        assert_eq!(new.verify(token).await.status, 200);
    }
}
