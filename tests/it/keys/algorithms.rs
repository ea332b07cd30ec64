//! Tokens under each algorithm, for us and for a verifier that knows only our JWKS.

use proptest::prelude::*;
use token_server::app::TokenRequirements;

use super::{PAIRS, header, jwks, signing, the, verify_offline};
use crate::harness::{CLIENT, NOW, TestApp};

#[tokio::test]
async fn tokens_of_every_pair_are_good_here_and_offline() {
    for alg in PAIRS {
        let test = signing(alg).await;
        let token = test.token(&test.client().await).await;

        let header = header(&token);
        assert_eq!(header.typ.as_deref(), Some("at+jwt"), "{alg}");
        assert_eq!(format!("{:?}", header.alg), alg);
        assert_eq!(header.kid, Some(the(&test, "active").await.kid.to_string()));

        let online = test.verify(&token).await;
        assert_eq!(online.status, 200, "{alg}: {}", online.text());
        let offline = verify_offline(&token, &jwks(&test).await).unwrap();
        assert_eq!(offline["client_id"], CLIENT, "{alg}");
        assert_eq!(offline["exp"], NOW.0 + 3600, "{alg}");
        assert_eq!(offline["jti"], online.json()["jti"], "{alg}");
    }
}

#[tokio::test]
async fn hs256_is_the_default_and_makes_no_key() {
    let test = TestApp::new().await;

    let token = test.token(&test.client().await).await;

    assert_eq!(format!("{:?}", header(&token).alg), "HS256");
    assert_eq!(test.app.keys.list().await.unwrap().len(), 0);
    assert_eq!(jwks(&test).await.to_string(), r#"{"keys":[]}"#);
}

#[tokio::test]
async fn a_second_start_finds_the_keys_of_the_first() {
    let test = signing("ES256").await;
    let token = test.token(&test.client().await).await;
    let before = test.app.store().list_keys().await.unwrap();

    let again = super::replica(&test, "ES256").await;

    assert_eq!(again.app.store().list_keys().await.unwrap(), before);
    assert_eq!(again.verify(&token).await.status, 200);
}

#[test]
fn a_token_with_any_character_changed_never_verifies() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for alg in PAIRS {
        let (test, token) = runtime.block_on(async {
            let test = signing(alg).await;
            let token = test.token(&test.client().await).await;
            (test, token)
        });
        let none = TokenRequirements::default();
        assert!(test.app.tokens.verify(&token, &none).is_ok());

        proptest!(|(place in 0..token.len(), character in "[A-Za-z0-9_.=+/-]")| {
            let mut forged = token.clone();
            forged.replace_range(place..=place, &character);
            prop_assume!(forged != token);
            prop_assert!(test.app.tokens.verify(&forged, &none).is_err());
        });
    }
}
