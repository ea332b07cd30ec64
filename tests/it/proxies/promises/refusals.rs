//! What the caller gets to see of a request that did not pass.

use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::IntoResponse;

use crate::proxies::scene::peers::Recorder;
use crate::proxies::scene::proxy::Proxy;
use crate::proxies::scene::{AUDIENCE, SCOPE, Scene, good_token, token};

/// Status and challenge of an answer, which the service must not have had a part in.
async fn refusal(scene: &Scene, request: reqwest::RequestBuilder) -> (u16, Vec<String>) {
    let answer = request.send().await.unwrap();
    assert!(scene.arrived().is_empty());
    let challenges = answer.headers().get_all(WWW_AUTHENTICATE).iter();
    let challenges = challenges.map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), challenges.collect())
}

pub(in crate::proxies) async fn without_a_token_the_caller_is_challenged(proxy: &Proxy) {
    let (scene, _test) = Scene::new(proxy).await;

    for request in [
        scene.request("GET", "/invoices/7"),
        scene.request("GET", "/").basic_auth("billing", Some("x")),
        // A body that /verify would read, were it shown it.
        scene.request("POST", "/").form(&[("token", "x")]),
        scene.request("POST", "/").json(&["x"]),
    ] {
        let refused = refusal(&scene, request).await;
        let challenge = r#"Bearer realm="token-server""#.to_owned();
        assert_eq!(refused, (401, vec![challenge]));
    }
}

pub(in crate::proxies) async fn a_bad_token_is_refused_as_invalid(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let token = good_token(&test).await;

    for bad in ["x", &token[..token.len() - 1], &format!("{token}A")] {
        let request = scene.request("GET", "/").bearer_auth(bad);
        let (status, challenges) = refusal(&scene, request).await;
        assert_eq!((status, challenges.len()), (401, 1));
        assert!(
            challenges[0].contains(r#"error="invalid_token""#),
            "{challenges:?}"
        );
    }
}

pub(in crate::proxies) async fn a_token_for_another_audience_is_refused(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let token = token(&test, "other", SCOPE, "https://other.example.com").await;

    let request = scene.request("GET", "/").bearer_auth(token);
    let (status, challenges) = refusal(&scene, request).await;

    assert_eq!((status, challenges.len()), (401, 1));
    assert!(challenges[0].contains("audience"), "{challenges:?}");
}

pub(in crate::proxies) async fn a_missing_scope_is_refused_and_named(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let token = token(&test, "weak", "invoices.write", AUDIENCE).await;

    let request = scene.request("GET", "/").bearer_auth(token);
    let (status, challenges) = refusal(&scene, request).await;

    assert_eq!((status, challenges.len()), (403, 1));
    for part in [r#"error="insufficient_scope""#, r#"scope="invoices.read""#] {
        assert!(challenges[0].contains(part), "{challenges:?}");
    }
}

pub(in crate::proxies) async fn other_refusals_keep_their_meaning(proxy: &Proxy) {
    // The status is in the token.
    let token_server = Recorder::new(|asked| {
        let token = asked.header("authorization")[0].strip_prefix("Bearer ");
        let status = StatusCode::from_bytes(token.unwrap().as_bytes()).unwrap();
        (status, [(RETRY_AFTER, "7")], "{}").into_response()
    });
    let scene = Scene::with_token_server(proxy, token_server.router()).await;

    let busy = scene.get("429").await;
    assert_eq!(busy.status(), 429);
    assert_eq!(busy.headers()[RETRY_AFTER], "7");
    assert_eq!(scene.get("503").await.status(), 503);
    assert_eq!(scene.get("400").await.status(), 400);
    for status in ["500", "502", "504"] {
        let answer = scene.get(status).await.status();
        assert!(answer.is_server_error(), "{status} became {answer}");
    }
    for status in ["302", "404", "405", "431"] {
        let answer = scene.get(status).await.status();
        assert!(!answer.is_success(), "{status} became {answer}");
        assert!(
            !matches!(answer.as_u16(), 401 | 403),
            "{status} became {answer}"
        );
    }
    assert!(scene.arrived().is_empty());
}

pub(in crate::proxies) async fn the_services_own_refusals_are_left_alone(proxy: &Proxy) {
    let token_server = Recorder::new(|_| StatusCode::OK);
    let service = Recorder::new(|arrived| {
        let status = StatusCode::from_bytes(&arrived.target.as_bytes()[1..]).unwrap();
        (status, "the service's own")
    });
    let scene = Scene::with(proxy, token_server.router(), service, |_| {}).await;

    for status in [401, 403, 404, 500, 503] {
        let request = scene.request("GET", &format!("/{status}")).bearer_auth("x");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert!(!answer.headers().contains_key(WWW_AUTHENTICATE));
        assert_eq!(answer.text().await.unwrap(), "the service's own");
    }
}
