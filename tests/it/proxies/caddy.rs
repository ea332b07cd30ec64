use super::peers::SITE;
use super::proxy::{Place, Proxy};

const CADDY: Proxy = Proxy {
    program: "caddy",
    configure,
};

super::keeps_every_promise!(CADDY);

fn configure(place: &Place) -> Vec<String> {
    let tls = format!("tls {} {}", place.file("site.pem"), place.file("site.key"));
    // The certificate is ours instead of one that Caddy would get; and no ports but the one.
    let site = format!(
        "{{\nadmin off\nauto_https disable_redirects\n}}\n{SITE}:{} {{\nbind 127.0.0.1\n{tls}\n",
        place.port
    );
    let file = place.example(
        "Caddyfile",
        &[
            (&format!("{SITE} {{"), &site),
            (
                "token-server.internal:2600",
                &format!("localhost:{}", place.token_server),
            ),
            ("127.0.0.1:8080", &format!("127.0.0.1:{}", place.service)),
            ("/etc/ssl/token-server-ca.pem", &place.file("ca.pem")),
        ],
    );
    ["run", "--config", &file, "--adapter", "caddyfile"]
        .map(str::to_owned)
        .to_vec()
}
