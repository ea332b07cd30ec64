//! Request bodies that the response did not wait for: no response is lost over one, and no request behind one.

mod beyond;
mod http2;
mod kept;
mod slow;

use std::time::Duration;

use rustls::version::TLS13;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::harness::Served;

/// What a test waits for at most; it has failed then.
const LONG: Duration = Duration::from_mins(1);

/// The default of `MAX_BODY`.
const MAX_BODY: usize = 65_536;

/// What a client sends that knows no limit.
const LARGE: usize = 2 * 1024 * 1024;

/// A client of HTTP/1.1 with one connection, of which the test decides when what is sent.
pub(crate) struct Caller<S = TlsStream<TcpStream>> {
    stream: S,
    read: Vec<u8>,
}

/// A response as it came.
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    body: String,
}

impl Reply {
    /// Whether it announces that the connection ends.
    pub(crate) fn closes(&self) -> bool {
        self.head.contains("\r\nconnection: close\r\n")
    }
}

impl Caller {
    async fn new(served: &Served) -> Self {
        let connected = served.connect(served.root(), &[&TLS13]).await;
        Self::over(connected.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Caller<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self {
            stream,
            read: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).await.unwrap();
    }

    async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let sending = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(LONG, sending).await.unwrap()
    }

    /// The next response; `None`: the connection ended before it.
    pub(crate) async fn reply(&mut self) -> Option<Reply> {
        let end = self.read_until(|read| find(read, b"\r\n\r\n")).await?;
        let head: Vec<u8> = self.read.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.split_once("\r\ncontent-length: ");
        let length = length.map_or(0, |(_, rest)| {
            rest.split('\r').next().unwrap().parse().unwrap()
        });
        self.read_until(|read| (read.len() >= length).then_some(()))
            .await?;
        let body = self.read.drain(..length).collect();
        Some(Reply {
            status: head[9..12].parse().unwrap(),
            head,
            body: String::from_utf8(body).unwrap(),
        })
    }

    async fn read_until<T>(&mut self, found: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        loop {
            if let Some(found) = found(&self.read) {
                return Some(found);
            }
            let mut piece = [0; 4_096];
            let reading = self.stream.read(&mut piece);
            match timeout(LONG, reading).await.unwrap() {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.read.extend_from_slice(&piece[..length]),
            }
        }
    }

    /// Waits until the server ends the connection, without another response.
    async fn is_closed(&mut self) {
        let reply = self.reply().await;
        assert!(reply.is_none() && self.read.is_empty());
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// The head of a request with these lines beside the host.
fn head(request: &str, lines: &[&str]) -> Vec<u8> {
    let begin = [format!("{request} HTTP/1.1"), "host: localhost".to_owned()];
    let lines = lines.iter().map(|line| (*line).to_owned());
    let all: Vec<String> = begin.into_iter().chain(lines).collect();
    (all.join("\r\n") + "\r\n\r\n").into_bytes()
}

/// A request with a body of this length, which the head announces.
pub(crate) fn announced(request: &str, lines: &[&str], length: usize) -> Vec<u8> {
    let content_length = format!("content-length: {length}");
    let lines = [lines, &[content_length.as_str()]].concat();
    [head(request, &lines), vec![b'x'; length]].concat()
}

/// A request with a body of this length in chunks.
fn chunked(request: &str, lines: &[&str], length: usize) -> Vec<u8> {
    let lines = [lines, &["transfer-encoding: chunked"]].concat();
    let mut bytes = head(request, &lines);
    let mut left = length;
    while left > 0 {
        let size = left.min(1_000);
        bytes.extend_from_slice(format!("{size:x}\r\n").as_bytes());
        bytes.resize(bytes.len() + size, b'x');
        bytes.extend_from_slice(b"\r\n");
        left -= size;
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}
