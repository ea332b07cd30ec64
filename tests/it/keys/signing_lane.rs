//! RSA signatures are made in a lane of their own; the others at once.

use futures_util::future::join_all;

use super::{PAIRS, signing};
use crate::harness::{CLIENT, TestApp};

fn signatures(test: &TestApp) -> u64 {
    let metrics = test.app.metrics();
    let [.., lane] = metrics.lanes;
    assert_eq!(lane.name, "signing");
    lane.waited.count()
}

#[tokio::test]
async fn only_rsa_signatures_are_made_in_the_lane() {
    for alg in PAIRS.into_iter().chain(["HS256"]) {
        let test = signing(alg).await;
        let secret = test.client().await;

        test.token(&secret).await;
        test.token(&secret).await;

        let expected = if ["RS256", "PS256"].contains(&alg) {
            2
        } else {
            0
        };
        assert_eq!(signatures(&test), expected, "{alg}");
    }
}

#[tokio::test]
async fn a_dry_run_and_a_signed_introspection_are_signed_in_the_lane() {
    let test = signing("RS256").await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let before = signatures(&test);

    let explained = test.app.tokens.explain(CLIENT, None, None).await.unwrap();
    assert!(explained.granted);
    assert_eq!(signatures(&test) - before, 1);

    let body = crate::harness::form(&[
        ("token", &token),
        ("client_id", CLIENT),
        ("client_secret", &secret),
    ]);
    let request = axum::http::Request::post("/introspect")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/token-introspection+jwt")
        .body(axum::body::Body::from(body));
    let answer = test.call(request.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(signatures(&test) - before, 2);
}

#[tokio::test]
async fn readiness_does_not_depend_on_the_lane() {
    let test = TestApp::with(&[("SIGNING_ALG", "RS256")]).await;

    assert_eq!(test.get("/readyz").await.status, 200);

    assert_eq!(signatures(&test), 0);
}

#[tokio::test]
async fn beyond_the_queue_of_the_lane_a_token_is_503() {
    let settings = [
        ("SIGNING_ALG", "RS256"),
        ("SIGNING_THREADS", "1"),
        ("SIGNING_QUEUE", "1"),
    ];
    let test = TestApp::with(&settings).await;
    let secret = test.client().await;
    let token = test.token(&secret).await;

    let answers = join_all((0..50).map(|_| test.authorize(CLIENT, &secret))).await;

    let (good, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.status == 200);
    assert!(!good.is_empty() && !refused.is_empty());
    for answer in &refused {
        answer.assert_error(503, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), "1");
    }
    let [.., lane] = test.app.metrics().lanes;
    assert_eq!(lane.refused, refused.len() as u64);
    assert_eq!(test.verify(&token).await.status, 200);
}
