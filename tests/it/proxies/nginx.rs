use axum::http::StatusCode;

use super::scene::peers::Recorder;
use super::scene::proxy::{PLAIN, Place, Proxy, Removes};
use super::scene::{Scene, good_token};

const NGINX: Proxy = Proxy {
    program: "nginx",
    examples: PLAIN,
    configure,
    certificate_header: "client-cert",
    fixes_host: true,
    merges_slashes: false,
    removes: Removes::Names,
    hands_on_nonces: true,
};

super::keeps_every_promise_with_each_example!(NGINX);

#[tokio::test]
#[ignore = "interop"]
async fn the_location_that_asks_cannot_be_asked_from_outside() {
    let token_server = Recorder::new(|_| StatusCode::OK);
    let scene = Scene::with_token_server(&NGINX, token_server.router()).await;

    let answer = scene.request("GET", "/_verify").bearer_auth("x").send();

    assert_eq!(answer.await.unwrap().status(), 404);
    assert!(scene.arrived().is_empty() && token_server.take().is_empty());
}

/// Other configurations than the example's ask with the length of a body that they do not send.
#[tokio::test]
#[ignore = "interop"]
async fn a_length_that_comes_without_its_body_does_not_matter_to_verify() {
    const PASSING: Proxy = Proxy {
        configure: configure_with_length,
        ..NGINX
    };
    let (scene, test) = Scene::new(&PASSING).await;
    let token = good_token(&test).await;

    // The second over whatever connection is left of the first.
    for _ in 0..2 {
        let request = scene.request("POST", "/invoices").bearer_auth(&token);
        let answer = request.body(vec![b'x'; 300_000]).send().await.unwrap();

        assert_eq!(answer.status(), 200);
        assert_eq!(scene.arrived()[0].body.len(), 300_000);
    }
}

/// As a proxy that ends TLS in front of token-server itself.
#[tokio::test]
#[ignore = "interop"]
async fn in_front_of_token_server_each_caller_gets_its_own_refusal() {
    const BUFFERING: Proxy = Proxy {
        configure: |place| configure_in_front(place, "on"),
        ..NGINX
    };
    const STREAMING: Proxy = Proxy {
        configure: |place| configure_in_front(place, "off"),
        ..NGINX
    };

    for proxy in [BUFFERING, STREAMING] {
        let (scene, _test) = Scene::new(&proxy).await;
        for n in 0..40 {
            let (method, path, size, status) = [
                ("POST", "/authorize", 2 * 1024 * 1024, 413),
                ("POST", "/nowhere", 50_000, 404),
                ("PUT", "/authorize", 1_000, 405),
                ("GET", "/verify", 10_000, 401),
                ("POST", "/admin/api/v1/clients", 60_000, 401),
            ][n % 5];
            let request = scene.request_1_1(method, path).body(vec![b'x'; size]);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), status, "{n}: {method} {path}");
            let text = answer.text().await.unwrap();
            assert!(text.contains("error_description"), "{text}");
        }
    }
}

fn configure_in_front(place: &Place, buffering: &str) -> Vec<String> {
    let site = format!(
        "upstream token_server {{ server 127.0.0.1:{}; keepalive 32; }}\n\
         server {{\nlisten 127.0.0.1:{} ssl;\nssl_certificate {};\nssl_certificate_key {};\n\
         client_max_body_size 16m;\nlocation / {{\nproxy_pass https://token_server;\nproxy_http_version 1.1;\n\
         proxy_set_header Connection \"\";\nproxy_set_header Host $host;\nproxy_request_buffering {buffering};\n}}\n}}\n",
        place.token_server,
        place.port,
        place.file("site.pem"),
        place.file("site.key"),
    );
    run(place, &place.write("site.conf", &site))
}

fn configure(place: &Place) -> Vec<String> {
    configure_with(place, &[])
}

fn configure_with_length(place: &Place) -> Vec<String> {
    let emptied = r#"proxy_set_header Content-Length "";"#;
    let passed = "proxy_set_header Content-Length $content_length;";
    configure_with(place, &[(emptied, passed)])
}

fn configure_with(place: &Place, changed: &[(&str, &str)]) -> Vec<String> {
    let placed = &[
        (
            "token-server.internal:2600",
            &*format!("127.0.0.1:{}", place.token_server),
        ),
        ("127.0.0.1:8080", &*format!("127.0.0.1:{}", place.service)),
        (
            "listen 443 ssl",
            &*format!("listen 127.0.0.1:{} ssl", place.port),
        ),
        (
            "/etc/ssl/invoices.example.com.pem",
            &*place.file("site.pem"),
        ),
        (
            "/etc/ssl/invoices.example.com.key",
            &*place.file("site.key"),
        ),
        ("/etc/ssl/token-server-ca.pem", &*place.file("ca.pem")),
    ];
    run(
        place,
        &place.example("nginx.conf", &[&placed[..], changed].concat()),
    )
}

/// The arguments with which nginx serves this site.
pub(super) fn run(place: &Place, site: &str) -> Vec<String> {
    // What Debian's own nginx.conf has around the site, without its paths, which only root may write. Its
    // workers stay root when it is run by root, since the folder is private.
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {};\n", place.file(kind)));
    let main = format!(
        "daemon off;\nuser root;\npid {};\nerror_log stderr notice;\nevents {{}}\nhttp {{\naccess_log off;\n{}include {site};\n}}\n",
        place.file("nginx.pid"),
        temporary.concat(),
    );
    let main = place.write("main.conf", &main);
    ["-c", &main, "-e", "stderr"].map(str::to_owned).to_vec()
}
