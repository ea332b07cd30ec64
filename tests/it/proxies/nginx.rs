use axum::http::StatusCode;

use super::peers::Recorder;
use super::proxy::{BOUND, PLAIN, Place, Proxy};
use super::scene::Scene;

const NGINX: Proxy = Proxy {
    program: "nginx",
    examples: PLAIN,
    configure,
    certificate_header: "client-cert",
    fixes_host: true,
    merges_slashes: false,
    hands_on_nonces: true,
};

super::keeps_every_promise!(NGINX);

/// With bound tokens.
mod bound {
    use super::{BOUND, Proxy};

    const NGINX: Proxy = Proxy {
        examples: BOUND,
        ..super::NGINX
    };

    crate::proxies::keeps_every_promise!(NGINX);
    crate::proxies::keeps_every_promise_of_bound_tokens!(NGINX);
}

#[tokio::test]
async fn the_location_that_asks_cannot_be_asked_from_outside() {
    let token_server = Recorder::new(|_| StatusCode::OK);
    let scene = Scene::with_token_server(&NGINX, token_server.router()).await;

    let answer = scene.request("GET", "/_verify").bearer_auth("x").send();

    assert_eq!(answer.await.unwrap().status(), 404);
    assert!(scene.arrived().is_empty() && token_server.take().is_empty());
}

fn configure(place: &Place) -> Vec<String> {
    let site = place.example(
        "nginx.conf",
        &[
            (
                "token-server.internal:2600",
                &format!("127.0.0.1:{}", place.token_server),
            ),
            ("127.0.0.1:8080", &format!("127.0.0.1:{}", place.service)),
            (
                "listen 443 ssl",
                &format!("listen 127.0.0.1:{} ssl", place.port),
            ),
            ("/etc/ssl/invoices.example.com.pem", &place.file("site.pem")),
            ("/etc/ssl/invoices.example.com.key", &place.file("site.key")),
            ("/etc/ssl/token-server-ca.pem", &place.file("ca.pem")),
        ],
    );
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
