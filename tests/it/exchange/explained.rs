//! Why a token is exchanged or not, by the same code, on every front.

use serde_json::{Value, json};
use token_server::app::{ExchangeExplanation, ExchangeQuestion, ExchangeSubject};
use token_server::base::secret::Secret;
use token_server::domain::{ClientStatus, UsageSpan};

use super::{ORDERS, SHOP, STOCK, Scene, claims};
use crate::admin::{Browser, portal};
use crate::admin_api::Robot;
use crate::explain::fixed;
use crate::harness::{BY, NOW, Shell, id};

async fn explain(
    scene: &Scene,
    subject: ExchangeSubject,
    requester: &str,
    target: &str,
    scope: Option<&str>,
) -> ExchangeExplanation {
    let question = ExchangeQuestion {
        subject,
        requester: requester.to_owned(),
        target: target.to_owned(),
        scope: scope.map(str::to_owned),
    };
    scene
        .test
        .app
        .tokens
        .explain_exchange(&question)
        .await
        .unwrap()
}

fn client(id: &str) -> ExchangeSubject {
    ExchangeSubject::Client(id.to_owned())
}

fn token(text: &str) -> ExchangeSubject {
    ExchangeSubject::Token(Secret::from(text))
}

/// The check that refuses, as a word.
fn refused_by(explained: &ExchangeExplanation) -> &'static str {
    assert!(!explained.granted && explained.claims.is_none());
    explained.refused_by.unwrap().as_str()
}

#[tokio::test]
async fn the_token_of_an_explanation_is_the_one_that_an_exchange_gives() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    let second = scene.exchanged("shop", &first, ORDERS).await;

    let explained = explain(&scene, token(&first), "shop", ORDERS, None).await;
    let of_client = explain(&scene, client("app"), "shop", ORDERS, Some("read")).await;

    assert!(explained.granted && explained.refusal.is_none());
    assert_eq!(fixed(explained.claims.unwrap()), fixed(claims(&second)));
    let claims = of_client.claims.unwrap();
    assert_eq!(
        (&claims["sub"], &claims["scope"]),
        (&json!("app"), &json!("read"))
    );
    assert_eq!(claims["roots"][0]["client"], "app");
    assert!(of_client.remarks[0].contains(SHOP));
}

#[tokio::test]
async fn each_check_is_named_by_what_it_refuses() {
    let scene = Scene::new().await;
    let chain = scene.chain().await;
    let for_stock = scene.token("app", STOCK).await;
    for (check, subject, requester, target, scope) in [
        ("requester", client("app"), "nobody", ORDERS, None),
        ("subject_token", client("nobody"), "shop", ORDERS, None),
        ("subject_token", token("nonsense"), "shop", ORDERS, None),
        ("target", client("app"), "shop", "https://tokens.test", None),
        ("target", client("app"), "shop", "a b", None),
        ("target", token(&chain[1]), "shop", STOCK, None),
        ("recipient", token(&for_stock), "shop", ORDERS, None),
        ("recipient", token(&chain[0]), "other-app", ORDERS, None),
        ("exchange_rule", client("app"), "shop", STOCK, None),
        ("scope", client("app"), "shop", ORDERS, Some("delete")),
        ("scope", client("app"), "shop", ORDERS, Some("\"")),
    ] {
        let explained = explain(&scene, subject, requester, target, scope).await;
        assert_eq!(refused_by(&explained), check, "{:?}", explained.refusal);
    }
    let off = ClientStatus::Disabled;
    let clients = &scene.test.app.clients;
    clients.set_status(BY, &id("app"), off).await.unwrap();
    let explained = explain(&scene, token(&chain[0]), "shop", ORDERS, None).await;
    assert_eq!(refused_by(&explained), "subject_token");
    assert!(
        explained
            .refusal
            .unwrap()
            .reason
            .contains("its client requires")
    );
}

#[tokio::test]
async fn an_explanation_counts_nowhere() {
    let scene = Scene::new().await;
    explain(&scene, client("app"), "shop", ORDERS, None).await;
    explain(&scene, client("app"), "shop", STOCK, None).await;

    let usage = &scene.test.app.usage;
    usage.write().await.unwrap();
    let since = NOW.plus(-3_600);
    let exchanges = usage.list_exchanges(&id("shop"), since).await.unwrap();
    let totals = usage.list(UsageSpan::Hour, since).await.unwrap();
    assert!(exchanges.is_empty() && totals.is_empty(), "{totals:?}");
}

#[tokio::test]
async fn the_admin_api_explains_an_exchange() {
    let scene = Scene::new().await;
    let robot = Robot::new(&scene.test).await;
    let first = scene.token("app", SHOP).await;
    let path = "/explain/exchange";

    let body = json!({"subject_token": first, "requester": "shop", "audience": ORDERS});
    let granted = robot.post(path, &body).await;
    let body = json!({"subject_client_id": "app", "requester": "shop", "audience": STOCK, "scope": "read"});
    let refused = robot.post(path, &body).await;
    let both = json!({"subject_token": first, "subject_client_id": "app", "requester": "shop", "audience": STOCK});
    let neither = json!({"requester": "shop", "audience": STOCK});

    assert_eq!(granted.status, 200, "{}", granted.text());
    assert_eq!(granted.json()["claims"]["act"], json!({"sub": "shop"}));
    assert_eq!(granted.json()["refused_by"], Value::Null);
    assert_eq!(refused.json()["refused_by"], "exchange_rule");
    assert_eq!(refused.json()["refusal"]["error"], "invalid_target");
    for body in [both, neither] {
        robot
            .post(path, &body)
            .await
            .assert_error(400, "invalid_request");
    }
    let usage = robot.get("/clients/shop/usage").await;
    assert_eq!(usage.json()["exchanges"], json!([]), "{}", usage.text());
}

#[tokio::test]
async fn a_viewer_sees_what_an_exchange_gives_and_never_the_subject_token() {
    let test = portal().await;
    test.client().await;
    let new = token_server::app::NewClient {
        client_id: Some(id("shop")),
        identifiers: token_server::domain::Identifiers::parse("https://tokens-of.test").unwrap(),
        exchange_rules: super::parse_rules(r#"{"https://orders.test":{"scopes":"read"}}"#),
        ..token_server::app::NewClient::default()
    };
    test.register(new).await;
    let audiences = token_server::domain::ClientChanges {
        audiences: token_server::domain::Audience::parse_list("https://tokens-of.test").ok(),
        ..token_server::domain::ClientChanges::default()
    };
    let any = token_server::domain::ExpectedVersion::Any;
    let clients = &test.app.clients;
    clients
        .update(BY, &id("billing"), &any, audiences)
        .await
        .unwrap();
    let mut vera = Browser::of(&test, "vera").await;
    let path = "/admin/explain/exchange";

    let empty = vera.get(path).await;
    let fields = [
        ("subject", "billing"),
        ("requester", "shop"),
        ("audience", ORDERS),
    ];
    let granted = vera.post(path, &fields).await;
    let fields = [
        ("token", "secret-text"),
        ("requester", "shop"),
        ("audience", ORDERS),
    ];
    let refused = vera.post(path, &fields).await;
    let neither = vera
        .post(path, &[("requester", "shop"), ("audience", ORDERS)])
        .await;

    assert_eq!((empty.status, granted.status), (200, 200));
    assert!(
        granted.text().contains(">granted</span>"),
        "{}",
        granted.text()
    );
    assert!(
        !granted.text().contains("eyJ0eXAi"),
        "no signed token is shown"
    );
    assert!(refused.text().contains("<code>subject_token</code>"));
    assert!(!refused.text().contains("secret-text"));
    assert_eq!(neither.status, 422);
}

#[tokio::test]
async fn the_command_line_explains_an_exchange() {
    let shell = Shell::migrated().await;
    let rules = r#"{"https://orders.test":{"scopes":"read"}}"#;
    for arguments in [
        &[
            "client",
            "create",
            "app",
            "--scope",
            "read",
            "--audience",
            SHOP,
        ][..],
        &[
            "client",
            "create",
            "shop",
            "--identifier",
            SHOP,
            "--exchange-rules",
            rules,
        ],
    ] {
        assert_eq!(shell.run(arguments).code, 0);
    }
    let ask = |more: &[&str]| {
        let base = ["explain", "exchange", "--requester", "shop"];
        shell.run(&[&base, more].concat())
    };

    let granted = ask(&["--subject", "app", "--audience", ORDERS, "--json"]);
    let people = ask(&["--subject", "app", "--audience", ORDERS]);
    let refused = ask(&["--subject", "app", "--audience", STOCK]);
    let nonsense = ask(&["--subject-token", "nonsense", "--audience", STOCK, "--json"]);
    let both = ask(&[
        "--subject-token",
        "a",
        "--subject",
        "app",
        "--audience",
        STOCK,
    ]);

    assert_eq!(
        (granted.code, people.code),
        (0, 0),
        "{granted:?} {people:?}"
    );
    assert_eq!(granted.json()["claims"]["act"]["sub"], "shop");
    assert!(people.out.starts_with("granted"), "{}", people.out);
    assert_eq!(refused.code, 1);
    assert!(
        refused.out.contains("refused by the check exchange_rule"),
        "{}",
        refused.out
    );
    assert_eq!(nonsense.json()["refused_by"], "subject_token");
    assert_eq!(both.code, 2);
    let used = shell.run(&["usage", "exchanges", "shop", "--json"]);
    assert_eq!((used.code, used.json()), (0, json!([])));
}
