//! What a token says of its client's generation, of the tokens that it came from and of who acts, is judged each time. The
//! tokens are forged under our key: nothing writes `roots` and `act` yet.

use serde_json::{Value, json};
use token_server::app::{NewClient, TokenRequirements};
use token_server::domain::{ClientStatus, ExpectedVersion, Scope};

use super::forged::{Forge, part};
use crate::harness::{Answer, BY, CLIENT, TestApp, id, new_client};

async fn refuse_as(test: &TestApp, token: &str, why: &str) {
    let answer = test.verify(token).await;
    answer.assert_error(401, "invalid_token");
    assert!(answer.text().contains(why), "{}", answer.text());
}

#[tokio::test]
async fn a_token_without_a_generation_or_with_another_type_of_one_is_malformed() {
    let forge = Forge::new().await;
    for generation in [
        json!(null),
        json!(-1),
        json!(i64::MIN),
        json!(1.5),
        json!(1.0),
        json!(u64::MAX),
        json!("1795940508350"),
        json!([1]),
        json!(true),
        json!({"gen": 1}),
    ] {
        let token = forge.with_claims(&json!({"gen": generation}));
        refuse_as(&forge.test, &token, "malformed").await;
    }
    for text in ["null", "1e13", "01"] {
        let claims = forge.claims.to_string();
        let written = format!("\"gen\":{}", forge.claims["gen"]);
        assert!(claims.contains(&written));
        let token = forge.with_payload(&claims.replace(&written, &format!("\"gen\":{text}")));
        refuse_as(&forge.test, &token, "malformed").await;
    }
}

#[tokio::test]
async fn a_generation_below_its_clients_is_refused_and_any_other_is_not() {
    let forge = Forge::new().await;
    let test = &forge.test;
    test.app
        .tokens
        .revoke_client(BY, &id(CLIENT))
        .await
        .unwrap();
    let record = test.find_client(&id(CLIENT)).await;
    let required = record.client.generation.number();

    for below in [0, forge.claims["gen"].as_i64().unwrap(), required - 1] {
        let token = forge.with_claims(&json!({"gen": below}));
        refuse_as(test, &token, "revoked").await;
    }
    // One above may be of a replica that has heard of more.
    for good in [required, required + 1, i64::MAX] {
        let token = forge.with_claims(&json!({"gen": good}));
        assert_eq!(test.verify(&token).await.status, 200, "{good}");
    }
}

/// A token of [`CLIENT`] that came from one of `front` by way of one of `middle`.
struct Chain {
    forge: Forge,
    /// The tokens of `front` and of `middle`.
    roots: [String; 2],
    token: String,
}

impl Chain {
    async fn new() -> Self {
        let forge = Forge::new().await;
        let roots = [
            token_of_new(&forge.test, "front").await,
            token_of_new(&forge.test, "middle").await,
        ];
        let members: Vec<Value> = roots.iter().map(|token| root(token)).collect();
        let act = json!({"sub": "middle", "act": {"sub": "front"}});
        let token = forge.with_claims(&json!({"roots": members, "act": act}));
        Self {
            forge,
            roots,
            token,
        }
    }

    async fn verify(&self) -> Answer {
        self.forge.test.verify(&self.token).await
    }
}

async fn token_of_new(test: &TestApp, client: &str) -> String {
    let new = NewClient {
        scopes: Scope::parse("read").unwrap(),
        ..new_client(client)
    };
    let secret = test.register(new).await;
    test.authorize(client, &secret).await.token()
}

/// A token as a member of `roots`.
fn root(token: &str) -> Value {
    let claims = part(token, 1);
    json!({"jti": claims["jti"], "client": claims["client_id"], "gen": claims["gen"]})
}

#[tokio::test]
async fn roots_and_actors_are_answered_as_they_were_signed() {
    let chain = Chain::new().await;
    let secret = token_server::app::NewSecret::default();
    let (client, secrets) = (id(CLIENT), &chain.forge.test.app.secrets);
    let added = secrets.add(BY, &client, secret).await.unwrap();
    let userinfo = format!("{CLIENT}:{}", added.plain.expose());
    let form = [("token", chain.token.as_str())];
    let introspected = chain.forge.test.post_basic("/introspect", &userinfo, &form);

    for answer in [chain.verify().await, introspected.await] {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let claims = answer.json();
        let act = json!({"sub": "middle", "act": {"sub": "front"}});
        assert_eq!(claims["act"], act, "{claims}");
        let [front, middle] = chain.roots.each_ref().map(|token| root(token));
        assert_eq!(claims["roots"], json!([front, middle]));
    }
}

/// What ends a root, of either of the two, ends the token that came from it: here, at another replica and after a restart,
/// though it was found good before.
#[tokio::test]
async fn a_token_ends_with_each_of_its_roots() {
    for (at, client) in [(0, "front"), (1, "middle")] {
        for how in ["token", "client", "disable", "delete"] {
            let chain = Chain::new().await;
            let test = &chain.forge.test;
            let other = test.replica().await;
            for replica in [test, &other] {
                assert_eq!(replica.verify(&chain.token).await.status, 200);
            }

            let (app, id) = (&test.app, id(client));
            match how {
                "token" => app.tokens.revoke(BY, &chain.roots[at]).await.map(drop),
                "client" => app.tokens.revoke_client(BY, &id).await,
                "disable" => {
                    for status in [ClientStatus::Disabled, ClientStatus::Enabled] {
                        app.clients.set_status(BY, &id, status).await.unwrap();
                    }
                    Ok(())
                }
                _ => app.clients.delete(BY, &id, &ExpectedVersion::Any).await,
            }
            .unwrap();

            let restarted = test.replica().await;
            other.read_changes().await;
            for replica in [test, &other, &restarted] {
                refuse_as(replica, &chain.token, "revoked").await;
            }
            // Those that did not come from it are as good as before.
            assert_eq!(test.verify(&chain.roots[1 - at]).await.status, 200);
            assert_eq!(test.verify(&chain.forge.token).await.status, 200);
        }
    }
}

#[tokio::test]
async fn the_log_says_which_root_was_revoked() {
    let chain = Chain::new().await;
    let tokens = &chain.forge.test.app.tokens;
    tokens.revoke(BY, &chain.roots[1]).await.unwrap();

    let error = tokens.verify(&chain.token, &TokenRequirements::default());

    let jti = part(&chain.roots[1], 1)["jti"].as_str().unwrap().to_owned();
    let reason = error.unwrap_err().reason();
    assert_eq!(reason, format!("its root {jti} was revoked"));
}

#[tokio::test]
async fn roots_that_we_would_not_write_are_malformed() {
    let chain = Chain::new().await;
    let root = root(&chain.roots[0]);
    let with = |name: &str, value: Value| {
        let mut root = root.clone();
        if value.is_null() {
            root.as_object_mut().unwrap().remove(name);
        } else {
            root[name] = value;
        }
        root
    };
    let good = [json!([root]), json!(vec![root.clone(); 5])];
    let bad = [
        json!([]),
        json!(vec![root.clone(); 6]),
        json!({}),
        json!("text"),
        json!(1),
        root.clone(),
        json!([root, "text"]),
        json!([root["jti"]]),
        json!([[root["jti"], root["client"], root["gen"]]]),
        json!([with("exp", json!(1))]),
        json!([with("jti", Value::Null)]),
        json!([with("jti", json!("a name"))]),
        json!([with("client", Value::Null)]),
        json!([with("client", json!("a b"))]),
        json!([with("gen", Value::Null)]),
        json!([with("gen", json!(-1))]),
        json!([with("gen", json!("1"))]),
    ];

    refuses_all_but(&chain.forge, "roots", &good, &bad).await;
}

#[tokio::test]
async fn actors_that_we_would_not_write_are_malformed() {
    let forge = Forge::new().await;
    let nested = |depth: usize| {
        let innermost = json!({"sub": "a"});
        (1..depth).fold(innermost, |act, _| json!({"sub": "a", "act": act}))
    };
    let good = [nested(1), nested(5)];
    let bad = [
        nested(6),
        nested(100),
        json!([]),
        json!(["a"]),
        json!("a"),
        json!({}),
        json!({"sub": 1}),
        json!({"sub": "a b"}),
        json!({"client_id": "a"}),
        json!({"sub": "a", "iss": "https://tokens.test"}),
        json!({"sub": "a", "act": null}),
        json!({"sub": "a", "act": []}),
        json!({"sub": "a", "act": {"sub": "a", "exp": 1}}),
    ];

    refuses_all_but(&forge, "act", &good, &bad).await;
}

async fn refuses_all_but(forge: &Forge, claim: &str, good: &[Value], bad: &[Value]) {
    for value in good {
        let token = forge.with_claims(&json!({ claim: value }));
        assert_eq!(forge.test.verify(&token).await.status, 200, "{value}");
    }
    for value in bad {
        let token = forge.with_claims(&json!({ claim: value }));
        refuse_as(&forge.test, &token, "malformed").await;
    }
    let null = forge
        .claims
        .to_string()
        .replacen('{', &format!("{{\"{claim}\":null,"), 1);
    refuse_as(&forge.test, &forge.with_payload(&null), "malformed").await;
}
