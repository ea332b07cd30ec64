//! Whose address counts: that of the connection, or of a trusted balancer's header, and nothing that a caller writes.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client_in;
use crate::harness::{CLIENT, Served, TestApp, form};

#[tokio::test]
async fn no_header_of_a_request_says_where_a_client_is() {
    let trust = [("TRUSTED_PROXIES", "192.0.2.1")];
    for settings in [&trust[..], &[]] {
        let test = TestApp::with(settings).await;
        let secret = client_in(&test, "10.0.0.0/8").await;
        let fields = [("client_id", CLIENT), ("client_secret", secret.as_str())];
        let ask = async |source: &str, told: &str| {
            let request = Request::post("/authorize")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("x-forwarded-for", told)
                .header("x-real-ip", told)
                .header("forwarded", format!("for={told}"))
                .body(Body::from(form(&fields)));
            test.call_from(source, request.unwrap()).await.status
        };
        assert_eq!(ask("192.0.2.1", "10.0.0.1").await, 401);
        assert_eq!(ask("10.0.0.1", "192.0.2.1").await, 200);
    }
}

/// The first line of the answer to a log-in through a balancer that says that its caller is at 198.51.100.`last`.
async fn log_in_by_balancer(served: &Served, secret: &str, last: u8) -> String {
    let addresses = [198, 51, 100, last, 127, 0, 0, 1, 0xc3, 0x50, 0x0a, 0x28];
    let signature: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
    let header = [signature, &[0x21, 0x11, 0, 12], &addresses].concat();
    let mut tcp = TcpStream::connect(served.address).await.unwrap();
    tcp.write_all(&header).await.unwrap();
    let mut tls = served.go_on(tcp).await.unwrap();
    let body = form(&[("client_id", CLIENT), ("client_secret", secret)]);
    let request = format!(
        "POST /authorize HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    tls.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // An end without farewell is one too.
    let _ = tls.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn behind_a_balancer_the_address_of_its_header_counts() {
    let settings = [
        ("PROXY_PROTOCOL", "required"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let served = Served::start(&settings).await;
    let secret = client_in(&served.test, "198.51.100.8/30").await;

    for (last, status) in [(9, "200"), (12, "401"), (11, "200"), (7, "401")] {
        let line = log_in_by_balancer(&served, &secret, last).await;
        assert!(line.contains(status), "{last}: {line}");
    }
}
