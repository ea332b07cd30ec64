use super::scene::proxy::{PLAIN, Place, Proxy, Removes};

const TRAEFIK: Proxy = Proxy {
    program: "traefik",
    examples: PLAIN,
    configure,
    certificate_header: "x-forwarded-tls-client-cert",
    fixes_host: false,
    merges_slashes: true,
    removes: Removes::Pattern,
    hands_on_nonces: false,
};

super::keeps_every_promise_with_each_example!(TRAEFIK);

fn configure(place: &Place) -> Vec<String> {
    let dynamic = place.example(
        "traefik-dynamic.yml",
        &[
            (
                "token-server.internal:2600",
                &format!("localhost:{}", place.token_server),
            ),
            ("127.0.0.1:8080", &format!("127.0.0.1:{}", place.service)),
            ("/etc/ssl/invoices.example.com.pem", &place.file("site.pem")),
            ("/etc/ssl/invoices.example.com.key", &place.file("site.key")),
            ("/etc/ssl/token-server-ca.pem", &place.file("ca.pem")),
        ],
    );
    // The same for both.
    let place = Place {
        examples: PLAIN,
        folder: place.folder.clone(),
        ..*place
    };
    let file = place.example(
        "traefik.yml",
        &[
            (":443", &format!("127.0.0.1:{}", place.port)),
            ("/etc/traefik/dynamic.yml", &dynamic),
        ],
    );
    vec![format!("--configFile={file}")]
}
