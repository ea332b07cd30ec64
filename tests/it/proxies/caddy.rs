use super::scene::peers::SITE;
use super::scene::proxy::{BOUND, PLAIN, Place, Proxy, Removes};

const CADDY: Proxy = Proxy {
    program: "caddy",
    examples: PLAIN,
    configure,
    certificate_header: "client-cert",
    fixes_host: true,
    merges_slashes: false,
    removes: Removes::Pattern,
    hands_on_nonces: true,
};

super::keeps_every_promise_with_each_example!(CADDY);

fn configure(place: &Place) -> Vec<String> {
    // The certificate is ours instead of one that Caddy would get; no ports but the one; and no time for farewells.
    let tls = format!("tls {} {}", place.file("site.pem"), place.file("site.key"));
    let site = format!(
        "{{\nadmin off\ngrace_period 50ms\nauto_https disable_redirects\n}}\n{SITE}:{} {{\nbind 127.0.0.1\n{tls}",
        place.port
    );
    // What the example says of TLS goes on behind that.
    let opening = if place.examples == BOUND {
        format!("\n{SITE} {{\n\ttls")
    } else {
        format!("\n{SITE} {{")
    };
    let file = place.example(
        "Caddyfile",
        &[
            (&opening, &format!("\n{site}")),
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
