//! `POST /introspect` (RFC 7662): who may ask about which token, and what the answer says.

mod signed;

use serde_json::json;
use token_server::app::NewClient;
use token_server::domain::{ClientStatus, Metadata, Scope};

use super::{Caller, needs_a_client, refuses_bad_requests};
use crate::harness::{Answer, BY, Log, NOW, TestApp, new_client};

const INACTIVE: &str = r#"{"active":false}"#;

#[track_caller]
fn assert_inactive(answer: &Answer) {
    assert_eq!((answer.status, answer.text()), (200, INACTIVE));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn an_active_token_is_answered_with_all_it_says() {
    let test = TestApp::new().await;
    let api = Caller::service(&test, "api", "https://api.test").await;
    let new = NewClient {
        scopes: Scope::parse("read write").unwrap(),
        audiences: vec!["https://api.test".parse().unwrap()],
        metadata: Metadata::parse(r#"{"tenant":"acme"}"#).unwrap(),
        ..new_client("billing")
    };
    let secret = test.register(new).await;
    let token = test.authorize("billing", &secret).await.token();
    let body = json!({"client_id": "api", "client_secret": api.secret, "token": token});

    let by_form = api.introspect(&token).await;
    let by_json = test
        .post("/introspect", "application/json", body.to_string())
        .await;

    for answer in [by_form, by_json] {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut claims = answer.json();
        assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() == 32));
        claims["jti"] = json!("…");
        assert!(claims["gen"].is_i64());
        claims["gen"] = json!("…");
        assert_eq!(
            claims,
            json!({
                "active": true, "token_type": "Bearer", "scope": "read write",
                "client_id": "billing", "sub": "billing", "aud": "https://api.test",
                "iss": "https://tokens.test", "iat": NOW.0, "nbf": NOW.0, "exp": NOW.0 + 3600,
                "jti": "…", "gen": "…", "metadata": {"tenant": "acme"},
            })
        );
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_client_may_ask_about_tokens_for_its_identifiers_and_its_own_and_no_others() {
    let test = TestApp::new().await;
    let api = Caller::service(&test, "api", "https://other.test https://api.test").await;
    let billing = Caller::new(&test, "billing", "", "https://api.test").await;
    let mailer = Caller::new(&test, "mailer", "", "https://mail.test").await;
    let active = async |caller: &Caller<'_>, token: &str| {
        let answer = caller.introspect(token).await;
        if answer.json()["active"] == json!(false) {
            assert_inactive(&answer);
        }
        answer.json()["active"].as_bool().unwrap()
    };

    let (for_api, for_mail) = (billing.token().await, mailer.token().await);

    assert!(active(&api, &for_api).await);
    assert!(active(&billing, &for_api).await);
    assert!(!active(&mailer, &for_api).await);
    assert!(!active(&api, &for_mail).await);
    assert!(active(&mailer, &for_mail).await);
}

/// Design, section 3: two callers of one service do not see each other's tokens.
#[tokio::test]
async fn an_audience_for_which_a_client_gets_tokens_lets_it_see_no_token_of_others() {
    let test = TestApp::with(&[("AUDIENCE", "https://all.test")]).await;
    let billing = Caller::new(&test, "billing", "", "https://api.test").await;
    let mailer = Caller::new(&test, "mailer", "", "https://api.test").await;
    let (simple, another) = (
        Caller::new(&test, "simple", "", "").await,
        Caller::new(&test, "another", "", "").await,
    );

    let token = billing.token().await;
    assert_inactive(&mailer.introspect(&token).await);
    assert_eq!(test.verify(&token).await.status, 200);
    assert_inactive(&another.introspect(&simple.token().await).await);
}

#[tokio::test]
async fn clients_of_one_service_share_an_identifier() {
    let test = TestApp::new().await;
    let token = Caller::new(&test, "billing", "", "https://api.test")
        .await
        .token()
        .await;

    for id in ["api-1", "api-2"] {
        let api = Caller::service(&test, id, "https://api.test").await;
        assert_eq!(api.introspect(&token).await.json()["active"], true, "{id}");
    }
}

/// A client could be written under another ISSUER, and every token by default is for this one.
#[tokio::test]
async fn no_client_is_this_server_after_a_change_of_the_issuer_either() {
    let before = TestApp::with(&[("ISSUER", "https://before.test")]).await;
    let own = "https://tokens.test https://tokens.test/admin/api";
    let secret = Caller::service(&before, "api", own).await.secret;
    let test = before.replica().await;
    let api = Caller {
        test: &test,
        id: "api",
        secret,
    };
    let admin = "https://tokens.test/admin/api";

    for (id, audiences) in [("billing", ""), ("operator", admin)] {
        let token = Caller::new(&test, id, "", audiences).await.token().await;
        assert_inactive(&api.introspect(&token).await);
    }
    assert_eq!(
        api.introspect(&api.token().await).await.json()["active"],
        true
    );
}

#[tokio::test]
async fn an_introspection_without_an_identifier_is_explained_logged_and_counted() {
    let test = TestApp::new().await;
    let token = Caller::new(&test, "billing", "", "https://api.test")
        .await
        .token()
        .await;
    let api = Caller::new(&test, "api", "", "https://api.test").await;
    let log = Log::default();
    let guard = log.capture();

    let answer = api.introspect(&token).await;

    drop(guard);
    assert_inactive(&answer);
    let line = log.requests().remove(0);
    assert_eq!(
        (&line["status"], &line["client_id"]),
        (&json!(200), &json!("api"))
    );
    assert_eq!(line["error"], "unauthorized_client");
    let reason = "the token was not issued to this client, and its audience `https://api.test` is not one of the \
        client's identifiers";
    assert_eq!(line["reason"], reason);
    let request_id = answer.header("x-request-id");
    let found = test.app.audit.explain_request(request_id).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].route.as_str(), &*found[0].reason),
        ("/introspect", reason)
    );
    assert_eq!(found[0].client_id.as_deref(), Some("api"));
    let explained = test.app.tokens.explain("api", None, None).await.unwrap();
    assert_eq!(explained.refusals, found);
    let counted = test.app.metrics().tokens_refused;
    let of = |reason| counted.iter().find(|(it, _)| *it == reason).unwrap().1;
    assert_eq!((of("missing_identifier"), of("wrong_audience")), (1, 0));
    assert!(!log.text().contains(&token[..40]));
}

#[tokio::test]
async fn a_client_with_the_scope_for_it_may_ask_about_any_token() {
    let test = TestApp::new().await;
    let gateway = Caller::new(
        &test,
        "gateway",
        "read token:introspect",
        "https://gateway.test",
    )
    .await;
    let almost = Caller::new(
        &test,
        "almost",
        "token:introspec token",
        "https://gateway.test",
    )
    .await;
    let token = Caller::new(&test, "billing", "", "https://api.test")
        .await
        .token()
        .await;

    assert_eq!(
        gateway.introspect(&token).await.json()["client_id"],
        "billing"
    );
    assert_inactive(&almost.introspect(&token).await);
}

#[tokio::test]
async fn a_client_that_is_the_servers_audience_may_ask_about_tokens_for_it() {
    let test = TestApp::with(&[("AUDIENCE", "https://all.test")]).await;
    let api = Caller::service(&test, "api", "https://all.test").await;
    let simple = Caller::new(&test, "simple", "", "").await;
    let special = Caller::new(&test, "special", "", "https://special.test").await;

    assert_eq!(
        api.introspect(&simple.token().await).await.json()["active"],
        true
    );
    assert_inactive(&api.introspect(&special.token().await).await);
}

#[tokio::test]
async fn a_token_for_several_is_the_business_of_each() {
    let test = TestApp::new().await;
    let billing = Caller::new(&test, "billing", "", "https://a.test https://b.test").await;
    let b = Caller::service(&test, "b", "https://b.test https://c.test").await;
    let c = Caller::service(&test, "c", "https://c.test").await;
    let both = [
        ("grant_type", "client_credentials"),
        ("resource", "https://a.test"),
        ("resource", "https://b.test"),
    ];
    let token = billing.post("/token", &both).await.access_token();

    let answer = b.introspect(&token).await.json();

    assert_eq!(answer["aud"], json!(["https://a.test", "https://b.test"]));
    assert_inactive(&c.introspect(&token).await);
}

#[tokio::test]
async fn every_bad_token_is_answered_alike() {
    let test = TestApp::new().await;
    let all = Caller::new(&test, "all", "token:introspect", "").await;
    let (billing, off) = (
        Caller::new(&test, "billing", "", "").await,
        Caller::new(&test, "off", "", "").await,
    );
    let gone = Caller::new(&test, "gone", "", "").await;
    let other_key = ("SECRET", "another secret for tests, of more than 32 bytes");
    let elsewhere = ("ISSUER", "https://elsewhere.test");
    let mut bad = vec![
        off.token().await,
        gone.token().await,
        "nonsense".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(20_000),
        format!("{}x", billing.token().await),
        billing.token().await.replacen("eyJ", "eyK", 1),
    ];
    for setting in [other_key, elsewhere] {
        let foreign = TestApp::with(&[setting]).await;
        bad.push(Caller::new(&foreign, "billing", "", "").await.token().await);
    }
    let revoked = billing.token().await;
    billing.revoke(&revoked).await;
    bad.push(revoked);
    let disabled = ClientStatus::Disabled;
    test.set_client_status(&"off".parse().unwrap(), disabled)
        .await;
    test.delete_client(&"gone".parse().unwrap()).await;

    for token in &bad {
        assert_inactive(&all.introspect(token).await);
    }
    let expired = billing.token().await;
    test.clock.advance(4_000);
    assert_inactive(&all.introspect(&expired).await);
}

#[tokio::test]
async fn a_hint_changes_nothing() {
    let test = TestApp::new().await;
    let caller = Caller::new(&test, "api", "", "").await;
    let token = caller.token().await;

    for hint in ["access_token", "refresh_token", "whatever", ""] {
        let params = [("token", token.as_str()), ("token_type_hint", hint)];
        let answer = caller.post("/introspect", &params).await;
        assert_eq!(answer.json()["active"], true, "{hint}");
    }
}

/// Another replica signs with a key that this one has not heard of.
#[tokio::test]
async fn a_token_under_a_new_key_is_known_to_introspect_and_to_revoke() {
    let alg = [("SIGNING_ALG", "ES256")];
    let one = TestApp::with(&alg).await;
    let caller = Caller::new(&one, "api", "", "").await;
    for path in ["/introspect", "/revoke"] {
        let other = TestApp::on(one.database.clone(), &alg).await;
        one.app.keys.rotate(BY, true).await.unwrap();
        one.app.keys.rotate(BY, true).await.unwrap();
        let token = caller.token().await;
        assert!(other.app.keys.current().verify(&token, NOW).is_err());

        let asked = Caller {
            test: &other,
            id: caller.id,
            secret: caller.secret.clone(),
        };
        let answer = asked.post(path, &[("token", &token)]).await;

        assert_eq!(answer.status, 200);
        if path == "/introspect" {
            assert_eq!(answer.json()["active"], true);
        } else {
            other
                .verify(&token)
                .await
                .assert_error(401, "invalid_token");
        }
    }
}

#[tokio::test]
async fn a_disabled_client_is_told_nothing() {
    let test = TestApp::new().await;
    let api = Caller::service(&test, "api", "https://api.test").await;
    let billing = Caller::new(&test, "billing", "", "https://api.test").await;
    let token = billing.token().await;
    assert_eq!(api.introspect(&token).await.json()["active"], true);

    test.set_client_status(&"api".parse().unwrap(), ClientStatus::Disabled)
        .await;

    api.introspect(&token)
        .await
        .assert_error(401, "invalid_client");
}

#[tokio::test]
async fn a_client_has_to_prove_itself() {
    needs_a_client("/introspect").await;
}

#[tokio::test]
async fn bad_requests_are_refused_in_the_documented_shape() {
    refuses_bad_requests("/introspect").await;
}
