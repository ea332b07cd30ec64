//! What a client library sends, recorded once by `scripts/interop record` and replayed in `recorded.rs`. A relay that
//! speaks TLS on both sides stands between the library and the server and keeps the bytes of each request.
//!
//! Nothing secret is in a recording: the server, its `SECRET`, its clients and their secrets are those of tests.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::TLS13;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use token_server::base::clock::{Clock, UnixTime};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::any_certificate::AnyCertificate;
use super::script;
use crate::harness::{Holder, client_config};

/// Headers of an answer that a client library reads, beside its body.
const HEADERS: [&str; 3] = ["content-type", "www-authenticate", "dpop-nonce"];

/// What one library sent to a server, and what it was answered.
#[derive(Serialize, Deserialize)]
pub(super) struct Recording {
    /// The library and its version.
    pub(super) client: String,
    pub(super) server: RecordedServer,
    pub(super) exchanges: Vec<Exchange>,
}

/// What the server must have for the recorded requests to be good again.
#[derive(Serialize, Deserialize)]
pub(super) struct RecordedServer {
    pub(super) issuer: String,
    pub(super) signing_keys: Vec<RecordedKey>,
    /// The public key of the client that authenticates by `private_key_jwt`.
    pub(super) client_jwks: Value,
    /// What the library showed, if it showed one.
    pub(super) client_certificate: Option<RecordedCertificate>,
}

/// A certificate and its key, in PEM.
#[derive(Serialize, Deserialize)]
pub(super) struct RecordedCertificate {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// A row of `signing_keys`; the private key is sealed under the `SECRET` of tests.
#[derive(Serialize, Deserialize)]
pub(super) struct RecordedKey {
    pub(super) kid: String,
    pub(super) alg: String,
    pub(super) state: String,
    pub(super) state_since: i64,
    pub(super) created_at: i64,
    pub(super) sealed_key: String,
}

/// A request and its answer.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Exchange {
    /// When the request came.
    pub(super) at: UnixTime,
    /// Whether the library showed its certificate.
    pub(super) shows_certificate: bool,
    /// Head and body, as sent.
    pub(super) request: String,
    pub(super) answer: RecordedAnswer,
}

/// What a client reads of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordedAnswer {
    pub(super) status: u16,
    pub(super) headers: Map<String, Value>,
    pub(super) body: Body,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Body {
    Json(Value),
    /// Anything else: nothing, or a JWT.
    Text(String),
}

impl Recording {
    /// The file of a script's recording.
    fn file(script: &str) -> PathBuf {
        let name = script.rsplit('/').next().unwrap();
        let name = name.rsplit_once('.').unwrap().0;
        script::folder()
            .join("recorded")
            .join(format!("{name}.json"))
    }

    pub(super) fn read(script: &str) -> Self {
        let file = Self::file(script);
        let text = fs::read(&file).unwrap_or_else(|error| {
            panic!(
                "{error}: {}; scripts/interop record writes it",
                file.display()
            )
        });
        token_server::base::json::from_slice(&text).unwrap()
    }

    pub(super) fn write(&self, script: &str) {
        let file = Self::file(script);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = serde_json::to_string_pretty(self).unwrap();
        fs::write(file, text + "\n").unwrap();
    }
}

impl RecordedAnswer {
    /// Reads an answer as it is on the wire.
    pub(super) fn parse(message: &[u8]) -> Self {
        let text = std::str::from_utf8(message).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let (status, headers) = head.split_once("\r\n").unwrap();
        let headers = headers.lines().filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let name = name.to_lowercase();
            HEADERS
                .contains(&name.as_str())
                .then(|| (name, Value::from(value)))
        });
        let json = token_server::base::json::from_str(body);
        Self {
            status: status.split(' ').nth(1).unwrap().parse().unwrap(),
            headers: headers.collect(),
            body: json.map_or_else(|_| Body::Text(body.to_owned()), Body::Json),
        }
    }
}

/// A relay that listens, and everything that has passed it.
pub(super) struct Relay {
    listener: TcpListener,
    pub(super) exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl Relay {
    pub(super) fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self {
            listener,
            exchanges: Arc::default(),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Passes on to the server at this port what comes from now on. The folder has the server's certificate, and the
    /// one of the client.
    pub(super) fn start(&self, server_port: u16, folder: &std::path::Path) {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let holder = Holder {
            pem: read("client-cert.pem"),
            key: rcgen::KeyPair::from_pem(&read("client-cert.key")).unwrap(),
        };
        let ends = Arc::new(Ends {
            acceptor: acceptor(&read("cert.pem"), &read("key.pem")),
            ca: CertificateDer::from_pem_slice(read("ca.pem").as_bytes()).unwrap(),
            holder,
            server_port,
            exchanges: Arc::clone(&self.exchanges),
        });
        let listener = self.listener.try_clone().unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let ends = Arc::clone(&ends);
                tokio::spawn(async move { ends.relay(client).await });
            }
        });
    }
}

/// What a relay speaks to both sides with.
struct Ends {
    acceptor: TlsAcceptor,
    ca: CertificateDer<'static>,
    holder: Holder,
    server_port: u16,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl Ends {
    async fn relay(&self, client: TcpStream) {
        // A library that goes before it has said anything.
        let Ok(mut client) = self.acceptor.accept(client).await else {
            return;
        };
        let shows_certificate = client.get_ref().1.peer_certificates().is_some();
        let mut config = client_config(std::slice::from_ref(&self.ca), &[&TLS13]);
        if shows_certificate {
            config.client_auth_cert_resolver = self.holder.resolver();
        }
        let tcp = TcpStream::connect(("127.0.0.1", self.server_port))
            .await
            .unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let mut server = connector.connect(name, tcp).await.unwrap();
        while let Some(request) = read_message(&mut client).await {
            let at = Clock::system().now();
            server.write_all(&request).await.unwrap();
            let answer = read_message(&mut server).await.unwrap();
            self.exchanges.lock().unwrap().push(Exchange {
                at,
                shows_certificate,
                request: String::from_utf8(request).unwrap(),
                answer: RecordedAnswer::parse(&answer),
            });
            client.write_all(&answer).await.unwrap();
        }
    }
}

fn acceptor(certificate: &str, key: &str) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
    let chain = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let any = Arc::new(AnyCertificate::new(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(any)
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// One message of HTTP/1.1, whose body has a length; `None` when there is no more.
pub(super) async fn read_message(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let (mut message, mut head) = (Vec::new(), None);
    loop {
        if head.is_none() {
            let end = message.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            head = end.map(|end| end + 4 + body_length(&message[..end]));
        }
        if head == Some(message.len()) {
            return Some(message);
        }
        let mut buffer = [0; 4096];
        // A library may go without a farewell.
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            assert!(message.is_empty(), "it ends within a message");
            return None;
        }
        message.extend_from_slice(&buffer[..read]);
    }
}

fn body_length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap().to_lowercase();
    assert!(!head.contains("\r\ntransfer-encoding:"), "{head}");
    let length = head.split_once("\r\ncontent-length:");
    length.map_or(0, |(_, rest)| {
        rest.lines().next().unwrap().trim().parse().unwrap()
    })
}
