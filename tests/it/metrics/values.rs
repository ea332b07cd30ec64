//! Each metric moves when it should, and by how much.

use token_server::app::NewClient;
use token_server::domain::ClientId;

use super::Operator;
use super::wire::until;
use crate::harness::{BY, CLIENT, NOW, TestApp};

const DAY: i64 = 86_400;

#[tokio::test]
async fn requests_are_counted_by_route_and_class_of_status() {
    let test = TestApp::new().await;
    let (operator, secret) = (Operator::of(&test), test.client().await);

    let token = test.token(&secret).await;
    test.verify(&token).await;
    test.verify("nonsense").await;
    test.get("/nowhere").await;
    test.get("/authorize").await;
    let page = operator.page().await;

    let count = |route: &str, code: &str| {
        page.get(&format!(
            "http_requests_total{{route=\"{route}\",code=\"{code}\"}}"
        ))
    };
    assert_eq!(
        (count("/authorize", "2xx"), count("/authorize", "4xx")),
        (1, 1)
    );
    assert_eq!((count("/verify", "2xx"), count("/verify", "4xx")), (1, 1));
    assert_eq!((count("(none)", "4xx"), count("/token", "2xx")), (1, 0));
    let took = "http_request_duration_seconds";
    assert_eq!(page.get(&format!("{took}_count{{route=\"/verify\"}}")), 2);
    assert_eq!(
        page.get(&format!("{took}_bucket{{le=\"+Inf\",route=\"/verify\"}}")),
        2
    );
    assert!(page.is_positive(&format!("{took}_sum{{route=\"/verify\"}}")));
    assert_eq!(page.get("http_requests_in_flight{route=\"/verify\"}"), 0);
}

#[tokio::test]
async fn a_request_whose_caller_goes_is_in_flight_before_and_abandoned_after() {
    let test = TestApp::new().await;
    let operator = Operator::of(&test);
    let body = axum::body::Body::from_stream(futures_util::stream::pending::<
        Result<Vec<u8>, axum::Error>,
    >());
    let mut call = Box::pin(test.post("/authorize", "application/json", body));

    let polled = futures_util::poll!(&mut call);
    assert!(polled.is_pending());
    let during = operator.page().await;
    drop(call);
    let after = operator.page().await;

    let metrics = |page: &super::Page| {
        let of = |name: &str| page.get(&format!("http_requests_{name}{{route=\"/authorize\"}}"));
        (of("in_flight"), of("abandoned_total"))
    };
    assert_eq!(metrics(&during), (1, 0));
    assert_eq!(metrics(&after), (0, 1));
}

#[tokio::test]
async fn refusals_are_counted_by_their_code_and_tokens_by_their_reason() {
    let test = TestApp::new().await;
    let (operator, secret) = (Operator::of(&test), test.client().await);
    let token = test.token(&secret).await;
    let bearer = format!("Bearer {token}");
    let with_token = [("authorization", bearer.as_str())];

    test.authorize(CLIENT, "a guess").await;
    test.get("/verify").await;
    test.verify("nonsense").await;
    test.get_with("/verify?scope=delete", &with_token).await;
    test.get_with("/verify?audience=other", &with_token).await;
    test.app.tokens.revoke(BY, &token).await.unwrap();
    test.verify(&token).await;
    test.clock.advance(3_700);
    test.verify(&token).await;
    let page = operator.page().await;

    let refused = |error: &str| page.get(&format!("refusals_total{{error=\"{error}\"}}"));
    let codes = [
        "invalid_client",
        "missing_token",
        "invalid_token",
        "insufficient_scope",
    ];
    assert_eq!(codes.map(refused), [1, 1, 4, 1]);
    let verdicts = |reason: &str| page.get(&format!("tokens_refused_total{{reason=\"{reason}\"}}"));
    let reasons = [
        "malformed",
        "insufficient_scope",
        "wrong_audience",
        "revoked",
        "expired",
    ];
    assert_eq!(reasons.map(verdicts), [1; 5]);
    assert_eq!(verdicts("bad_signature"), 0);
    assert_eq!(page.get("revocations{of=\"token\"}"), 1);
    assert_eq!(page.get("tokens_issued_total"), 1);
}

/// An answer of 200 is no refusal, though the log has why the token is not active.
#[tokio::test]
async fn an_inactive_token_is_no_refusal_of_the_request() {
    let test = TestApp::new().await;
    let (operator, secret) = (Operator::of(&test), test.client().await);

    let userinfo = format!("{CLIENT}:{secret}");
    let answer = test
        .post_basic("/introspect", &userinfo, &[("token", "nonsense")])
        .await;
    let page = operator.page().await;

    assert_eq!(answer.status, 200);
    assert_eq!(page.get("refusals_total{error=\"invalid_token\"}"), 0);
    assert_eq!(page.get("tokens_refused_total{reason=\"malformed\"}"), 1);
}

#[tokio::test]
async fn what_is_remembered_is_a_hit_the_second_time() {
    let test = TestApp::new().await;
    let (operator, secret) = (Operator::of(&test), test.client().await);
    let asked = async |cache: &str| {
        let page = operator.page().await;
        let of = |what: &str| page.get(&format!("cache_{what}{{cache=\"{cache}\"}}"));
        (of("hits_total"), of("misses_total"), of("entries"))
    };

    let token = test.token(&secret).await;
    test.verify(&token).await;
    let caches = ["clients", "proved_secrets", "verified_tokens"];
    for cache in caches {
        assert_eq!(asked(cache).await, (0, 1, 1), "{cache}");
    }
    test.token(&secret).await;
    test.verify(&token).await;

    for cache in caches {
        assert_eq!(asked(cache).await, (1, 1, 1), "{cache}");
    }
    let page = operator.page().await;
    assert!(page.get("cache_bytes{cache=\"clients\"}") > 0);
    assert_eq!(page.get("cache_limit_bytes{cache=\"clients\"}"), 32 << 20);
    assert_eq!(
        page.get("lane_wait_seconds_count{lane=\"generated\"}"),
        2,
        "one to register, one to log in"
    );
    assert_eq!(page.find("cache_bytes{cache=\"proved_secrets\"}"), None);
}

#[tokio::test]
async fn throttled_logins_are_counted_by_what_was_too_much() {
    let settings = [
        ("THROTTLE_CLIENT_FAILURES", "1"),
        ("THROTTLE_SOURCE_FAILURES", "2"),
    ];
    let test = TestApp::with(&settings).await;
    let operator = Operator::of(&test);

    let mut statuses = Vec::new();
    for name in ["a", "a", "b", "c"] {
        statuses.push(test.authorize(name, "a guess").await.status);
    }
    let page = operator.page().await;

    assert_eq!(statuses, [401, 429, 401, 429]);
    assert_eq!(page.get("logins_throttled_total{by=\"client\"}"), 1);
    assert_eq!(page.get("logins_throttled_total{by=\"source\"}"), 1);
    assert_eq!(page.get("refusals_total{error=\"rate_limited\"}"), 2);
    assert_eq!(page.get("cache_entries{cache=\"failures\"}"), 3);
}

#[tokio::test]
async fn logins_that_find_the_queue_of_their_lane_full_are_counted() {
    let test = TestApp::with(&[("HASHING_QUEUE", "1"), ("ARGON2_CHOSEN", "m=19456,t=2,p=1")]).await;
    let operator = Operator::of(&test);

    let calls = (0..8).map(|_| test.authorize("nobody", "a guess"));
    let answers = futures_util::future::join_all(calls).await;
    // What is busy until then is counted just after it has answered.
    let page = until(&operator, |page| {
        page.is_positive("lane_busy_seconds_total{lane=\"chosen\"}")
    })
    .await;

    let refused = answers.iter().filter(|answer| answer.status == 503).count();
    assert!((1..8).contains(&refused));
    assert_eq!(
        page.get("lane_refused_total{lane=\"chosen\"}"),
        i64::try_from(refused).unwrap()
    );
    assert_eq!(page.get("lane_queue_limit{lane=\"chosen\"}"), 1);
    assert_eq!(page.get("lane_queue{lane=\"chosen\"}"), 0);
}

#[tokio::test]
async fn clients_whose_last_secret_ends_are_counted_by_how_soon() {
    let test = TestApp::new().await;
    let operator = Operator::of(&test);
    let add = async |id: &str, expires_in: &[Option<i64>]| {
        let id = ClientId::parse(id).unwrap();
        let new = NewClient {
            client_id: Some(id.clone()),
            ..NewClient::default()
        };
        test.app.clients.register(BY, new, None).await.unwrap();
        for seconds in expires_in {
            let ends_at = seconds.map(|seconds| NOW.plus(seconds));
            let secret = test.app.secrets.new_secret(None, ends_at).unwrap();
            test.app.secrets.add(BY, &id, secret).await.unwrap();
        }
    };
    add("lasting", &[None]).await;
    add("rotating", &[Some(DAY), None]).await;
    add("today", &[Some(3_600)]).await;
    add("this-week", &[Some(60), Some(5 * DAY)]).await;
    add("this-month", &[Some(20 * DAY)]).await;
    add("disabled", &[Some(3_600)]).await;
    let disabled = ClientId::parse("disabled").unwrap();
    let status = token_server::domain::ClientStatus::Disabled;
    test.set_client_status(&disabled, status).await;

    let count = async || {
        test.app.secrets.count_expiring().await.unwrap();
        let page = operator.page().await;
        ["past", "1d", "7d", "30d"]
            .map(|within| page.get(&format!("clients_last_secret_ends{{within=\"{within}\"}}")))
    };

    assert_eq!(count().await, [0, 1, 2, 3]);
    test.clock.advance(7_200);
    assert_eq!(count().await, [1, 0, 1, 2]);
}

#[tokio::test]
async fn signing_keys_are_counted_and_their_rotation_is_told() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256"), ("KEY_ROTATION", "30d")]).await;
    let operator = Operator::of(&test);

    let page = operator.page().await;
    let state = |state: &str| page.get(&format!("signing_keys{{state=\"{state}\"}}"));
    assert_eq!(["next", "active", "retired"].map(state), [1, 1, 0]);
    let due = "signing_key_rotation_due_timestamp_seconds";
    assert_eq!(page.get(due), NOW.0 + 30 * DAY);

    let symmetric = TestApp::new().await;
    assert_eq!(Operator::of(&symmetric).page().await.find(due), None);
}
