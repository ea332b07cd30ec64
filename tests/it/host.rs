//! A request says once which host it is for.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::Served;

/// What a request by hand is answered.
async fn send(served: &Served, head: &str) -> String {
    let version = &rustls::version::TLS13;
    let mut tls = served.connect(served.root(), &[version]).await.unwrap();
    tls.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tls.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn without_a_host_or_with_two_http_1_1_is_answered_400_on_every_route() {
    let served = Served::start(&[]).await;
    for target in [
        "GET /verify",
        "POST /authorize",
        "POST /token",
        "GET /healthz",
        "GET /admin/",
        "GET /admin/api/v1/clients",
        "GET /nowhere",
    ] {
        for hosts in [
            "",
            "host: a.test\r\nhost: b.test\r\n",
            "host: a.test b.test\r\n",
            "host:\r\n",
        ] {
            let head = format!("{target} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
            let answer = send(&served, &head).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{head}{answer}");
            assert!(
                answer.contains(r#""error":"invalid_request","error_description":"the request"#),
                "{answer}"
            );
            assert!(answer.contains("\r\nx-request-id: "), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_host_that_differs_from_the_target_is_answered_400() {
    let served = Served::start(&[]).await;
    let ask = async |target: &str, host: &str| {
        let head = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        send(&served, &head).await
    };

    assert!(
        ask("https://a.test/healthz", "b.test")
            .await
            .starts_with("HTTP/1.1 400 ")
    );
    assert!(
        ask("https://a.test/healthz", "A.test")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    assert!(ask("/healthz", "b.test").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn http_1_0_needs_no_host_and_http_2_has_it_in_its_target() {
    let served = Served::start(&[]).await;
    let old = send(&served, "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200 "), "{old}");

    let client = served.client().build().unwrap();
    let ask = async |host: Option<&str>| {
        let mut request = client.get(served.url("/healthz"));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.version(), reqwest::Version::HTTP_2);
        answer.status().as_u16()
    };
    assert_eq!(ask(None).await, 200);
    assert_eq!(ask(Some("b.test")).await, 400);
}
