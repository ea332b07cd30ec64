use super::proxy::{Place, Proxy};

const TRAEFIK: Proxy = Proxy {
    program: "traefik",
    configure,
};

super::keeps_every_promise!(TRAEFIK, ignore = "needs traefik");

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
    let file = place.example(
        "traefik.yml",
        &[
            (":443", &format!("127.0.0.1:{}", place.port)),
            ("/etc/traefik/dynamic.yml", &dynamic),
        ],
    );
    vec![format!("--configFile={file}")]
}
