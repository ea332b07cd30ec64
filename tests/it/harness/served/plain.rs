//! The service without TLS, as proxies that end it find it.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;

use token_server::http::{PlainListener, PlainSocket, plain_router, serve_plain};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::TestApp;

/// The service without TLS.
pub(crate) struct ServedPlain {
    pub(crate) test: TestApp,
    /// Where it listens; on a Unix socket nowhere.
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<std::io::Result<()>>,
}

impl ServedPlain {
    /// On a port of this machine, where all can connect.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::on_port(settings, false).await
    }

    /// On a port where only proxies can connect.
    pub(crate) async fn for_proxies(settings: &[(&str, &str)]) -> Self {
        Self::on_port(settings, true).await
    }

    async fn on_port(settings: &[(&str, &str)], only_proxies: bool) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        let test = TestApp::with(settings).await;
        Self::serve(test, PlainSocket::Tcp(tcp), address, only_proxies)
    }

    /// On a Unix socket.
    pub(crate) async fn at(path: &Path, settings: &[(&str, &str)]) -> Self {
        let unix = PlainSocket::Unix(UnixListener::bind(path).unwrap());
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::serve(TestApp::with(settings).await, unix, nowhere, false)
    }

    fn serve(test: TestApp, socket: PlainSocket, address: SocketAddr, only_proxies: bool) -> Self {
        let state = test.state.clone();
        let listener = PlainListener {
            socket,
            connections: state.plain_connections(),
            proxies: test.app.config().proxies.clone(),
            only_proxies,
        };
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let serving = tokio::spawn(async move {
            let service = plain_router(state.clone(), &Handle::current());
            serve_plain(listener, service, &state.config().http, stopped).await
        });
        Self {
            test,
            address,
            stop,
            serving,
        }
    }

    /// The answer to a request on a connection of its own, from one of this machine's own addresses, 127.0.0.`last`. Empty
    /// when the connection is closed without one.
    pub(crate) async fn send_from(&self, last: u8, request: &str) -> String {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, last], 0).into()).unwrap();
        exchange(socket.connect(self.address).await.unwrap(), request).await
    }

    /// The same from 127.0.0.1.
    pub(crate) async fn send(&self, request: &str) -> String {
        self.send_from(1, request).await
    }
}

/// The answer to a request; empty when the connection just ends.
pub(crate) async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> String {
    let mut answer = Vec::new();
    if stream.write_all(request.as_bytes()).await.is_ok() {
        // Also an end by a reset is one.
        let _ = stream.read_to_end(&mut answer).await;
    }
    String::from_utf8(answer).unwrap()
}

/// A request in HTTP/1.1 for `tokens.test`, with these headers and this form.
pub(crate) fn plain_request(target: &str, headers: &[(&str, &str)], form: &str) -> String {
    let (method, path) = target.split_once(' ').unwrap();
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nhost: tokens.test\r\nconnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !form.is_empty() {
        let length = form.len();
        text += "content-type: application/x-www-form-urlencoded\r\n";
        text += &format!("content-length: {length}\r\n");
    }
    text + "\r\n" + form
}
