//! Exchanges and tokens that are bound to a key or a certificate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use token_server::domain::{ClientChanges, SenderConstraintChanges};

use super::{ACCESS_TOKEN, GRANT, ORDERS, SHOP, STOCK, Scene, assert_refused, claims};
use crate::harness::{Answer, Holder, Prover};

const TOKEN_URL: &str = "https://tokens.test/token";

const PROXY: &[(&str, &str)] = &[
    ("TRUSTED_PROXIES", "192.0.2.1"),
    ("CLIENT_CERT_HEADER", "client-cert"),
];

impl Scene {
    /// `POST /token` with the secret in the body and these headers.
    async fn ask_with(
        &self,
        client: &str,
        params: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let credentials = [
            ("client_id", client),
            ("client_secret", &*self.secrets[client]),
        ];
        let params = [&credentials, params].concat();
        self.test.post_form_with("/token", &params, headers).await
    }

    async fn exchange_shown(
        &self,
        requester: &str,
        token: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let params = [
            ("grant_type", GRANT),
            ("subject_token", token),
            ("subject_token_type", ACCESS_TOKEN),
            ("audience", target),
        ];
        self.ask_with(requester, &params, headers).await
    }

    /// A token of the app for the shop, bound to what the headers show.
    async fn bound(&self, headers: &[(&str, &str)]) -> String {
        let params = [("grant_type", "client_credentials"), ("audience", SHOP)];
        self.ask_with("app", &params, headers).await.access_token()
    }
}

fn certificate() -> String {
    let params = rcgen::CertificateParams::new(vec!["app.test".to_owned()]).unwrap();
    STANDARD.encode(Holder::self_signed(&params).der())
}

/// The service checked when it was called that its caller has the key. The new token is nobody's but its own.
#[tokio::test]
async fn the_audience_of_a_bound_token_exchanges_it_and_the_new_one_is_bound_to_its_own_proof() {
    let scene = Scene::new().await;
    let (caller, service) = (Prover::new("ES256"), Prover::new("ES256"));
    let proof = caller.prove("POST", TOKEN_URL);
    let first = scene.bound(&[("dpop", &proof)]).await;
    assert_eq!(claims(&first)["cnf"]["jkt"], caller.jkt());

    let plain = scene.exchange("shop", &first, ORDERS).await;
    let proof = service.prove("POST", TOKEN_URL);
    let shown = [("dpop", &*proof)];
    let bound = scene.exchange_shown("shop", &first, ORDERS, &shown);
    let bound = bound.await;

    assert!(claims(&plain.access_token()).get("cnf").is_none());
    assert_eq!(plain.json()["token_type"], "Bearer");
    assert_eq!(claims(&bound.access_token())["cnf"]["jkt"], service.jkt());
    assert_eq!(bound.json()["token_type"], "DPoP");
    let shown = [("dpop", &*proof)];
    let again = scene.exchange_shown("shop", &first, ORDERS, &shown);
    again.await.assert_error(400, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_bound_token_is_not_exchanged_for_a_client_that_is_none_of_its_audiences() {
    let scene = Scene::new().await;
    let caller = Prover::new("ES256");
    let proof = caller.prove("POST", TOKEN_URL);
    let first = scene.bound(&[("dpop", &proof)]).await;

    // Not even with the key.
    let proof = caller.prove("POST", TOKEN_URL);
    for headers in [&[][..], &[("dpop", &*proof)]] {
        let answer = scene.exchange_shown("orders", &first, STOCK, headers).await;
        assert_refused(&answer, "invalid_request", "was not issued to this client");
    }
}

#[tokio::test]
async fn a_client_narrows_a_token_that_is_bound_to_its_key_with_a_proof_of_it_only() {
    let scene = Scene::new().await;
    scene
        .set_rules("app", r#"{"https://shop.test":{"scopes":"view"}}"#)
        .await;
    let (own, stranger) = (Prover::new("ES256"), Prover::new("ES256"));
    let proof = own.prove("POST", TOKEN_URL);
    let first = scene.bound(&[("dpop", &proof)]).await;

    let another = stranger.prove("POST", TOKEN_URL);
    for headers in [&[][..], &[("dpop", &*another)]] {
        let answer = scene.exchange_shown("app", &first, SHOP, headers).await;
        assert_refused(&answer, "invalid_request", "the request does not prove");
    }
    let proof = own.prove("POST", TOKEN_URL);
    let shown = [("dpop", &*proof)];
    let narrowed = scene.exchange_shown("app", &first, SHOP, &shown);
    let narrowed = narrowed.await.access_token();
    assert_eq!(claims(&narrowed)["cnf"]["jkt"], own.jkt());
}

/// Also when tokens of the client are bound to certificates no longer: a narrower token is never easier to steal.
#[tokio::test]
async fn a_client_narrows_a_token_that_is_bound_to_its_certificate_with_that_and_it_stays_bound() {
    let scene = Scene::with(PROXY).await;
    scene
        .set_rules("app", r#"{"https://shop.test":{"scopes":"view"}}"#)
        .await;
    let bind = async |is_bound| {
        let changes = ClientChanges {
            sender_constraint: SenderConstraintChanges {
                tls_client_certificate_bound_access_tokens: Some(is_bound),
                ..SenderConstraintChanges::default()
            },
            ..ClientChanges::default()
        };
        scene.change("app", changes).await;
    };
    bind(true).await;
    let (own, another) = (certificate(), certificate());
    let first = scene.bound(&[("client-cert", &own)]).await;
    let cnf = claims(&first)["cnf"].clone();
    assert!(cnf["x5t#S256"].is_string());

    for is_bound in [true, false] {
        bind(is_bound).await;
        for headers in [&[][..], &[("client-cert", &*another)]] {
            let answer = scene.exchange_shown("app", &first, SHOP, headers).await;
            assert_refused(&answer, "invalid_request", "the request does not prove");
        }
        let shown = [("client-cert", &*own)];
        let narrowed = scene.exchange_shown("app", &first, SHOP, &shown).await;
        assert_eq!(claims(&narrowed.access_token())["cnf"], cnf);
    }
}

#[tokio::test]
async fn a_requester_whose_tokens_must_be_bound_has_to_show_a_proof() {
    let scene = Scene::new().await;
    let changes = ClientChanges {
        sender_constraint: SenderConstraintChanges {
            dpop_bound_access_tokens: Some(true),
            ..SenderConstraintChanges::default()
        },
        ..ClientChanges::default()
    };
    scene.change("shop", changes).await;
    let first = scene.token("app", SHOP).await;

    let answer = scene.exchange("shop", &first, ORDERS).await;
    answer.assert_error(400, "invalid_dpop_proof");
    let own = Prover::new("ES256");
    let proof = own.prove("POST", TOKEN_URL);
    let shown = [("dpop", &*proof)];
    let bound = scene.exchange_shown("shop", &first, ORDERS, &shown);
    assert_eq!(claims(&bound.await.access_token())["cnf"]["jkt"], own.jkt());
}

#[tokio::test]
async fn an_actor_token_that_is_bound_needs_its_proof() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    let own = Prover::new("ES256");
    let params = [("grant_type", "client_credentials")];
    let proof = own.prove("POST", TOKEN_URL);
    let actor = scene.ask_with("shop", &params, &[("dpop", &proof)]).await;
    let actor = actor.access_token();
    let ask = async |headers: &[(&str, &str)]| {
        let params = [
            ("grant_type", GRANT),
            ("subject_token", &*first),
            ("subject_token_type", ACCESS_TOKEN),
            ("audience", ORDERS),
            ("actor_token", &*actor),
            ("actor_token_type", ACCESS_TOKEN),
        ];
        scene.ask_with("shop", &params, headers).await
    };

    assert_refused(
        &ask(&[]).await,
        "invalid_request",
        "the actor token is bound",
    );
    let proof = own.prove("POST", TOKEN_URL);
    ask(&[("dpop", &proof)]).await.access_token();
}
