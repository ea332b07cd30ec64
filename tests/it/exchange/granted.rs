//! What an exchange gives, and what it leaves behind.

use serde_json::json;
use token_server::domain::{ClientChanges, TokenQuota, TokenTtl};

use super::{ACCESS_TOKEN, GRANT, JWT, ORDERS, SHOP, STOCK, Scene, claims, root};
use crate::harness::{Log, NOW, id};

#[tokio::test]
async fn the_new_token_is_about_the_first_caller_and_names_everybody_in_between() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;

    let answer = scene.exchange("shop", &first, ORDERS).await;
    let second = answer.access_token();
    let third = scene.exchanged("orders", &second, STOCK).await;

    let json = answer.json();
    assert_eq!(
        (
            &json["token_type"],
            &json["issued_token_type"],
            &json["scope"]
        ),
        (&json!("Bearer"), &json!(ACCESS_TOKEN), &json!("read write"))
    );
    assert_eq!(json["expires_in"], 3600);
    assert_eq!(answer.header("cache-control"), "no-store");
    let claims = claims(&second);
    assert_eq!(
        (&claims["sub"], &claims["client_id"], &claims["aud"]),
        (&json!("app"), &json!("shop"), &json!(ORDERS))
    );
    assert_eq!(claims["metadata"], json!({"of": "app"}));
    assert_eq!(claims["act"], json!({"sub": "shop"}));
    assert_eq!(claims["roots"], json!([root(&first)]));
    let claims = super::claims(&third);
    assert_eq!(
        (&claims["sub"], &claims["client_id"], &claims["scope"]),
        (&json!("app"), &json!("orders"), &json!("read"))
    );
    assert_eq!(claims["metadata"], json!({"of": "app"}));
    assert_eq!(
        claims["act"],
        json!({"sub": "orders", "act": {"sub": "shop"}})
    );
    assert_eq!(claims["roots"], json!([root(&first), root(&second)]));
    for token in [first, second, third] {
        assert_eq!(scene.test.verify(&token).await.status, 200);
    }
}

#[tokio::test]
async fn a_form_and_json_with_audience_or_resource_get_the_same() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    let secret = &scene.secrets["shop"];
    for name in ["audience", "resource"] {
        for (kind, issued) in [("", ACCESS_TOKEN), (ACCESS_TOKEN, ACCESS_TOKEN), (JWT, JWT)] {
            let params = [
                ("subject_token", &*first),
                ("subject_token_type", JWT),
                ("requested_token_type", kind),
                (name, ORDERS),
            ];
            let answer = scene.ask("shop", &params).await;
            assert_eq!(claims(&answer.access_token())["aud"], ORDERS);
            assert_eq!(answer.json()["issued_token_type"], issued);
        }
        let body = json!({
            "grant_type": GRANT, "client_id": "shop", "client_secret": secret, "subject_token": first,
            "subject_token_type": ACCESS_TOKEN, name: ORDERS,
        });
        let answer = scene
            .test
            .post("/token", "application/json", body.to_string());
        assert_eq!(claims(&answer.await.access_token())["aud"], ORDERS);
    }
}

#[tokio::test]
async fn the_scope_is_what_was_asked_for_of_what_the_rule_gives_for_the_subjects() {
    let scene = Scene::new().await;
    let ask = async |scope: &str| {
        let params = [
            ("grant_type", "client_credentials"),
            ("audience", SHOP),
            ("scope", scope),
        ];
        let userinfo = scene.userinfo("app");
        let answer = scene.test.post_basic("/token", &userinfo, &params);
        answer.await.access_token()
    };
    let (view, all) = (ask("view").await, ask("").await);
    for (token, asked, granted) in [
        (&view, "", "read"),
        (&view, "read write", "read"),
        (&all, "", "read write"),
        (&all, "write", "write"),
        (&all, "delete write", "write"),
    ] {
        let more = [("scope", asked)];
        let answer = scene.exchange_with("shop", token, ORDERS, &more).await;
        assert_eq!(
            answer.json()["scope"],
            granted,
            "{asked}: {}",
            answer.text()
        );
        assert_eq!(claims(&answer.access_token())["scope"], granted);
    }
}

#[tokio::test]
async fn a_token_ends_with_its_subject_at_the_latest_and_by_the_lifetime_of_its_client_before() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    let end = claims(&first)["exp"].clone();

    scene.test.clock.advance(1_000);
    let answer = scene.exchange("shop", &first, ORDERS).await;
    assert_eq!(claims(&answer.access_token())["exp"], end);
    assert_eq!(answer.json()["expires_in"], 2_600);

    let changes = ClientChanges {
        token_ttl: Some(TokenTtl::from_seconds(120).ok()),
        ..ClientChanges::default()
    };
    scene.change("shop", changes).await;
    let shorter = scene.exchanged("shop", &first, ORDERS).await;
    assert_eq!(claims(&shorter)["exp"], NOW.0 + 1_120);

    scene.test.clock.advance(2_599);
    let last = scene.exchange("shop", &first, ORDERS).await;
    assert_eq!(last.json()["expires_in"], 1);
    assert_eq!(scene.test.verify(&last.access_token()).await.status, 200);
}

/// Narrowing: the client hands a weaker token to one of the services that it calls itself.
#[tokio::test]
async fn a_client_narrows_its_own_token_to_one_of_its_audiences_and_less_scope() {
    let scene = Scene::new().await;
    let rules =
        r#"{"https://stock.test":{"scopes":"view"},"https://orders.test":{"scopes":"view"}}"#;
    scene.set_rules("app", rules).await;
    let params = [
        ("grant_type", "client_credentials"),
        ("resource", SHOP),
        ("resource", STOCK),
    ];
    let userinfo = scene.userinfo("app");
    let wide = scene
        .test
        .post_basic("/token", &userinfo, &params)
        .await
        .access_token();

    let narrow = scene.exchanged("app", &wide, STOCK).await;

    let claims = claims(&narrow);
    assert_eq!(
        (&claims["aud"], &claims["scope"], &claims["sub"]),
        (&json!(STOCK), &json!("view"), &json!("app"))
    );
    assert_eq!(claims["act"], json!({"sub": "app"}));
    assert_eq!(claims["roots"], json!([root(&wide)]));
}

/// RFC 6749 §3.2. github.com/zitadel/oidc sends them so.
#[tokio::test]
async fn parameters_without_a_value_count_as_left_out() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    let empty = [
        "actor_token",
        "actor_token_type",
        "requested_token_type",
        "resource",
        "scope",
    ];

    let answer = scene
        .exchange_with("shop", &first, ORDERS, &empty.map(|name| (name, "")))
        .await;

    assert_eq!(answer.json()["scope"], "read write", "{}", answer.text());
    assert_eq!(answer.json()["issued_token_type"], ACCESS_TOKEN);
}

#[tokio::test]
async fn an_actor_token_of_the_requester_changes_nothing() {
    let scene = Scene::new().await;
    let first = scene.token("app", SHOP).await;
    let own = scene.token("shop", "").await;
    let more = [("actor_token", &*own), ("actor_token_type", ACCESS_TOKEN)];

    let answer = scene.exchange_with("shop", &first, ORDERS, &more).await;

    let claims = claims(&answer.access_token());
    assert_eq!(claims["act"], json!({"sub": "shop"}));
    assert_eq!(claims["roots"], json!([root(&first)]));
}

#[tokio::test]
async fn an_exchange_counts_against_the_quota_of_the_requester() {
    let scene = Scene::new().await;
    let changes = ClientChanges {
        token_quota: Some(TokenQuota::from_count(2).ok()),
        ..ClientChanges::default()
    };
    scene.change("shop", changes).await;
    let first = scene.token("app", SHOP).await;

    scene.exchanged("shop", &first, ORDERS).await;
    let warned = scene.exchange("shop", &first, ORDERS).await;
    assert_eq!(
        (warned.status, warned.header("ratelimit").is_empty()),
        (200, false)
    );
    let refused = scene.exchange("shop", &first, ORDERS).await;

    refused.assert_error(429, "rate_limited");
    scene.token("app", SHOP).await;
}

#[tokio::test]
async fn usage_is_told_by_requester_and_target() {
    let scene = Scene::new().await;
    let rules =
        r#"{"https://orders.test":{"scopes":"view"},"https://stock.test":{"scopes":"view"}}"#;
    scene.set_rules("shop", rules).await;
    let first = scene.token("app", SHOP).await;
    for target in [ORDERS, STOCK, STOCK] {
        scene.exchanged("shop", &first, target).await;
    }
    let refused = scene
        .exchange("shop", &first, "https://elsewhere.test")
        .await;
    refused.assert_error(400, "invalid_target");
    scene.test.app.usage.write().await.unwrap();
    scene.exchanged("shop", &first, STOCK).await;
    scene.test.app.usage.write().await.unwrap();

    let usage = &scene.test.app.usage;
    let of = async |client: &str, since: i64| {
        let found = usage.list_exchanges(&id(client), NOW.plus(since)).await;
        let found = found.unwrap().into_iter();
        let texts = found.map(|it| format!("{} {}", it.target, it.exchanges));
        texts.collect::<Vec<_>>().join(", ")
    };
    let all = format!("{STOCK} 3, {ORDERS} 1");
    assert_eq!(of("shop", -3_600).await, all);
    assert_eq!(of("shop", 3_600).await, "");
    assert_eq!(of("app", -3_600).await, "");
    scene.test.clock.advance(400 * 86_400);
    usage.prune().await.unwrap();
    assert_eq!(of("shop", -3_600).await, "");
}

/// By these lines all descendants of a token are found.
#[tokio::test]
async fn each_exchange_writes_one_line_and_no_token() {
    let scene = Scene::new().await;
    let log = Log::default();
    let guard = log.capture();
    let chain = scene.chain().await;
    let refused = scene.exchange("app", &chain[1], ORDERS).await;
    drop(guard);

    assert_eq!(refused.status, 400);
    let text = log.text();
    let lines = text.lines().map(|line| {
        let line: serde_json::Value = token_server::base::json::from_str(line).unwrap();
        line
    });
    let lines: Vec<_> = lines
        .filter(|line| line.to_string().contains("exchanged a token"))
        .collect();
    assert_eq!(lines.len(), 2, "{text}");
    let expected = [("shop", ORDERS, 0), ("orders", STOCK, 1)];
    for (line, (requester, target, subject)) in lines.iter().zip(expected) {
        let (old, new) = (claims(&chain[subject]), claims(&chain[subject + 1]));
        assert_eq!(line["client_id"], requester, "{line}");
        assert_eq!(
            (&line["audience"], &line["sub"]),
            (&json!(target), &json!("app"))
        );
        assert_eq!(
            (&line["subject_jti"], &line["jti"]),
            (&old["jti"], &new["jti"])
        );
    }
    for token in chain {
        let signature = token.rsplit('.').next().unwrap();
        assert!(!text.contains(signature));
    }
}

#[tokio::test]
async fn the_sizes_on_the_page_are_those_of_tokens() {
    let scene = Scene::new().await;
    let name = "twelve-chars";
    let new = token_server::app::NewClient {
        client_id: Some(id(name)),
        scopes: token_server::domain::Scope::parse("read").unwrap(),
        audiences: token_server::domain::Audience::parse_list(super::LOOP).unwrap(),
        identifiers: token_server::domain::Identifiers::parse(super::LOOP).unwrap(),
        exchange_rules: super::parse_rules(r#"{"https://loop.test":{"scopes":"read"}}"#),
        ..token_server::app::NewClient::default()
    };
    let userinfo = format!("{name}:{}", scene.test.register(new).await);
    let mut token = super::token_at(&scene.test, &userinfo, "").await;
    let mut sizes = vec![token.len()];
    for _ in 0..5 {
        let params = [
            ("grant_type", GRANT),
            ("subject_token", &*token),
            ("subject_token_type", ACCESS_TOKEN),
            ("audience", super::LOOP),
        ];
        let answer = scene.test.post_basic("/token", &userinfo, &params).await;
        token = answer.access_token();
        sizes.push(token.len());
    }

    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/call-chains.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = [
        ("no exchange", 0),
        ("one exchange", 1),
        ("five exchanges", 5),
    ];
    let rows = rows.map(|(what, exchanges)| format!("| {what} | {} |\n", sizes[exchanges]));
    assert!(page.contains(&rows.concat()), "{rows:?}");
}
