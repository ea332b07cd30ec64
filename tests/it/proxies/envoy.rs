use super::proxy::{Place, Proxy};

const ENVOY: Proxy = Proxy {
    program: "envoy",
    configure,
};

super::keeps_every_promise!(ENVOY, ignore = "needs envoy");

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
