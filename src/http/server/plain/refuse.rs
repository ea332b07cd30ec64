//! Owns what a caller gets that speaks plain HTTP to a port for HTTPS: an answer that it can read, where TLS would have only
//! an alert.

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio::time::timeout;

const RESPONSE: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 39\r\n\
    connection: close\r\n\r\n\
    this port speaks HTTPS: use `https://`\n";

/// Of the rest of a plain request so much is read, so that the response is not lost with it.
const MAX_REST: u64 = 64 << 10;

/// Lets a stream pass that may begin a TLS handshake. Answers a request in plain HTTP, and fails.
pub(in crate::http) async fn refuse_plain_http(
    stream: &mut TcpStream,
    patience: Duration,
) -> io::Result<()> {
    let mut first = [0];
    let peeked = timeout(patience, stream.peek(&mut first)).await;
    let length = peeked.map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
    // The methods in use begin with a capital (RFC 9110 §9.1), the first record of TLS with 22 (RFC 8446 §5.1).
    if length == 0 || !first[0].is_ascii_uppercase() {
        return Ok(());
    }
    // Who does not read it in time is let go.
    let _ = timeout(patience, answer(stream)).await;
    Err(io::Error::new(
        ErrorKind::InvalidData,
        "received a plain HTTP request on a port for HTTPS",
    ))
}

async fn answer(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(RESPONSE).await?;
    stream.shutdown().await?;
    copy(&mut stream.take(MAX_REST), &mut sink()).await?;
    Ok(())
}
