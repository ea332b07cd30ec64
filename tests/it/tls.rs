//! The listener over a real port: both HTTP versions, both TLS versions, limits, reload, and stopping
//! without losing a request.

use std::time::Duration;

use rustls::SupportedProtocolVersion;
use tempfile::TempDir;
use token_server::config::TlsConfig;
use token_server::http::Certificate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::harness::{Log, Served, client_config, write_certificate};

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

async fn read_all(stream: &mut TlsStream<TcpStream>) -> String {
    let mut answer = Vec::new();
    // A peer that closes without close_notify is an error to rustls; what was read counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_token_is_issued_and_verified_over_http_1_and_2() {
    let served = Served::start(&[]).await;
    let secret = served.test.client().await;
    let http1 = served.client().http1_only().build().unwrap();
    let http2 = served.client().http2_prior_knowledge().build().unwrap();

    for (client, version) in [
        (http1, reqwest::Version::HTTP_11),
        (http2, reqwest::Version::HTTP_2),
    ] {
        let form = [("client_id", "billing"), ("client_secret", &secret)];
        let issued = client
            .post(served.url("/authorize"))
            .form(&form)
            .send()
            .await
            .unwrap();
        assert_eq!((issued.status().as_u16(), issued.version()), (200, version));
        let issued: serde_json::Value = issued.json().await.unwrap();
        let token = issued["token"].as_str().unwrap();

        let verified = client
            .get(served.url("/verify"))
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(verified.headers()["x-token-client-id"], "billing");
        assert_eq!(
            verified.json::<serde_json::Value>().await.unwrap()["success"],
            true
        );
    }
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_alpn_offers_both_http_versions() {
    let served = Served::start(&[]).await;

    for version in BOTH {
        let stream = served.connect(served.root(), &[version]).await.unwrap();
        let (_, connection) = stream.get_ref();
        assert_eq!(connection.protocol_version(), Some(version.version));
    }
}

/// A client that offers HTTP/1.0 alone, as some old ones of appliances and of Perl do, is no stranger.
#[tokio::test]
async fn alpn_takes_http_1_0_and_refuses_what_is_no_http() {
    let served = Served::start(&[]).await;
    let offering = async |protocols: &[&str]| {
        let mut config = client_config(&[served.root()], BOTH);
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        served.handshake(config).await
    };
    for (offered, chosen) in [
        (&["http/1.0"][..], "http/1.0"),
        (&["http/1.0", "http/1.1"], "http/1.1"),
        (&["http/1.0", "h2"], "h2"),
    ] {
        let stream = offering(offered).await.unwrap();
        let protocol = stream.get_ref().1.alpn_protocol();
        assert_eq!(protocol, Some(chosen.as_bytes()), "{offered:?}");
    }
    assert!(offering(&["spdy/1"]).await.is_err());

    let mut stream = offering(&["http/1.0"]).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.0 200 OK"), "{text}");
}

/// What a peer without TLS, or with an old one, is answered: an alert at most.
async fn answer_to(served: &Served, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn tls_1_0_and_1_1_are_refused() {
    let served = Served::start(&[]).await;
    // A ClientHello (RFC 4346 §7.4.1.2) without extensions: version, random, no session, three suites, no compression.
    let hello = |version: u8| {
        let suites = [0, 6, 0xc0, 0x09, 0xc0, 0x13, 0, 0x2f];
        let body = [&[3, version][..], &[7; 32], &[0], &suites, &[1, 0]].concat();
        let length = u8::try_from(body.len()).unwrap();
        [&[22, 3, 1, 0, length + 4, 1, 0, 0, length], &body[..]].concat()
    };

    for version in [1, 2] {
        let answer = answer_to(&served, &hello(version)).await;
        // One record, a fatal alert (RFC 5246 §7.2).
        let [21, _, _, 0, 2, 2, _] = answer.as_slice() else {
            panic!("{answer:?}")
        };
    }
}

#[tokio::test]
async fn the_hybrid_post_quantum_key_exchange_is_preferred() {
    let served = Served::start(&[]).await;

    let stream = served
        .connect(served.root(), &[&rustls::version::TLS13])
        .await
        .unwrap();

    let group = stream
        .get_ref()
        .1
        .negotiated_key_exchange_group()
        .unwrap()
        .name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
}

#[tokio::test]
async fn a_new_certificate_is_taken_over() {
    let served = Served::start(&[]).await;
    let old = served.root();
    write_certificate(served.folder.path());

    served.reload.notify_one();

    while served.connect(served.root(), BOTH).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(served.connect(old, BOTH).await.is_err());
}

#[tokio::test]
async fn a_bad_certificate_is_refused_in_the_log_and_the_old_one_kept_until_a_good_one_comes() {
    let log = Log::default();
    let _guard = log.capture();
    let served = Served::start(&[]).await;
    let old = served.root();
    let key = served.folder.path().join("key.pem");
    // Only after this line is it sure that the files were looked at.
    let said = async |line: &str| {
        while !log.text().contains(line) {
            tokio::task::yield_now().await;
        }
        served.connect(old.clone(), BOTH).await.unwrap();
    };

    std::fs::write(&key, "garbage").unwrap();
    served.reload.notify_one();
    said("the server refuses the new certificate and keeps the old one: TLS_KEY").await;
    std::fs::remove_file(&key).unwrap();
    served.reload.notify_one();
    said("cannot reload the certificate, so the server keeps the old one: TLS_KEY").await;

    write_certificate(served.folder.path());
    served.reload.notify_one();
    while served.connect(served.root(), BOTH).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(served.connect(old.clone(), BOTH).await.is_err());
}

#[tokio::test]
async fn a_request_in_flight_ends_when_the_server_stops() {
    let served = Served::start(&[]).await;
    let secret = served.test.client().await;
    let body = format!("client_id=billing&client_secret={secret}");
    let mut stream = served.connect(served.root(), BOTH).await.unwrap();
    let head = format!(
        "POST /authorize HTTP/1.1\r\nhost: localhost\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body.as_bytes()[..5]).await.unwrap();
    stream.flush().await.unwrap();
    // Another request on another connection is answered after the first one has begun.
    served
        .client()
        .build()
        .unwrap()
        .get(served.url("/healthz"))
        .send()
        .await
        .unwrap();

    served.stop.cancel();
    while TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(&body.as_bytes()[5..]).await.unwrap();
    stream.flush().await.unwrap();

    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    served.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_came_just_before_the_stop_is_heard() {
    let served = Served::start(&[]).await;
    let waiting = TcpStream::connect(served.address).await.unwrap();
    let mut shaken = served.connect(served.root(), BOTH).await.unwrap();

    served.stop.cancel();
    while TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }

    let mut late = served.go_on(waiting).await.unwrap();
    for stream in [&mut shaken, &mut late] {
        let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
    }
    for stream in [&mut shaken, &mut late] {
        let answer = read_all(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    served.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_stop() {
    let served = Served::start(&[("SHUTDOWN_GRACE", "60s")]).await;
    let client = served.client().build().unwrap();
    client.get(served.url("/healthz")).send().await.unwrap();

    served.stop.cancel();

    tokio::time::timeout(Duration::from_secs(30), served.serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_slow_body_and_a_slow_head_are_cut_off() {
    let served = Served::start(&[("BODY_TIMEOUT", "1s"), ("HEADER_TIMEOUT", "1s")]).await;
    let mut body = served.connect(served.root(), BOTH).await.unwrap();
    let mut head = served.connect(served.root(), BOTH).await.unwrap();

    let request = "POST /authorize HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: \
                   application/json\r\ncontent-length: 9\r\n\r\n{";
    body.write_all(request.as_bytes()).await.unwrap();
    head.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();

    let answer = read_all(&mut body).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains(r#""error":"request_timeout""#), "{answer}");
    assert_eq!(read_all(&mut head).await, "");
}

#[tokio::test]
async fn more_connections_than_allowed_are_not_taken() {
    let whole = ("MAX_CONNECTIONS_PER_SOURCE", "100%");
    let served = Served::start(&[("MAX_CONNECTIONS", "2"), whole]).await;
    let first = served.connect(served.root(), BOTH).await.unwrap();
    let second = served.connect(served.root(), BOTH).await.unwrap();

    assert!(served.connect(served.root(), BOTH).await.is_err());

    drop((first, second));
    while served.connect(served.root(), BOTH).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_head_over_the_limit_is_answered_in_the_documented_shape() {
    let served = Served::start(&[]).await;
    let client = served.client().http1_only().build().unwrap();

    let request = client
        .get(served.url("/"))
        .header("x-long", "x".repeat(20_000));
    let answer = request.send().await.unwrap();

    assert_eq!(answer.status(), 431);
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["error"], "header_fields_too_large");
}

#[tokio::test]
async fn a_pair_that_does_not_fit_is_refused_at_start() {
    let folder = TempDir::new().unwrap();
    write_certificate(folder.path());
    let cert = std::fs::read(folder.path().join("cert.pem")).unwrap();
    write_certificate(folder.path());
    std::fs::write(folder.path().join("cert.pem"), cert).unwrap();
    let files = |cert: &str| TlsConfig {
        cert: folder.path().join(cert),
        key: folder.path().join("key.pem"),
    };

    let mismatch = Certificate::load(files("cert.pem"))
        .err()
        .unwrap()
        .to_string();
    let missing = Certificate::load(files("none.pem"))
        .err()
        .unwrap()
        .to_string();

    assert!(mismatch.contains("TLS_CERT and TLS_KEY"), "{mismatch}");
    assert!(
        missing.contains("TLS_CERT") && missing.contains("none.pem"),
        "{missing}"
    );
}

#[tokio::test]
async fn plain_http_on_the_port_for_https_is_answered_with_a_plain_400() {
    let served = Served::start(&[]).await;
    for request in [
        "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        format!(
            "POST /authorize HTTP/1.1\r\nhost: localhost\r\ncontent-length: 20000\r\n\r\n{}",
            "a".repeat(20_000)
        ),
    ] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();

        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len())),
            "{head}"
        );
        assert_eq!(body, "this port speaks HTTPS: use `https://`\n");
    }
}
