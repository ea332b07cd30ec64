use super::scene::proxy::{PLAIN, Place, Proxy, Removes};

const ENVOY: Proxy = Proxy {
    program: "envoy",
    examples: PLAIN,
    configure,
    certificate_header: "client-cert",
    fixes_host: false,
    merges_slashes: false,
    removes: Removes::Pattern,
    hands_on_nonces: true,
};

super::keeps_every_promise_with_each_example!(ENVOY);

fn configure(place: &Place) -> Vec<String> {
    let file = place.example(
        "envoy.yaml",
        &[
            (
                "address: 0.0.0.0, port_value: 443",
                &format!("address: 127.0.0.1, port_value: {}", place.port),
            ),
            (
                "address: token-server.internal, port_value: 2600",
                &format!("address: 127.0.0.1, port_value: {}", place.token_server),
            ),
            (
                "invoices.example.com:443",
                &format!("invoices.example.com:{}", place.port),
            ),
            (
                "port_value: 8080",
                &format!("port_value: {}", place.service),
            ),
            ("/etc/ssl/invoices.example.com.pem", &place.file("site.pem")),
            ("/etc/ssl/invoices.example.com.key", &place.file("site.key")),
            ("/etc/ssl/token-server-ca.pem", &place.file("ca.pem")),
        ],
    );
    // Several may run on one machine.
    ["-c", &file, "--use-dynamic-base-id", "--concurrency", "1"]
        .map(str::to_owned)
        .to_vec()
}
