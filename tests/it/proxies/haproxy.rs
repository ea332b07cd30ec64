use axum::http::StatusCode;

use super::scene::Scene;
use super::scene::peers::Recorder;
use super::scene::proxy::{PLAIN, Place, Proxy, Removes};

const HAPROXY: Proxy = Proxy {
    program: "haproxy",
    examples: PLAIN,
    configure,
    certificate_header: "client-cert",
    fixes_host: true,
    merges_slashes: false,
    removes: Removes::Pattern,
    hands_on_nonces: true,
};

super::keeps_every_promise_with_each_example!(HAPROXY);

#[tokio::test]
#[ignore = "interop"]
async fn a_script_that_fails_lets_nothing_pass() {
    let token_server = Recorder::new(|_| StatusCode::OK);
    let proxy = Proxy {
        configure: |place| {
            let arguments = configure(place);
            let script = std::fs::read_to_string(place.file("verify.lua")).unwrap();
            let failing = script.replace("    local answer =", "    local answer = nil +");
            assert_ne!(failing, script);
            place.write("verify.lua", &failing);
            arguments
        },
        ..HAPROXY
    };
    let scene = Scene::with_token_server(&proxy, token_server.router()).await;

    assert_eq!(scene.get("x").await.status(), 503);
    assert!(scene.arrived().is_empty());
}

fn configure(place: &Place) -> Vec<String> {
    // A socket without a file is one name for the whole machine.
    let socket = format!("abns@token-server-{}", place.port);
    let script = place.example("verify.lua", &[("abns@token-server", &socket)]);
    let pair =
        ["site.pem", "site.key"].map(|name| std::fs::read_to_string(place.file(name)).unwrap());
    let pair = place.write("pair.pem", &pair.concat());
    let file = place.example(
        "haproxy.cfg",
        &[
            ("abns@token-server", &socket),
            ("/etc/haproxy/verify.lua", &script),
            ("bind :443", &format!("bind 127.0.0.1:{}", place.port)),
            ("/etc/haproxy/invoices.example.com.pem", &pair),
            ("/etc/haproxy/token-server-ca.pem", &place.file("ca.pem")),
            (
                "token-server.internal:2600",
                &format!("127.0.0.1:{}", place.token_server),
            ),
            ("127.0.0.1:8080", &format!("127.0.0.1:{}", place.service)),
        ],
    );
    ["-db", "-f", &file].map(str::to_owned).to_vec()
}
