//! Connections on which nothing happens: the server closes them after `IDLE_TIMEOUT`, and not before they were used.

use std::time::Duration;

use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::harness::Served;

type Stream = TlsStream<TcpStream>;

/// So that no other limit closes the connection, that for the first head is long.
async fn service() -> Served {
    Served::start(&[("IDLE_TIMEOUT", "1s"), ("HEADER_TIMEOUT", "60s")]).await
}

/// All that comes until the server closes; far less than the usual `IDLE_TIMEOUT` is waited for it.
async fn read_until_closed(stream: &mut Stream) -> Vec<u8> {
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let closed = tokio::time::timeout(Duration::from_secs(30), reading).await;
    // Without close_notify it is an error to rustls, and closed all the same.
    assert!(closed.is_ok(), "the server keeps an idle connection");
    answer
}

/// Reads on until a part of an answer has come.
async fn read_until(stream: &mut Stream, end: &[u8]) {
    let mut answer = Vec::new();
    while !answer.windows(end.len()).any(|window| window == end) {
        answer.push(stream.read_u8().await.unwrap());
    }
}

#[tokio::test]
async fn an_idle_http_1_connection_is_closed() {
    let served = service().await;
    let mut stream = served.connect(served.root(), &[&TLS13]).await.unwrap();

    // Kept for the second request, so that it is not the first answer which closes it.
    for _ in 0..2 {
        let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
        read_until(&mut stream, br#"{"status":"ok"}"#).await;
    }

    assert_eq!(read_until_closed(&mut stream).await, b"");
}

/// A head that is begun and not ended is no reason to wait longer.
#[tokio::test]
async fn an_http_1_connection_with_half_a_second_request_is_closed() {
    let served = service().await;
    let mut stream = served.connect(served.root(), &[&TLS13]).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /healthz HT";

    stream.write_all(request).await.unwrap();
    read_until(&mut stream, br#"{"status":"ok"}"#).await;

    assert_eq!(read_until_closed(&mut stream).await, b"");
}

/// A body that comes slowly is a matter of `BODY_TIMEOUT`.
#[tokio::test]
async fn a_connection_whose_request_is_not_answered_yet_is_kept() {
    let served = service().await;
    let mut stream = served.connect(served.root(), &[&TLS13]).await.unwrap();
    let head = b"POST /verify HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{";
    stream.write_all(head).await.unwrap();

    tokio::time::sleep(Duration::from_millis(2_500)).await;
    stream.write_all(b"}").await.unwrap();

    read_until(&mut stream, b"HTTP/1.1 415").await;
}

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// The begin of a connection (RFC 9113 §3.4).
async fn begin_http2(served: &Served) -> Stream {
    let mut stream = served.connect_http2().await.unwrap();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    stream.write_all(preface).await.unwrap();
    stream.write_all(&frame(4, 0, 0, b"")).await.unwrap();
    stream
}

#[tokio::test]
async fn an_idle_http_2_connection_is_closed() {
    let served = service().await;
    let mut stream = begin_http2(&served).await;

    // GET https://localhost/ in HPACK's static table; END_STREAM and END_HEADERS.
    let headers = b"\x82\x87\x84\x41\x09localhost";
    for id in [1, 3] {
        stream.write_all(&frame(1, 5, id, headers)).await.unwrap();
        read_until(&mut stream, b"TokenServer").await;
    }

    read_until_closed(&mut stream).await;
}

#[tokio::test]
async fn an_http_2_connection_that_never_asks_is_closed() {
    let served = service().await;
    let mut stream = begin_http2(&served).await;

    read_until_closed(&mut stream).await;
}

/// A PING and its answer (RFC 9113 §6.7) keep a connection alive for its client, and take nothing of the server's limits.
#[tokio::test]
async fn an_http_2_connection_with_nothing_but_pings_is_closed() {
    let served = service().await;
    let mut stream = begin_http2(&served).await;
    // One request, so that it is not the time for the first one which ends it.
    let headers = b"\x82\x87\x84\x41\x09localhost";
    stream.write_all(&frame(1, 5, 1, headers)).await.unwrap();
    read_until(&mut stream, b"TokenServer").await;

    let (mut reader, mut writer) = tokio::io::split(stream);
    let pinging = async {
        let ping = frame(6, 0, 0, b"12345678");
        // Until the server has closed the connection.
        while writer.write_all(&ping).await.is_ok() && writer.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut answers = Vec::new();
    let reading = reader.read_to_end(&mut answers);
    let ended = async { tokio::join!(pinging, reading) };
    let closed = tokio::time::timeout(Duration::from_secs(30), ended).await;

    assert!(
        closed.is_ok(),
        "the server keeps a connection for its pings"
    );
    let pong = frame(6, 1, 0, b"12345678");
    assert!(answers.windows(pong.len()).any(|window| window == pong));
}

/// A large page, of which the client takes a part at a time: that is an answer under way.
#[tokio::test]
async fn an_http_2_connection_over_which_an_answer_is_written_is_kept() {
    let served = service().await;
    let mut stream = begin_http2(&served).await;
    // GET /openapi.json; what may be sent before the client says more is 65,535 bytes.
    let headers = b"\x82\x87\x04\x0d/openapi.json\x41\x09localhost";
    stream.write_all(&frame(1, 5, 1, headers)).await.unwrap();
    let mut taken = 0;
    let mut buffer = vec![0; 64 * 1024];
    while taken < 60_000 {
        taken += stream.read(&mut buffer).await.unwrap();
    }

    // A window of 2,000 more bytes five times, over more than the time that is allowed for silence.
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let window = 2_000_u32.to_be_bytes();
        for id in [0, 1] {
            stream.write_all(&frame(8, 0, id, &window)).await.unwrap();
        }
        let mut more = 0;
        while more < 2_000 {
            let read = stream.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "the server has closed it");
            more += read;
        }
    }
}
