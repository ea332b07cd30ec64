//! What is shown to an authority that validates a name, and to nobody else.

use token_server::domain::AcmeChallenge;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::validation::{digest, look, names, trusting};
use super::{NAME, Scene};
use crate::harness::Served;

const ACME: &[u8] = b"acme-tls/1";

/// A service while an authority is to validate its name.
async fn validating() -> Scene {
    let scene = Scene::issued().await;
    let app = &scene.served.test.app;
    let challenge = AcmeChallenge {
        name: NAME.to_owned(),
        digest: [7; 32],
    };
    let now = scene.clock.now();
    app.store()
        .upsert_acme_challenges(&[challenge], now.plus(600), now)
        .await
        .unwrap();
    app.replication.read_changes().await.unwrap();
    scene
}

#[tokio::test]
async fn an_authority_is_shown_its_challenge_and_no_http() {
    let scene = validating().await;

    // In whatever case the name comes.
    for name in [NAME, "Tokens.TEST"] {
        let shown = look(scene.served.address, Some(name), &[ACME]).await;
        let shown = shown.unwrap();

        assert_eq!(shown.protocol.as_deref(), Some(ACME));
        assert_eq!(digest(&shown.certificate), Some(vec![7; 32]));
        assert_eq!(names(&shown.certificate), [NAME.to_owned()]);
        assert_eq!(shown.answer, "");
    }
}

#[tokio::test]
async fn who_speaks_http_is_shown_the_certificate_whatever_else_it_speaks() {
    let scene = validating().await;
    let plain: &[&[&[u8]]] = &[
        &[],
        &[b"http/1.1"],
        &[b"http/1.1", ACME],
        &[ACME, b"http/1.1"],
    ];

    for protocols in plain {
        for name in [Some(NAME), Some("other.test"), None] {
            let shown = look(scene.served.address, name, protocols).await;
            let shown = shown.unwrap();

            assert_eq!(digest(&shown.certificate), None, "{protocols:?}");
            assert!(shown.answer.starts_with("HTTP/1.1 200"), "{protocols:?}");
        }
    }
    let http2 = look(scene.served.address, Some(NAME), &[ACME, b"h2"]).await;
    let http2 = http2.unwrap();
    assert_eq!(http2.protocol.as_deref(), Some(&b"h2"[..]));
    assert_eq!(digest(&http2.certificate), None);
}

#[tokio::test]
async fn of_a_name_that_nobody_validates_nothing_is_shown() {
    let scene = validating().await;

    for name in [Some("other.test"), Some("sub.tokens.test"), None] {
        let shown = look(scene.served.address, name, &[ACME]).await;
        assert!(shown.is_err(), "{name:?}: {shown:?}");
    }
    // And of none when the time is over.
    scene.clock.advance(600);
    scene.served.test.app.acme().unwrap().read().await.unwrap();
    let late = look(scene.served.address, Some(NAME), &[ACME]).await;
    assert!(late.is_err(), "{late:?}");
}

#[tokio::test]
async fn a_protocol_that_nobody_knows_is_refused_as_before() {
    let scene = validating().await;

    let shown = look(scene.served.address, Some(NAME), &[b"spdy/3"]).await;

    let refusal = shown.unwrap_err().to_string();
    assert!(refusal.contains("NoApplicationProtocol"), "{refusal}");
}

#[tokio::test]
async fn with_a_certificate_in_files_no_authority_is_shown_anything() {
    let served = Served::start(&[]).await;

    let shown = look(served.address, Some(NAME), &[ACME]).await;

    let refusal = shown.unwrap_err().to_string();
    assert!(refusal.contains("NoApplicationProtocol"), "{refusal}");
}

#[tokio::test]
async fn a_garbled_name_harms_nobody() {
    let scene = validating().await;
    for garbage in [
        &b"\xff\xfe\x00\x01ns.test"[..],
        b"a b\tc\0.\r\n..",
        b"...........",
    ] {
        let hello = hello(garbage);

        let mut stream = TcpStream::connect(scene.served.address).await.unwrap();
        stream.write_all(&hello).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;

        // An alert (RFC 8446 §6), and nothing of a certificate.
        assert_eq!(answer.first(), Some(&21), "{garbage:?}: {answer:?}");
    }
    let shown = look(scene.served.address, Some(NAME), &[ACME]).await;
    assert_eq!(digest(&shown.unwrap().certificate), Some(vec![7; 32]));
}

/// The first words of an authority, with other bytes for the name.
fn hello(name: &[u8]) -> Vec<u8> {
    assert_eq!(name.len(), NAME.len());
    let server = NAME.try_into().unwrap();
    let config = std::sync::Arc::new(trusting(&[ACME]));
    let mut client = rustls::ClientConnection::new(config, server).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    let at = hello
        .windows(NAME.len())
        .position(|it| it == NAME.as_bytes());
    let at = at.unwrap();
    hello[at..at + name.len()].copy_from_slice(name);
    hello
}
