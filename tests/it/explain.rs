//! Why a client gets what it gets: the token of an explanation is that of the front door, and behind a bare
//! `invalid_client` there is a true reason.

use serde_json::{Value, json};
use token_server::app::{NewClient, NewSecret, TokenExplanation};
use token_server::domain::{
    Audience, AuthMethods, AuthenticationSettings, ClientStatus, RejectedRequest, Scope,
    SenderConstraint, TokenTtl,
};
use token_server::jwt::decode_unverified;

use crate::harness::{Answer, BY, CLIENT, Database, NOW, TestApp, id, new_client};

async fn explain(test: &TestApp, client_id: &str, scope: Option<&str>) -> TokenExplanation {
    let explained = test.app.tokens.explain(client_id, scope, None).await;
    explained.unwrap()
}

/// The reason of an answer, by its id.
async fn reason_of(test: &TestApp, answer: &Answer) -> RejectedRequest {
    let request_id = answer.header("x-request-id");
    let mut found = test.app.audit.explain_request(request_id).await.unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// Without what is another in each token.
pub(crate) fn fixed(mut claims: Value) -> Value {
    claims["jti"] = Value::Null;
    claims
}

#[tokio::test]
async fn the_token_of_an_explanation_is_the_one_that_is_issued() {
    let test = TestApp::new().await;
    let secret = test
        .register(NewClient {
            scopes: Scope::parse("read write").unwrap(),
            audiences: Audience::parse_list("https://a.test https://b.test").unwrap(),
            token_ttl: Some(TokenTtl::from_seconds(120).unwrap()),
            ..new_client(CLIENT)
        })
        .await;
    // Revoking raises `gen`.
    test.app
        .tokens
        .revoke_client(BY, &id(CLIENT))
        .await
        .unwrap();
    for (scope, audience) in [
        ("", ""),
        ("write", "https://b.test"),
        ("", "https://a.test"),
    ] {
        let form = [
            ("client_id", CLIENT),
            ("client_secret", secret.as_str()),
            ("scope", scope),
            ("audience", audience),
        ];
        let answer = test.post_form("/authorize", &form).await;
        let issued = decode_unverified(answer.json()["token"].as_str().unwrap()).unwrap();
        let some = |text: &'static str| Some(text).filter(|text| !text.is_empty());

        let explained = test
            .app
            .tokens
            .explain(CLIENT, some(scope), some(audience))
            .await
            .unwrap();

        assert!(explained.granted);
        let generation = &issued.1["gen"];
        let remark = format!(
            "Its tokens have the generation {generation}. Tokens below {generation} are revoked."
        );
        assert!(explained.remarks.contains(&remark), "{explained:?}");
        assert_eq!(explained.header, Some(issued.0));
        assert_eq!(explained.claims.map(fixed), Some(fixed(issued.1)));
    }
    assert_eq!(test.app.metrics().tokens_issued, 3);
}

#[tokio::test]
async fn the_refusal_of_an_explanation_is_the_one_that_is_answered() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    for (name, value) in [
        ("scope", "read admin"),
        ("scope", "\""),
        ("audience", "https://c.test"),
        ("audience", "\u{7f}"),
    ] {
        let form = [
            ("client_id", CLIENT),
            ("client_secret", secret.as_str()),
            (name, value),
        ];
        let answer = test.post_form("/authorize", &form).await.json();
        let (scope, audience) = match name {
            "scope" => (Some(value), None),
            _ => (None, Some(value)),
        };

        let explained = test.app.tokens.explain(CLIENT, scope, audience).await;
        let refusal = explained.unwrap().refusal.unwrap();

        assert_eq!(answer["error"], refusal.error, "{value}");
        // What cannot stand in an answer is written otherwise there.
        let told = answer["error_description"].as_str().unwrap();
        assert_eq!(told.len(), refusal.error_description.len(), "{value}");
    }
}

#[tokio::test]
async fn who_cannot_log_in_at_all_is_explained_with_the_true_reason() {
    let test = TestApp::new().await;
    test.client().await;
    let unknown = explain(&test, "no body", None).await.refusal.unwrap();
    let status = ClientStatus::Disabled;
    test.set_client_status(&id(CLIENT), status).await;
    let disabled = explain(&test, CLIENT, None).await.refusal.unwrap();

    for (refusal, reason) in [
        (&unknown, "unknown client"),
        (&disabled, "the client is disabled"),
    ] {
        assert_eq!(refusal.error, "invalid_client");
        assert_eq!(refusal.reason, reason);
        assert!(!refusal.error_description.contains(reason));
    }
}

#[tokio::test]
async fn what_is_assumed_of_a_bound_client_and_what_it_lacks_is_said() {
    let test = TestApp::new().await;
    let new = NewClient {
        sender_constraint: SenderConstraint {
            dpop_bound_access_tokens: true,
            ..SenderConstraint::default()
        },
        ..new_client(CLIENT)
    };
    let (_, added) = test
        .app
        .clients
        .register(BY, new, Some(NewSecret::default()))
        .await
        .unwrap();
    let secret_id = added.unwrap().secret.secret_id;
    test.app
        .secrets
        .expire(BY, &id(CLIENT), &secret_id, NOW)
        .await
        .unwrap();

    let explained = explain(&test, CLIENT, None).await;

    assert!(explained.granted);
    assert!(explained.claims.unwrap()["cnf"]["jkt"].is_string());
    let remarks = explained.remarks.join(" ");
    assert!(remarks.contains("are sender-constrained"), "{remarks}");
    assert!(remarks.contains("no valid secret"), "{remarks}");
}

#[tokio::test]
async fn behind_one_answer_stand_many_reasons() {
    let test = TestApp::with(&[("THROTTLE_CLIENT_FAILURES", "3")]).await;
    let secret = test.client().await;
    let record = test.find_client(&id(CLIENT)).await;
    let secret_id = record.secrets[0].secret_id.clone();
    let post_only = AuthMethods::parse("client_secret_post").unwrap();
    test.register(NewClient {
        authentication: AuthenticationSettings {
            auth_methods: post_only,
            ..AuthenticationSettings::default()
        },
        ..new_client("poster")
    })
    .await;

    let unknown = test.authorize("biling-service", "x").await;
    let wrong = test.authorize(CLIENT, "wrong").await;
    let mistyped = test.authorize(CLIENT, &format!("{secret}x")).await;
    let end = NOW.plus(5);
    test.app
        .secrets
        .expire(BY, &id(CLIENT), &secret_id, end)
        .await
        .unwrap();
    test.clock.advance(10);
    let expired = test.authorize(CLIENT, &secret).await;
    let throttled = test.authorize(CLIENT, &secret).await;

    let reason = reason_of(&test, &unknown).await;
    assert_eq!(reason.reason, "unknown client");
    assert_eq!(
        (reason.client_id, reason.hint.as_str()),
        (None, "bil… (14 characters)")
    );
    let reason = reason_of(&test, &wrong).await;
    assert_eq!(reason.reason, "wrong secret");
    assert_eq!(
        (
            reason.client_id.as_deref(),
            reason.source.as_str(),
            reason.at
        ),
        (Some(CLIENT), "192.0.2.1", NOW)
    );
    assert_eq!(
        (reason.route.as_str(), reason.error.as_str()),
        ("/authorize", "invalid_client")
    );
    let reason = reason_of(&test, &mistyped).await;
    assert!(reason.reason.contains("checksum"), "{reason:?}");
    let reason = reason_of(&test, &expired).await;
    assert_eq!(
        reason.reason,
        format!("the secret {secret_id} expired at {end}")
    );
    let reason = reason_of(&test, &throttled).await;
    assert_eq!(throttled.status, 429);
    assert_eq!(
        reason.reason,
        format!(
            "throttled until {} after 3 failures of this address in the name of this client",
            NOW.plus(60)
        )
    );
    for answer in [&unknown, &wrong, &mistyped, &expired] {
        assert_eq!(answer.status, 401);
        assert_eq!(answer.text(), unknown.text());
    }
}

#[tokio::test]
async fn a_method_that_is_not_the_clients_is_told_at_token_too() {
    let test = TestApp::new().await;
    let secret = test
        .register(NewClient {
            authentication: AuthenticationSettings {
                auth_methods: AuthMethods::parse("client_secret_post").unwrap(),
                ..AuthenticationSettings::default()
            },
            scopes: Scope::parse("read").unwrap(),
            ..new_client("poster")
        })
        .await;
    let grant = [("grant_type", "client_credentials")];
    let basic = test
        .post_basic("/token", &format!("poster:{secret}"), &grant)
        .await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "poster"),
        ("client_secret", secret.as_str()),
        ("scope", "write"),
    ];
    let scope = test.post_form("/token", &form).await;

    let basic = reason_of(&test, &basic).await;
    assert_eq!(
        basic.reason,
        "the client is not registered for client_secret_basic"
    );
    assert_eq!(basic.route, "/token");
    let scope = reason_of(&test, &scope).await;
    assert_eq!(
        (scope.error.as_str(), scope.source.as_str()),
        ("invalid_scope", "192.0.2.1")
    );
    assert_eq!(scope.client_id.as_deref(), Some("poster"));
}

#[tokio::test]
async fn a_reason_is_found_at_every_replica_and_ends_by_age() {
    let database = Database::fresh().await;
    let one = TestApp::on(database.clone(), &[("REFUSAL_RETENTION", "1h")]).await;
    let other = TestApp::on(database, &[]).await;
    one.client().await;
    let answer = one.authorize(CLIENT, "wrong").await;
    let request_id = answer.header("x-request-id");
    assert!(other.app.audit.explain_request(request_id).await.is_err());

    one.app.audit.write_rejected_requests().await.unwrap();
    one.app.audit.write_rejected_requests().await.unwrap();

    for test in [&one, &other] {
        assert_eq!(reason_of(test, &answer).await.reason, "wrong secret");
    }
    let listed = other
        .app
        .audit
        .list_rejected_requests(&id(CLIENT), 5)
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(one.app.audit.prune_rejected_requests().await.unwrap(), 0);
    one.clock.advance(3_601);
    assert_eq!(one.app.audit.prune_rejected_requests().await.unwrap(), 1);
    assert!(one.app.audit.explain_request(request_id).await.is_err());
}

#[tokio::test]
async fn of_what_is_kept_nothing_is_a_secret() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let swapped = test.authorize(&secret, CLIENT).await;
    let wrong = test.authorize(CLIENT, "correct horse battery staple").await;

    for answer in [swapped, wrong] {
        let kept = serde_json::to_string(&reason_of(&test, &answer).await).unwrap();
        assert!(
            !kept.contains("horse") && !kept.contains(&secret[4..]),
            "{kept}"
        );
    }
}

#[tokio::test]
async fn the_admin_api_explains_the_same() {
    let test = TestApp::new().await;
    test.client().await;
    let robot = crate::admin_api::Robot::new(&test).await;
    let answer = test.authorize(CLIENT, "wrong").await;
    let request_id = answer.header("x-request-id");

    let granted = robot
        .get("/explain/token?client_id=billing&scope=read")
        .await;
    let refused = robot.get("/explain/token?client_id=nobody").await;
    let reason = robot
        .get(&format!("/explain/request?request_id={request_id}"))
        .await;

    assert_eq!(granted.json()["claims"]["scope"], "read");
    assert_eq!(granted.json()["refusals"][0]["reason"], "wrong secret");
    assert_eq!(refused.json()["granted"], json!(false));
    assert_eq!(refused.json()["refusal"]["reason"], "unknown client");
    assert_eq!(reason.json()["refusals"][0]["reason"], "wrong secret");
    let nothing = robot.get("/explain/request?request_id=none").await;
    nothing.assert_error(404, "not_found");
    for path in [
        "/explain/token",
        "/explain/request",
        "/explain/token?client_id=a&sope=b",
    ] {
        robot.get(path).await.assert_error(400, "invalid_request");
    }
}
