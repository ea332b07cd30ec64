//! The `typ` of tokens: `at+jwt`, or `JWT` by the server's setting or the client's field. Tokens of either are good everywhere.

use serde_json::{Value, json};
use token_server::app::NewClient;
use token_server::domain::{Scope, TokenTyp};

use super::forged::part;
use crate::harness::{TestApp, config, id, new_client};

/// A client with this `typ`; its secret.
async fn register(test: &TestApp, id: &str, typ: Option<TokenTyp>) -> String {
    let new = NewClient {
        scopes: Scope::parse("read token:introspect").unwrap(),
        token_typ: typ,
        ..new_client(id)
    };
    test.register(new).await
}

async fn token(test: &TestApp, id: &str, secret: &str) -> String {
    test.authorize(id, secret).await.token()
}

#[tokio::test]
async fn the_client_decides_and_else_the_server() {
    for (setting, default) in [
        (None, "at+jwt"),
        (Some("at+jwt"), "at+jwt"),
        (Some("JWT"), "JWT"),
    ] {
        let settings: Vec<(&str, &str)> =
            setting.map(|typ| ("TOKEN_TYP", typ)).into_iter().collect();
        let test = TestApp::with(&settings).await;
        for (id, typ, expected) in [
            ("server", None, default),
            ("rfc9068", Some(TokenTyp::AtJwt), "at+jwt"),
            ("spring", Some(TokenTyp::Jwt), "JWT"),
        ] {
            let secret = register(&test, id, typ).await;
            let token = token(&test, id, &secret).await;
            assert_eq!(part(&token, 0)["typ"], expected, "{setting:?} {id}");
            assert_eq!(part(&token, 0).as_object().unwrap().len(), 3);
            let grant = [("grant_type", "client_credentials")];
            let answer = test
                .post_basic("/token", &format!("{id}:{secret}"), &grant)
                .await;
            let token = answer.access_token();
            assert_eq!(part(&token, 0)["typ"], expected, "{setting:?} {id}");
        }
    }
}

#[tokio::test]
async fn tokens_of_either_type_are_good_wherever_tokens_are_under_every_algorithm() {
    for alg in ["HS256", "ES256", "EdDSA", "RS256", "PS256"] {
        let test = TestApp::with(&[("SIGNING_ALG", alg)]).await;
        let other = TestApp::on(
            test.database.clone(),
            &[("SIGNING_ALG", alg), ("TOKEN_TYP", "JWT")],
        )
        .await;
        for typ in TokenTyp::ALL {
            let id = if typ == TokenTyp::Jwt { "jwt" } else { "at" };
            let secret = register(&test, id, Some(typ)).await;
            let token = token(&test, id, &secret).await;
            for replica in [&test, &other] {
                let verified = replica.verify(&token).await;
                assert_eq!(verified.status, 200, "{alg} {typ}: {}", verified.text());
                let params = [("token", token.as_str())];
                let userinfo = format!("{id}:{secret}");
                let asked = replica.post_basic("/introspect", &userinfo, &params).await;
                assert_eq!(asked.json()["active"], true, "{alg} {typ}");
            }
            let gone = [("token", token.as_str())];
            let revoked = test
                .post_basic("/revoke", &format!("{id}:{secret}"), &gone)
                .await;
            assert_eq!(revoked.status, 200);
            test.verify(&token).await.assert_error(401, "invalid_token");
        }
    }
}

#[tokio::test]
async fn a_client_may_get_the_other_type_at_any_time() {
    let test = TestApp::new().await;
    let secret = register(&test, "spring", None).await;
    let before = token(&test, "spring", &secret).await;
    let changes = token_server::domain::ClientChanges {
        token_typ: Some(Some(TokenTyp::Jwt)),
        ..token_server::domain::ClientChanges::default()
    };
    let any = token_server::domain::ExpectedVersion::Any;
    let clients = &test.app.clients;
    clients
        .update(crate::harness::BY, &id("spring"), &any, changes)
        .await
        .unwrap();

    let after = token(&test, "spring", &secret).await;

    let types = [&before, &after].map(|token| part(token, 0)["typ"].clone());
    assert_eq!(types, [json!("at+jwt"), json!("JWT")]);
    for token in [before, after] {
        assert_eq!(test.verify(&token).await.status, 200);
    }
}

#[test]
fn the_setting_takes_the_two_types_only() {
    let of = |typ: &'static str| {
        std::panic::catch_unwind(move || config("sqlite::memory:", &[("TOKEN_TYP", typ)]).token.typ)
    };
    assert_eq!(of("JWT").unwrap(), TokenTyp::Jwt);
    assert_eq!(of("at+jwt").unwrap(), TokenTyp::AtJwt);
    for wrong in ["jwt", "AT+JWT", "application/at+jwt", "none"] {
        assert!(of(wrong).is_err(), "{wrong}");
    }
}

/// What `explain` shows is the token that the client would get.
#[tokio::test]
async fn explain_shows_the_type() {
    let test = TestApp::new().await;
    register(&test, "spring", Some(TokenTyp::Jwt)).await;
    let explained = test.app.tokens.explain("spring", None, None).await.unwrap();
    let header: Value = explained.header.unwrap();
    assert_eq!(header["typ"], "JWT");
}

#[tokio::test]
async fn the_field_takes_the_two_types_and_null() {
    let test = TestApp::new().await;
    register(&test, "spring", None).await;
    let robot = crate::admin_api::Robot::new(&test).await;
    for wrong in [
        json!("jwt"),
        json!(""),
        json!(" JWT"),
        json!("application/at+jwt"),
        json!(1),
        json!(true),
        json!(["JWT"]),
    ] {
        let change = json!({ "token_typ": wrong });
        let answer = robot.patch("/clients/spring", "*", &change).await;
        answer.assert_error(400, "invalid_request");
        assert!(answer.text().contains("token_typ"), "{}", answer.text());
    }
    let shown = robot.get("/clients/spring").await.json();
    assert_eq!(shown["token_typ"], Value::Null);
}
