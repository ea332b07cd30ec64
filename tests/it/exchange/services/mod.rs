//! Real services over real replicas: every one of them is a process, and what ends a chain ends it at both replicas. How long
//! that takes `bench/faults --only chain-ended` measures.

mod chain;
mod replicas;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use chain::{Chain, SERVICES, register_service};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/call-chains");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/call-chains.md");

/// Nobody waits for longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// How each language is run, in the order of the chain.
const LANGUAGES: [(&str, &str); 4] = [
    ("node", "middle.mjs"),
    ("python3", "middle.py"),
    ("go", "middle.go"),
    ("java", "Middle.java"),
];

fn audience(service: &str) -> String {
    format!("https://{service}.test")
}

fn secret(client: &str) -> String {
    format!("the-secret-of-{client}-in-tests")
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(in_time.is_ok(), "never: {what}");
}

/// One test, since the chain takes long to start.
#[tokio::test(flavor = "multi_thread")]
async fn services_in_four_languages_call_one_another_on_behalf_of_an_app_and_end_together() {
    let chain = Chain::start().await;

    each_service_knows_for_whom_it_is_called(&chain).await;
    the_first_token_is_revoked(&chain).await;
    all_tokens_of_the_app_are_revoked_while_a_replica_exchanges_them(&chain).await;
    the_second_service_is_disabled(&chain).await;
    the_client_of_the_third_service_is_deleted(&chain).await;
}

async fn each_service_knows_for_whom_it_is_called(chain: &Chain) {
    let token = chain.token("app").await;
    // The second time every service has its token still.
    for _ in 0..2 {
        let (status, claims) = chain.call(&token).await;
        assert_eq!(status, 200, "{claims}");
        assert_eq!(
            (&claims["sub"], &claims["metadata"]),
            (&json!("app"), &json!({"of": "app"}))
        );
        assert_eq!(actors(&claims["act"]), ["c", "b", "a"]);
    }
    let (status, _) = chain.call("nonsense").await;
    assert_eq!(status, 401);
}

/// The actors from the outermost one on.
fn actors(act: &Value) -> Vec<&str> {
    let nested = std::iter::successors(Some(act), |act| act.get("act"));
    nested.filter_map(|act| act["sub"].as_str()).collect()
}

async fn the_first_token_is_revoked(chain: &Chain) {
    let tokens = chain.tokens("app").await;
    let others = chain.tokens("other-app").await;

    let form = [("token", &*tokens[0])];
    let (status, _) = chain.replicas.post(0, "/revoke", "app", &form).await;

    assert_eq!(status, 200);
    chain.assert_ended(&tokens, &others).await;
    assert_eq!(chain.call(&tokens[0]).await.0, 401);
    assert_eq!(chain.call(&others[0]).await.0, 200);
    chain.tokens("app").await;
}

async fn all_tokens_of_the_app_are_revoked_while_a_replica_exchanges_them(chain: &Chain) {
    let mut tokens = chain.tokens("app").await;
    let others = chain.tokens("other-app").await;
    let replicas = &chain.replicas;
    let mut given = Vec::new();

    let exchanging = until("it is refused", async || {
        let target = audience(SERVICES[2]);
        let token = replicas.exchange(1, "b", &tokens[1], &target).await;
        given.extend(token.clone());
        token.is_none()
    });
    let revoking = replicas.operate(&["client", "revoke-tokens", "app", "--yes"], "");
    tokio::join!(exchanging, revoking);

    assert!(!given.is_empty());
    tokens.append(&mut given);
    chain.assert_ended(&tokens, &others).await;
    assert_eq!(chain.call(&tokens[0]).await.0, 401);
    assert_eq!(chain.call(&others[0]).await.0, 200);
    chain.tokens("app").await;
}

async fn the_second_service_is_disabled(chain: &Chain) {
    let chains = [chain.tokens("app").await, chain.tokens("other-app").await];

    let disable = ["client", "disable", SERVICES[1], "--yes"];
    chain.replicas.operate(&disable, "").await;

    for tokens in &chains {
        // The app's, the first service's; and what the second one got.
        chain.assert_ended(&tokens[2..], &tokens[..2]).await;
        assert_ne!(chain.call(&tokens[0]).await.0, 200);
    }
    let enable = ["client", "enable", SERVICES[1]];
    chain.replicas.operate(&enable, "").await;
    works_again(chain).await;
    for tokens in &chains {
        chain.assert_ended(&tokens[2..], &tokens[..2]).await;
    }
}

/// Asks seldom, since a client that is refused too often is throttled.
async fn works_again(chain: &Chain) {
    until("it works again", async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let token = chain.token("app").await;
        chain.call(&token).await.0 == 200
    })
    .await;
}

async fn the_client_of_the_third_service_is_deleted(chain: &Chain) {
    let chains = [chain.tokens("app").await, chain.tokens("other-app").await];

    let delete = ["client", "delete", SERVICES[2], "--yes"];
    chain.replicas.operate(&delete, "").await;

    for tokens in &chains {
        chain.assert_ended(&tokens[3..], &tokens[..3]).await;
        assert_ne!(chain.call(&tokens[0]).await.0, 200);
    }
    // Another client of its name gets no token back.
    register_service(&chain.replicas, 2).await;
    works_again(chain).await;
    for tokens in &chains {
        chain.assert_ended(&tokens[3..], &tokens[..3]).await;
    }
}

#[test]
fn every_snippet_on_the_page_is_part_of_a_service_that_is_run() {
    let page = fs::read_to_string(PAGE).unwrap();
    let mut snippets = BTreeMap::new();
    for (_, file) in LANGUAGES {
        let text = fs::read_to_string(Path::new(FOLDER).join(file)).unwrap();
        let (_, rest) = text.split_once(" snippet: ").unwrap();
        let (name, rest) = rest.split_once('\n').unwrap();
        let lines = rest.lines().take_while(|line| {
            let line = line.trim_start();
            line != "// end" && line != "# end"
        });
        let lines: Vec<&str> = lines.collect();
        let inked = lines.iter().filter(|line| !line.is_empty());
        let depth = |line: &&str| line.len() - line.trim_start().len();
        let margin = inked.map(depth).min().unwrap();
        let cut = lines
            .iter()
            .map(|line| line.get(margin..).unwrap_or_default());
        let snippet = cut.collect::<Vec<_>>().join("\n").trim_end().to_owned();
        assert!(
            page.contains(&snippet),
            "docs/call-chains.md has not:\n{snippet}"
        );
        snippets.insert(name.to_owned(), snippet);
    }
    assert_eq!(snippets.len(), LANGUAGES.len());
}
