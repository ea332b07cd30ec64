//! nginx and HAProxy of `docs/deploy`, which end TLS in front of a token-server without it: what a caller is, they tell, and
//! what a caller says of itself, they do not.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rcgen::CertificateParams;
use reqwest::{Client, Response};
use serde_json::Value;
use tempfile::TempDir;

use super::scene::proxy::{Place, Proxy, Removes, Running};
use crate::harness::{CLIENT, Holder, Prover, ServedPlain};

const EXAMPLES: &str = "docs/deploy";

/// The name in the examples.
const SITE: &str = "tokens.example.com";

const ISSUER: &str = "https://tokens.example.com";

mod nginx {
    use super::{EXAMPLES, Place, Proxy, Removes};

    const NGINX: Proxy = Proxy {
        program: "nginx",
        examples: EXAMPLES,
        configure,
        certificate_header: "client-cert",
        fixes_host: false,
        merges_slashes: false,
        removes: Removes::Names,
        hands_on_nonces: true,
    };

    fn configure(place: &Place) -> Vec<String> {
        let socket = format!("server unix:{};", place.file("plain.sock"));
        let site = place.example(
            "nginx.conf",
            &[
                ("server unix:/run/token-server/plain.sock;", &socket),
                (
                    "listen 443 ssl",
                    &format!("listen 127.0.0.1:{} ssl", place.port),
                ),
                ("/etc/ssl/tokens.example.com.pem", &place.file("site.pem")),
                ("/etc/ssl/tokens.example.com.key", &place.file("site.key")),
            ],
        );
        crate::proxies::nginx::run(place, &site)
    }

    super::keeps_every_promise_in_front!(NGINX, true);
}

mod haproxy {
    use super::{EXAMPLES, Place, Proxy, Removes};

    const HAPROXY: Proxy = Proxy {
        program: "haproxy",
        examples: EXAMPLES,
        configure,
        certificate_header: "client-cert",
        fixes_host: false,
        merges_slashes: false,
        removes: Removes::Pattern,
        hands_on_nonces: true,
    };

    fn configure(place: &Place) -> Vec<String> {
        let pair = ["site.pem", "site.key"];
        let pair = pair.map(|name| std::fs::read_to_string(place.file(name)).unwrap());
        let pair = place.write("pair.pem", &pair.concat());
        let file = place.example(
            "haproxy.cfg",
            &[
                ("bind :443", &format!("bind 127.0.0.1:{}", place.port)),
                ("/etc/haproxy/tokens.example.com.pem", &pair),
                (
                    "/etc/ssl/certs/ca-certificates.crt",
                    &place.file("site.pem"),
                ),
                (
                    "127.0.0.1:2680",
                    &format!("127.0.0.1:{}", place.token_server),
                ),
            ],
        );
        ["-db", "-f", &file].map(str::to_owned).to_vec()
    }

    super::keeps_every_promise_in_front!(HAPROXY, false);
}

macro_rules! keeps_every_promise_in_front {
    ($proxy:expr, $over_unix:expr) => {
        crate::proxies::ends_tls::keeps_every_promise_in_front! { @each $proxy, $over_unix,
            failures_are_counted_for_each_caller
            a_proof_for_the_url_below_issuer_is_good
            a_token_is_bound_to_the_certificate_of_the_caller
            nobody_says_whose_certificate_it_is_but_the_proxy
            challenges_and_documents_arrive_as_they_are
            the_portal_is_there_when_it_is_asked_for
        }
    };
    (@each $proxy:expr, $over_unix:expr, $($promise:ident)*) => {
        $(
            #[tokio::test]
            #[ignore = "interop"]
            async fn $promise() {
                crate::proxies::ends_tls::$promise(&$proxy, $over_unix).await;
            }
        )*
    };
}
use keeps_every_promise_in_front;

struct Scene {
    // First, so that it ends while the server still answers.
    proxy: Running,
    served: ServedPlain,
    port: u16,
    root: Vec<u8>,
    _folder: TempDir,
}

impl Scene {
    async fn new(proxy: &Proxy, over_unix: bool, settings: &[(&str, &str)]) -> Self {
        // Several tests race to be the first; the provider is the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        let made = rcgen::generate_simple_self_signed([SITE.to_owned()]).unwrap();
        std::fs::write(folder.path().join("site.pem"), made.cert.pem()).unwrap();
        let key = made.signing_key.serialize_pem();
        std::fs::write(folder.path().join("site.key"), key).unwrap();
        let behind = [
            ("ISSUER", ISSUER),
            ("TRUSTED_PROXIES", "127.0.0.1"),
            ("CLIENT_ADDRESS_FROM", "x-forwarded-for"),
            ("CLIENT_CERT_HEADER", "Client-Cert"),
        ];
        let settings = [&behind, settings].concat();
        let served = if over_unix {
            ServedPlain::at(&folder.path().join("plain.sock"), &settings).await
        } else {
            ServedPlain::start(&settings).await
        };
        let place = Place {
            examples: proxy.examples,
            folder: folder.path().to_owned(),
            port: crate::clients::free_port(),
            token_server: served.address.port(),
            service: 0,
        };
        let scene = Self {
            proxy: Running::start(proxy, &place),
            served,
            port: place.port,
            root: made.cert.der().to_vec(),
            _folder: folder,
        };
        // Another process, which is waited for in real time.
        for _ in 0..1_000 {
            let asked = scene
                .client(1, None)
                .get(scene.url("/healthz"))
                .send()
                .await;
            if asked.is_ok_and(|answer| answer.status() == 200) {
                return scene;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        panic!("the proxy did not come up: {}", scene.proxy.log());
    }

    /// A caller at 127.0.0.`last`, with a certificate if it has one.
    fn client(&self, last: u8, holder: Option<&Holder>) -> Client {
        let root = reqwest::Certificate::from_der(&self.root).unwrap();
        let client = Client::builder()
            .tls_certs_only([root])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .local_address(IpAddr::from([127, 0, 0, last]))
            .resolve(SITE, SocketAddr::from(([127, 0, 0, 1], self.port)));
        match holder {
            Some(holder) => client.identity(holder.identity()),
            None => client,
        }
        .build()
        .unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("https://{SITE}:{}{path}", self.port)
    }

    async fn log_in(&self, client: &Client, secret: &str, headers: &[(&str, &str)]) -> Response {
        let form = [("client_id", CLIENT), ("client_secret", secret)];
        let mut request = client.post(self.url("/authorize")).form(&form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }
}

async fn failures_are_counted_for_each_caller(proxy: &Proxy, over_unix: bool) {
    let one = [("THROTTLE_SOURCE_FAILURES", "1")];
    let scene = Scene::new(proxy, over_unix, &one).await;
    let secret = scene.served.test.client().await;
    let (guesser, other) = (scene.client(2, None), scene.client(3, None));
    assert_eq!(scene.log_in(&guesser, "wrong", &[]).await.status(), 401);

    // What it says of itself is not heard.
    for headers in [
        &[][..],
        &[("x-forwarded-for", "127.0.0.9")],
        &[("forwarded", "for=127.0.0.9")],
        &[("x-real-ip", "127.0.0.9")],
    ] {
        let answer = scene.log_in(&guesser, &secret, headers).await;
        assert_eq!(answer.status(), 429, "{headers:?}");
    }
    assert_eq!(scene.log_in(&other, &secret, &[]).await.status(), 200);
}

async fn a_proof_for_the_url_below_issuer_is_good(proxy: &Proxy, over_unix: bool) {
    let scene = Scene::new(proxy, over_unix, &[]).await;
    let secret = scene.served.test.client().await;
    let (client, prover) = (scene.client(2, None), Prover::new("ES256"));
    let forged = [
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", "/evil"),
    ];

    let proof = prover.prove("POST", &format!("{ISSUER}/authorize"));
    let headers = [&forged[..], &[("dpop", &proof)]].concat();
    let answer = scene.log_in(&client, &secret, &headers).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["token_type"], "DPoP");

    let token = answer["token"].as_str().unwrap();
    let proof = prover.prove_with("GET", &format!("{ISSUER}/verify"), token);
    let mut request = client.get(scene.url("/verify"));
    for (name, value) in forged {
        request = request.header(name, value);
    }
    let request = request.header("authorization", format!("DPoP {token}"));
    let verified = request.header("dpop", proof).send().await.unwrap();
    assert_eq!(verified.status(), 200, "{:?}", verified.text().await);
}

async fn a_token_is_bound_to_the_certificate_of_the_caller(proxy: &Proxy, over_unix: bool) {
    let scene = Scene::new(proxy, over_unix, &[]).await;
    let secret = scene.served.test.certificate_bound_client().await;
    let holder = Holder::self_signed(&CertificateParams::default());
    let (with, without) = (scene.client(2, Some(&holder)), scene.client(2, None));

    let refused = scene.log_in(&without, &secret, &[]).await;
    assert_eq!(refused.status(), 400);
    let text = refused.text().await.unwrap();
    assert!(text.contains("bound to its certificate"), "{text}");

    let answer: Value = scene
        .log_in(&with, &secret, &[])
        .await
        .json()
        .await
        .unwrap();
    let token = answer["token"].as_str().unwrap();
    for (client, status) in [(&with, 200), (&without, 401)] {
        let asked = client.get(scene.url("/verify")).bearer_auth(token);
        assert_eq!(asked.send().await.unwrap().status(), status);
    }
}

async fn nobody_says_whose_certificate_it_is_but_the_proxy(proxy: &Proxy, over_unix: bool) {
    let scene = Scene::new(proxy, over_unix, &[]).await;
    let secret = scene.served.test.certificate_bound_client().await;
    let holder = Holder::self_signed(&CertificateParams::default());
    let stolen = super::bound::rfc_9440(&holder);

    let forged = [("client-cert", &*stolen)];
    let answer = scene.log_in(&scene.client(2, None), &secret, &forged).await;

    assert_eq!(answer.status(), 400);
}

async fn challenges_and_documents_arrive_as_they_are(proxy: &Proxy, over_unix: bool) {
    let scene = Scene::new(proxy, over_unix, &[]).await;
    let client = scene.client(2, None);

    let refused = client.get(scene.url("/verify")).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with("Bearer"), "{challenge}");

    let home = client.get(scene.url("/")).header("accept", "text/html");
    let home = home.send().await.unwrap();
    assert!(home.headers().contains_key("strict-transport-security"));

    let path = "/.well-known/oauth-authorization-server";
    let metadata = client.get(scene.url(path)).send().await.unwrap();
    let metadata: Value = metadata.json().await.unwrap();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["token_endpoint"], format!("{ISSUER}/token"));

    let too_large = client
        .post(scene.url("/authorize"))
        .body(vec![b'x'; 2 << 20]);
    assert_eq!(too_large.send().await.unwrap().status(), 413);
}

async fn the_portal_is_there_when_it_is_asked_for(proxy: &Proxy, over_unix: bool) {
    for (settings, status) in [(&[][..], 404), (&[("PLAIN_ADMIN", "on")], 401)] {
        let scene = Scene::new(proxy, over_unix, settings).await;
        let form = [("name", "nobody"), ("password", "a wrong password")];
        let login = scene.client(2, None).post(scene.url("/admin/login"));
        let origin = format!("https://{SITE}:{}", scene.port);
        let login = login.header("origin", origin).form(&form);
        assert_eq!(login.send().await.unwrap().status(), status);
    }
}
