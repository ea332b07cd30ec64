//! Token exchange (RFC 8693): a service that was called gets a token for the next one, on behalf of its caller. Design,
//! section 9.

mod bound;
mod chain;
mod explained;
mod granted;
mod refused;
mod reserved;
mod rules;
mod services;
mod verified;

use std::collections::HashMap;

use serde_json::{Value, json};
use token_server::app::NewClient;
use token_server::domain::{
    Audience, ClientChanges, ExchangeRules, ExpectedVersion, Identifiers, Metadata, Scope,
};
use token_server::jwt::decode_unverified;

use crate::harness::{Answer, BY, TestApp, id, new_client};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

const SHOP: &str = "https://shop.test";
const ORDERS: &str = "https://orders.test";
const STOCK: &str = "https://stock.test";
const LOOP: &str = "https://loop.test";

/// Clients, as (id, scopes, audiences, identifiers, exchange rules): two apps that call a shop, which calls orders, which
/// calls the stock; and one that calls itself.
const CLIENTS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "app",
        "buy view",
        "https://shop.test https://stock.test",
        "",
        "",
    ),
    ("other-app", "buy view", SHOP, "", ""),
    (
        "shop",
        "read",
        ORDERS,
        SHOP,
        r#"{"https://orders.test":{"scopes":"read write","map":{"view":"read","buy":"read write"}}}"#,
    ),
    (
        "orders",
        "read",
        STOCK,
        ORDERS,
        r#"{"https://stock.test":{"scopes":"read"}}"#,
    ),
    ("stock", "", "", STOCK, ""),
    (
        "loop",
        "read write",
        LOOP,
        LOOP,
        r#"{"https://loop.test":{"scopes":"read write"}}"#,
    ),
];

/// The service with [`CLIENTS`], and their secrets.
struct Scene {
    test: TestApp,
    secrets: HashMap<&'static str, String>,
}

impl Scene {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let test = TestApp::with(settings).await;
        let mut secrets = HashMap::new();
        for (name, scopes, audiences, identifiers, rules) in CLIENTS {
            let rules = Some(*rules).filter(|rules| !rules.is_empty());
            let new = NewClient {
                scopes: Scope::parse(scopes).unwrap(),
                audiences: Audience::parse_list(audiences).unwrap(),
                identifiers: Identifiers::parse(identifiers).unwrap(),
                exchange_rules: rules.map(parse_rules).unwrap_or_default(),
                metadata: Metadata::parse(&json!({ "of": name }).to_string()).unwrap(),
                ..new_client(name)
            };
            secrets.insert(*name, test.register(new).await);
        }
        Self { test, secrets }
    }

    fn userinfo(&self, client: &str) -> String {
        format!("{client}:{}", self.secrets[client])
    }

    /// A token that a client gets for itself, for this audience; `""`: its first.
    async fn token(&self, client: &str, audience: &str) -> String {
        token_at(&self.test, &self.userinfo(client), audience).await
    }

    /// An exchange with these parameters beside the grant.
    async fn ask(&self, requester: &str, params: &[(&str, &str)]) -> Answer {
        let params = [&[("grant_type", GRANT)], params].concat();
        let userinfo = self.userinfo(requester);
        self.test.post_basic("/token", &userinfo, &params).await
    }

    /// An exchange of this token for this target.
    async fn exchange(&self, requester: &str, token: &str, target: &str) -> Answer {
        self.exchange_with(requester, token, target, &[]).await
    }

    async fn exchange_with(
        &self,
        requester: &str,
        token: &str,
        target: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        let params = [
            ("subject_token", token),
            ("subject_token_type", ACCESS_TOKEN),
            ("audience", target),
        ];
        self.ask(requester, &[&params, more].concat()).await
    }

    /// The token of an exchange that is granted.
    async fn exchanged(&self, requester: &str, token: &str, target: &str) -> String {
        self.exchange(requester, token, target).await.access_token()
    }

    /// The tokens of a whole chain: of the app, of the shop for it, of orders for both.
    async fn chain(&self) -> [String; 3] {
        let first = self.token("app", SHOP).await;
        let second = self.exchanged("shop", &first, ORDERS).await;
        let third = self.exchanged("orders", &second, STOCK).await;
        [first, second, third]
    }

    async fn change(&self, client: &str, changes: ClientChanges) {
        let any = ExpectedVersion::Any;
        let clients = &self.test.app.clients;
        clients
            .update(BY, &id(client), &any, changes)
            .await
            .unwrap();
    }

    async fn set_rules(&self, client: &str, rules: &str) {
        let changes = ClientChanges {
            exchange_rules: Some(parse_rules(rules)),
            ..ClientChanges::default()
        };
        self.change(client, changes).await;
    }
}

fn parse_rules(json: &str) -> ExchangeRules {
    ExchangeRules::parse(json).unwrap()
}

async fn token_at(test: &TestApp, userinfo: &str, audience: &str) -> String {
    let params = [("grant_type", "client_credentials"), ("audience", audience)];
    let answer = test.post_basic("/token", userinfo, &params).await;
    answer.access_token()
}

fn claims(token: &str) -> Value {
    decode_unverified(token).unwrap().1
}

/// A token as a member of `roots`.
fn root(token: &str) -> Value {
    let claims = claims(token);
    json!({"jti": claims["jti"], "client": claims["client_id"], "gen": claims["gen"]})
}

/// Asserts that an exchange is refused, with an error that says why.
#[track_caller]
fn assert_refused(answer: &Answer, code: &str, why: &str) {
    answer.assert_error(400, code);
    assert!(answer.text().contains(why), "{}", answer.text());
}
