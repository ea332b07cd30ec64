//! What is told of connections, handshakes and the certificate: over real TLS.

use std::fs;

use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Operator, Page};
use crate::harness::{NOW, Served, write_certificate};

pub(crate) fn operator(served: &Served) -> Operator {
    Operator::with(served.test.state.clone(), served.certificate.clone())
}

/// Asks until it is so; each time something else has the turn.
pub(crate) async fn until(operator: &Operator, is_so: impl Fn(&Page) -> bool) -> Page {
    for _ in 0..10_000 {
        let page = operator.page().await;
        if is_so(&page) {
            return page;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never was so");
}

#[tokio::test]
async fn handshakes_are_counted_by_version_and_open_connections_are_told() {
    let served = Served::start(&[]).await;
    let operator = operator(&served);

    let old = served.connect(served.root(), &[&TLS12]).await.unwrap();
    let new = served.connect(served.root(), &[&TLS13]).await.unwrap();
    let full = |version: &str| {
        format!("tls_handshakes_total{{listener=\"main\",version=\"{version}\",resumed=\"false\"}}")
    };
    let page = until(&operator, |page| page.get(&full("1.3")) == 1).await;

    assert_eq!(page.get(&full("1.2")), 1);
    assert_eq!(page.get("connections{listener=\"main\"}"), 2);
    assert_eq!(page.get("connections_accepted_total{listener=\"main\"}"), 2);
    drop((old, new));
    until(&operator, |page| {
        page.get("connections{listener=\"main\"}") == 0
    })
    .await;
}

#[tokio::test]
async fn a_resumed_session_is_told_apart() {
    let served = Served::start(&[]).await;
    let operator = operator(&served);
    // It keeps tickets, and nothing else of the first connection.
    let client = served
        .client()
        .pool_max_idle_per_host(0)
        .http1_only()
        .build()
        .unwrap();

    for _ in 0..2 {
        let answer = client
            .get(served.url("/healthz"))
            .header("connection", "close");
        assert_eq!(answer.send().await.unwrap().status(), 200);
    }
    let page = operator.page().await;

    let handshakes = |resumed: &str| {
        page.get(&format!(
            "tls_handshakes_total{{listener=\"main\",version=\"1.3\",resumed=\"{resumed}\"}}"
        ))
    };
    assert_eq!((handshakes("false"), handshakes("true")), (1, 1));
}

#[tokio::test]
async fn a_failed_handshake_and_a_connection_too_many_are_counted() {
    let served = Served::start(&[("MAX_CONNECTIONS", "1")]).await;
    let operator = operator(&served);
    let mut plain = TcpStream::connect(served.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let _ = plain.read_to_end(&mut Vec::new()).await;
    until(&operator, |page| {
        page.get("connections{listener=\"main\"}") == 0
    })
    .await;

    let first = served.connect(served.root(), &[&TLS13]).await.unwrap();
    assert!(served.connect(served.root(), &[&TLS13]).await.is_err());
    let page = operator.page().await;
    drop(first);

    assert_eq!(
        page.get("tls_handshake_failures_total{listener=\"main\",reason=\"error\"}"),
        1
    );
    let refused = |reason| {
        page.get(&format!(
            "connections_refused_total{{listener=\"main\",reason=\"{reason}\"}}"
        ))
    };
    assert_eq!(["total", "source", "descriptors"].map(refused), [1, 0, 0]);
    assert_eq!(page.get("connections_limit{listener=\"main\"}"), 1);
}

#[tokio::test]
async fn the_end_of_the_certificate_and_what_became_of_a_new_one_are_told() {
    let served = Served::start(&[]).await;
    let operator = operator(&served);
    let reloads = |result: &str| format!("certificate_reloads_total{{result=\"{result}\"}}");
    let page = operator.page().await;
    assert!(page.get("certificate_expiry_timestamp_seconds") > NOW.0);
    assert_eq!(page.get("certificate_files_unusable"), 0);

    fs::write(served.folder.path().join("cert.pem"), "rubbish").unwrap();
    served.reload.notify_one();
    let page = until(&operator, |page| page.get(&reloads("refused")) == 1).await;
    assert_eq!(page.get("certificate_files_unusable"), 1);
    assert!(page.get("certificate_expiry_timestamp_seconds") > NOW.0);

    write_certificate(served.folder.path());
    served.reload.notify_one();
    let page = until(&operator, |page| page.get(&reloads("taken")) == 1).await;
    assert_eq!(page.get("certificate_files_unusable"), 0);
}
