//! What stands on both sides of a proxy: token-servers, real and played, and a service that remembers what
//! arrived.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use token_server::config::TlsConfig;
use token_server::http::{Certificate, Listener, serve};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::config;

/// The name that the token-server's certificate is for, as the examples have it.
const TOKEN_SERVER: &str = "token-server.internal";

/// The name that callers know the proxy by, as the examples have it.
pub(in crate::proxies) const SITE: &str = "invoices.example.com";

/// A certificate authority, and certificates by it: for each of the two names, and for one that nobody asks for.
pub(in crate::proxies) fn write_certificates(folder: &Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL takes a certificate whose issuer has its own name for a self-signed one.
    params
        .distinguished_name
        .push(DnType::CommonName, "a test's CA");
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap();
    std::fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    let ca = Issuer::new(params, key);
    // The second name is for proxies that have no way to tell a name from an address.
    let names = [
        ("token-server", vec![TOKEN_SERVER, "localhost"]),
        ("site", vec![SITE]),
        ("other", vec!["other.internal"]),
    ];
    for (file, names) in names {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let made = params.signed_by(&key, &ca).unwrap();
        std::fs::write(folder.join(format!("{file}.pem")), made.pem()).unwrap();
        std::fs::write(folder.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    }
}

/// A listener of token-server's own kind, with any routes.
pub(in crate::proxies) struct TokenServer {
    pub(in crate::proxies) port: u16,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl TokenServer {
    pub(in crate::proxies) fn serve(router: Router, folder: &Path) -> Self {
        // Not less than what any proxy hands on: a real one's router has a limit of its own.
        Self::serve_to(router, folder, &[("MAX_HEAD", "1MiB")])
    }

    /// One that is told by a PROXY header whose each connection is.
    pub(in crate::proxies) fn serve_behind_balancer(router: Router, folder: &Path) -> Self {
        let settings = [
            ("TRUSTED_PROXIES", "127.0.0.1"),
            ("PROXY_PROTOCOL", "required"),
        ];
        Self::serve_to(router, folder, &settings)
    }

    fn serve_to(router: Router, folder: &Path, settings: &[(&str, &str)]) -> Self {
        let config = config("sqlite::memory:", settings);
        let certificate = Certificate::load(TlsConfig {
            cert: folder.join("token-server.pem"),
            key: folder.join("token-server.key"),
        });
        let certificate = certificate.unwrap().served();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let serving = tokio::spawn(async move {
            let listener = Listener {
                tcp,
                certificate,
                connections: Arc::default(),
                proxies: config.proxies.clone(),
                proxy_protocol: config.proxies.proxy_protocol,
            };
            serve(listener, router, &config.http, stopped).await
        });
        Self {
            port,
            stop,
            serving,
        }
    }

    /// Ends it; its port then refuses connections.
    pub(in crate::proxies) async fn stop(&mut self) {
        self.stop.cancel();
        (&mut self.serving).await.unwrap().unwrap();
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(in crate::proxies) struct Arrived {
    pub(in crate::proxies) from: SocketAddr,
    pub(in crate::proxies) method: String,
    pub(in crate::proxies) target: String,
    pub(in crate::proxies) headers: Vec<(String, String)>,
    pub(in crate::proxies) body: Vec<u8>,
}

impl Arrived {
    /// Every value of a header.
    pub(in crate::proxies) fn header(&self, name: &str) -> Vec<&str> {
        let found = self.headers.iter().filter(|(theirs, _)| theirs == name);
        found.map(|(_, value)| value.as_str()).collect()
    }
}

/// Answers as told, and remembers every request.
#[derive(Clone)]
pub(in crate::proxies) struct Recorder {
    answer: Arc<dyn Fn(&Arrived) -> Response + Send + Sync>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Recorder {
    pub(in crate::proxies) fn new<A: IntoResponse>(
        answer: impl Fn(&Arrived) -> A + Send + Sync + 'static,
    ) -> Self {
        Self {
            answer: Arc::new(move |arrived| answer(arrived).into_response()),
            arrived: Arc::default(),
        }
    }

    pub(in crate::proxies) fn router(&self) -> Router {
        Router::new().fallback(record).with_state(self.clone())
    }

    /// What arrived since it was last asked.
    pub(in crate::proxies) fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut *self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn record(
    State(recorder): State<Recorder>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    // Asked by a proxy whether it is there, not by a caller.
    if head.uri.path() == "/healthz" {
        return StatusCode::OK.into_response();
    }
    let headers = head.headers.iter();
    let arrived = Arrived {
        from,
        method: head.method.to_string(),
        target: head.uri.path_and_query().unwrap().to_string(),
        headers: headers
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.to_string(), value.into_owned())
            })
            .collect(),
        body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
    };
    let answer = (recorder.answer)(&arrived);
    let mut all = recorder
        .arrived
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    all.push(arrived);
    answer
}

/// Serves the recorder without TLS; its port.
pub(in crate::proxies) async fn serve_plain(recorder: &Recorder) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = recorder
        .router()
        .into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    port
}
