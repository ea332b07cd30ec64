//! What is refused because there is too much of it, and that it is seen.

use axum::body::Body;
use futures_util::{poll, stream};

use super::Operator;
use super::operator;
use super::wire::until;
use crate::admin::{Browser, PASSWORD, create};
use crate::harness::{Answer, Served, TestApp};

/// A login whose body never comes.
async fn waiting(test: &TestApp) -> Answer {
    let body = Body::from_stream(stream::pending::<Result<Vec<u8>, axum::Error>>());
    test.post("/authorize", "application/json", body).await
}

#[tokio::test]
async fn beyond_max_requests_a_route_answers_503_and_others_go_on() {
    let test = TestApp::with(&[("MAX_REQUESTS", "2")]).await;
    let (operator, secret) = (Operator::of(&test), test.client().await);
    let token = test.token(&secret).await;
    let mut one = Box::pin(waiting(&test));
    let mut another = Box::pin(waiting(&test));
    assert!(poll!(&mut one).is_pending() && poll!(&mut another).is_pending());

    let refused = test.authorize("billing", &secret).await;
    let page = operator.page().await;

    refused.assert_error(503, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(page.get("http_requests_limit"), 2);
    let over = |route| {
        page.get(&format!(
            "http_requests_over_limit_total{{route=\"{route}\"}}"
        ))
    };
    assert_eq!((over("/authorize"), over("/verify")), (1, 0));
    assert_eq!(page.get("http_requests_in_flight{route=\"/authorize\"}"), 2);
    assert_eq!(test.verify(&token).await.status, 200);
    drop(one);
    test.token(&secret).await;
}

#[tokio::test]
async fn throttled_admins_are_counted_by_what_was_too_much() {
    let test = TestApp::with(&[
        ("ADMIN_THROTTLE_FAILURES", "1"),
        ("ADMIN_THROTTLE_SOURCE_FAILURES", "2"),
    ])
    .await;
    let operator = Operator::of(&test);
    create(&test, "olga", token_server::domain::AdminRole::Owner).await;

    let mut statuses = Vec::new();
    for (who, password) in [
        ("olga", "wrong"),
        ("olga", PASSWORD),
        ("omar", "wrong"),
        ("vera", "wrong"),
    ] {
        let mut browser = Browser::new(&test);
        statuses.push(browser.log_in(who, password).await.status);
    }
    let page = operator.page().await;

    assert_eq!(statuses, [401, 429, 401, 429]);
    let throttled = |by| page.get(&format!("admin_logins_throttled_total{{by=\"{by}\"}}"));
    let by = ["source_and_account", "source", "account", "code"];
    assert_eq!(by.map(throttled), [1, 1, 0, 0]);
}

#[tokio::test]
async fn connections_to_the_portals_own_address_are_told_apart() {
    let served = Served::start(&[("ADMIN_LISTEN", "127.0.0.1:1")]).await;
    let operator = operator(&served);
    let admin = served.serve_admin();

    let portal = served.connect_to(admin).await.unwrap();
    let page = until(&operator, |page| {
        page.get("tls_handshakes_total{listener=\"admin\",version=\"1.3\",resumed=\"false\"}") == 1
    })
    .await;

    let metrics = |listener| {
        let of = |name| page.get(&format!("connections{name}{{listener=\"{listener}\"}}"));
        [of(""), of("_accepted_total"), of("_limit")]
    };
    assert_eq!(metrics("admin"), [1, 1, 16_384]);
    assert_eq!(metrics("main"), [0, 0, 16_384]);
    drop(portal);
}
