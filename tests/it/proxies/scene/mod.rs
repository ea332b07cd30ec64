//! A caller, a proxy, a token-server and a service, put together.

pub(super) mod peers;
pub(super) mod proxy;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use token_server::app::NewClient;
use token_server::domain::{Audience, Metadata, Scope};
use token_server::http::{AppState, router};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::clients::{PORTS, free_port};
use crate::harness::{Holder, TestApp, new_client};
use peers::{Arrived, Recorder, SITE, TokenServer};
use proxy::{Place, Proxy, Running};

/// What the examples require of a token.
pub(super) const SCOPE: &str = "invoices.read";
pub(super) const AUDIENCE: &str = "https://invoices.example.com";

/// What the client of a good token has, with the claim that the examples ask for.
pub(super) const METADATA: &str = r#"{"tenant":"acme","city":"Zürich"}"#;

/// For how long an answer to what is no request may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Scene {
    // First, so that it ends while the others still answer.
    _proxy: Running,
    port: u16,
    root: CertificateDer<'static>,
    client: reqwest::Client,
    http1: reqwest::Client,
    service: Recorder,
    token_server: TokenServer,
    _folder: TempDir,
}

impl Scene {
    /// With a real token-server.
    pub(super) async fn new(proxy: &Proxy) -> (Self, TestApp) {
        let test = TestApp::new().await;
        let state = AppState::new(Arc::clone(&test.app));
        let router = Router::new().fallback_service(router(state, &Handle::current()));
        (Self::with_token_server(proxy, router).await, test)
    }

    /// With a real token-server that believes the proxy, and believes as well who tests it in process.
    pub(super) async fn trusted(proxy: &Proxy, settings: &[(&str, &str)]) -> (Self, TestApp) {
        let trust = [
            ("TRUSTED_PROXIES", "127.0.0.1 192.0.2.1"),
            ("CLIENT_CERT_HEADER", proxy.certificate_header),
        ];
        let test = TestApp::with(&[&trust, settings].concat()).await;
        let state = AppState::new(Arc::clone(&test.app));
        let router = Router::new().fallback_service(router(state, &Handle::current()));
        (Self::with_token_server(proxy, router).await, test)
    }

    /// With a token-server that may be a played one.
    pub(super) async fn with_token_server(proxy: &Proxy, router: Router) -> Self {
        Self::with(proxy, router, Recorder::new(|_| "served"), |_| {}).await
    }

    /// With a service of one's own, and files changed before proxy and token-server see them.
    pub(super) async fn with(
        proxy: &Proxy,
        router: Router,
        service: Recorder,
        change: impl FnOnce(&Path),
    ) -> Self {
        // Several tests race to be the first; the provider is the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        peers::write_certificates(folder.path());
        let root = CertificateDer::from_pem_file(folder.path().join("ca.pem")).unwrap();
        change(folder.path());
        let token_server = TokenServer::serve(router, folder.path());
        let mut place = Place {
            examples: proxy.examples,
            folder: folder.path().to_owned(),
            port: 0,
            token_server: token_server.port,
            service: peers::serve_plain(&service).await,
        };
        for _ in 0..PORTS {
            place.port = free_port();
            let mut running = Running::start(proxy, &place);
            if shakes_hands(&mut running, place.port, &root).await {
                return Self {
                    _proxy: running,
                    port: place.port,
                    client: client(&root, place.port).build().unwrap(),
                    http1: client(&root, place.port).http1_only().build().unwrap(),
                    root,
                    service,
                    token_server,
                    _folder: folder,
                };
            }
        }
        panic!("{}: every one of {PORTS} ports was taken", proxy.program);
    }

    /// A request in HTTP/1.1, whatever else the proxy speaks.
    pub(super) fn request_1_1(&self, method: &str, target: &str) -> reqwest::RequestBuilder {
        self.request_by(&self.http1, method, target)
    }

    /// A request in the version that the proxy prefers.
    pub(super) fn request(&self, method: &str, target: &str) -> reqwest::RequestBuilder {
        self.request_by(&self.client, method, target)
    }

    /// A client with a connection of its own for each request, and a certificate if it has one.
    pub(super) fn client_of(&self, holder: Option<&Holder>) -> reqwest::Client {
        self.builder_for(holder).build().unwrap()
    }

    /// The same, for HTTP/1.1 only.
    pub(super) fn http1_client_of(&self, holder: Option<&Holder>) -> reqwest::Client {
        self.builder_for(holder).http1_only().build().unwrap()
    }

    fn builder_for(&self, holder: Option<&Holder>) -> reqwest::ClientBuilder {
        let client = client(&self.root, self.port).pool_max_idle_per_host(0);
        match holder {
            Some(holder) => client.identity(holder.identity()),
            None => client,
        }
    }

    /// What is answered to these bytes, in HTTP/1.1 on a connection of its own; empty when it is just closed.
    pub(super) async fn send_bytes(&self, bytes: &[u8]) -> String {
        let tcp = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let name = ServerName::try_from(SITE).unwrap();
        let mut tls = connector(&self.root).connect(name, tcp).await.unwrap();
        let mut answer = Vec::new();
        if tls.write_all(bytes).await.is_ok() {
            // Also an end without farewell is one.
            let _ = timeout(PATIENCE, tls.read_to_end(&mut answer)).await;
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// What callers have in front of a path, where the proxy tells `/verify` of the port that this one listens on.
    pub(super) fn origin(&self, proxy: &Proxy) -> String {
        if proxy.fixes_host {
            format!("https://{SITE}")
        } else {
            format!("https://{SITE}:{}", self.port)
        }
    }

    pub(super) fn request_by(
        &self,
        client: &reqwest::Client,
        method: &str,
        target: &str,
    ) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("https://{SITE}:{}{target}", self.port);
        client.request(method, url)
    }

    pub(super) async fn get(&self, token: &str) -> reqwest::Response {
        let request = self.request("GET", "/invoices/7").bearer_auth(token);
        request.send().await.unwrap()
    }

    /// What the service got since this was last asked.
    pub(super) fn arrived(&self) -> Vec<Arrived> {
        self.service.take()
    }

    pub(super) async fn stop_token_server(&mut self) {
        self.token_server.stop().await;
    }
}

/// A token of a client registered for it.
pub(super) async fn token(test: &TestApp, id: &str, scope: &str, audience: &str) -> String {
    token_with(test, id, scope, audience, METADATA).await
}

/// A token of a client registered for it and with this metadata.
pub(super) async fn token_with(
    test: &TestApp,
    id: &str,
    scope: &str,
    audience: &str,
    metadata: &str,
) -> String {
    let secret = test
        .register(NewClient {
            scopes: Scope::parse(scope).unwrap(),
            audiences: Audience::parse_list(audience).unwrap(),
            metadata: Metadata::parse(metadata).unwrap(),
            ..new_client(id)
        })
        .await;
    let answer = test.authorize(id, &secret).await.json();
    answer["token"].as_str().unwrap().to_owned()
}

/// One that the examples let pass.
pub(super) async fn good_token(test: &TestApp) -> String {
    token(test, "billing", "invoices.read invoices.write", AUDIENCE).await
}

/// Waits for the proxy, which only itself can be: nobody else has the certificate. False when its port
/// was taken.
async fn shakes_hands(running: &mut Running, port: u16, root: &CertificateDer<'static>) -> bool {
    let connector = connector(root);
    // A process of another make is waited for in real time; there is nothing of ours to await.
    for _ in 0..1_000 {
        if let Some(said) = running.ended() {
            let taken = said.contains("ddress already in use");
            assert!(
                taken,
                "the proxy ended (scripts/interop installs it): {said}"
            );
            return false;
        }
        if let Ok(tcp) = TcpStream::connect(("127.0.0.1", port)).await {
            let name = ServerName::try_from(SITE).unwrap();
            if connector.connect(name, tcp).await.is_ok() {
                return true;
            }
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    panic!("the proxy did not come up");
}

fn connector(root: &CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

fn client(root: &CertificateDer<'static>, port: u16) -> reqwest::ClientBuilder {
    let root = reqwest::Certificate::from_der(root).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([root])
        .no_proxy()
        .resolve(SITE, SocketAddr::from(([127, 0, 0, 1], port)))
}
