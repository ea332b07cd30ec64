//! How the proxy and the token-server get on.

use std::fs;
use std::path::Path;

use axum::http::StatusCode;
use tempfile::TempDir;

use crate::proxies::scene::peers::{Recorder, write_certificates};
use crate::proxies::scene::proxy::Proxy;
use crate::proxies::scene::{Scene, good_token};

pub(in crate::proxies) async fn bodies_and_cookies_arrive_and_are_not_shown_to_verify(
    proxy: &Proxy,
) {
    let token_server = Recorder::new(|_| StatusCode::OK);
    let scene = Scene::with_token_server(proxy, token_server.router()).await;
    // Larger than what token-server reads and than what a proxy holds in one buffer.
    let body: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    token_server.take();

    for content_type in [
        "application/octet-stream",
        "application/x-www-form-urlencoded",
    ] {
        let request = scene.request("POST", "/invoices").bearer_auth("x");
        let request = request
            .header("content-type", content_type)
            .header("cookie", "a=b");
        let answer = request.body(body.clone()).send().await.unwrap();

        assert_eq!(answer.status(), 200);
        let arrived = scene.arrived();
        assert!(arrived[0].body == body);
        assert_eq!(arrived[0].header("cookie"), ["a=b"]);
        let asked = &token_server.take()[0];
        assert!(asked.body.is_empty() && asked.header("cookie").is_empty());
        let announced = asked.header("content-length");
        assert!(
            announced.iter().all(|length| *length == "0"),
            "{announced:?}"
        );
    }
}

pub(in crate::proxies) async fn an_upload_of_two_megabytes_arrives_whole(proxy: &Proxy) {
    let (scene, test) = Scene::new(proxy).await;
    let token = good_token(&test).await;
    let body: Vec<u8> = (0..524_288_u32).flat_map(u32::to_le_bytes).collect();
    assert_eq!(body.len(), 2 * 1024 * 1024);

    for method in ["POST", "PUT"] {
        for request in [
            scene.request(method, "/invoices/7"),
            scene.request_1_1(method, "/invoices/7"),
        ] {
            let request = request.bearer_auth(&token).body(body.clone());
            let answer = request.send().await.unwrap();

            assert_eq!(answer.status(), 200);
            let arrived = scene.arrived();
            assert_eq!(arrived.len(), 1);
            assert!(arrived[0].body == body, "{} bytes", arrived[0].body.len());
        }
    }
}

pub(in crate::proxies) async fn nothing_passes_while_the_token_server_is_down(proxy: &Proxy) {
    let (mut scene, test) = Scene::new(proxy).await;
    let token = good_token(&test).await;
    assert_eq!(scene.get(&token).await.status(), 200);
    scene.arrived();

    scene.stop_token_server().await;

    for _ in 0..3 {
        let status = scene.get(&token).await.status();
        assert!(status.is_server_error(), "{status}");
    }
    assert!(scene.arrived().is_empty());
}

pub(in crate::proxies) async fn a_token_server_with_another_ca_is_not_believed(proxy: &Proxy) {
    nothing_passes_with(proxy, |folder| {
        let another = TempDir::new().unwrap();
        write_certificates(another.path());
        fs::copy(another.path().join("ca.pem"), folder.join("ca.pem")).unwrap();
    })
    .await;
}

pub(in crate::proxies) async fn a_token_server_with_another_name_is_not_believed(proxy: &Proxy) {
    nothing_passes_with(proxy, |folder| {
        for kind in ["pem", "key"] {
            let other = folder.join("other").with_extension(kind);
            let own = folder.join("token-server").with_extension(kind);
            fs::copy(other, own).unwrap();
        }
    })
    .await;
}

async fn nothing_passes_with(proxy: &Proxy, change: impl FnOnce(&Path)) {
    let token_server = Recorder::new(|_| StatusCode::OK);
    let service = Recorder::new(|_| "served");
    let scene = Scene::with(proxy, token_server.router(), service, change).await;

    let status = scene.get("x").await.status();

    assert!(status.is_server_error(), "{status}");
    assert!(scene.arrived().is_empty() && token_server.take().is_empty());
}

pub(in crate::proxies) async fn connections_to_the_token_server_are_kept(proxy: &Proxy) {
    let token_server = Recorder::new(|_| StatusCode::OK);
    let scene = Scene::with_token_server(proxy, token_server.router()).await;

    for _ in 0..20 {
        assert_eq!(scene.get("x").await.status(), 200);
    }

    let mut from: Vec<_> = token_server.take().iter().map(|asked| asked.from).collect();
    assert_eq!(from.len(), 20);
    from.sort_unstable();
    from.dedup();
    // One for each thread or process of the proxy, at most.
    assert!(from.len() <= 4, "{from:?}");
}
