//! The service on a real port.

mod password_gate;
mod plain;
mod tls_gate;
mod wire;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use token_server::config::{ProxyProtocolUse, TlsConfig};
use token_server::http::{
    Certificate, CertificateStatus, Listener, Runtimes, Tickets, admin_router, router, serve,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::TestApp;
pub(crate) use password_gate::PasswordGate;
pub(crate) use plain::{ServedPlain, exchange, plain_request};
pub(crate) use tls_gate::TlsGate;
pub(crate) use wire::Wire;

/// The service on a port of its own, with TLS.
pub(crate) struct Served {
    pub(crate) test: TestApp,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    pub(crate) stop: CancellationToken,
    pub(crate) reload: Arc<Notify>,
    pub(crate) certificate: Arc<CertificateStatus>,
    pub(crate) serving: JoinHandle<std::io::Result<()>>,
    presented: RustlsConfig,
}

impl Served {
    /// Serves from now on.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::of(TestApp::with(settings).await)
    }

    /// The same, of a service that may be one of several.
    pub(crate) fn of(test: TestApp) -> Self {
        let folder = TempDir::new().unwrap();
        write_certificate(folder.path());
        let certificate = certificate(&test, folder.path());
        let (served, status) = (certificate.served(), certificate.status());
        let (stop, reload) = (CancellationToken::new(), Arc::new(Notify::new()));
        tokio::spawn(certificate.follow(Arc::clone(&reload), || {}));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = test.state.clone();
        let proxies = &test.app.config().proxies;
        let listener = Listener {
            tcp: listener,
            certificate: served.clone(),
            connections: state.connections(),
            proxies: proxies.clone(),
            proxy_protocol: proxies.proxy_protocol,
        };
        let service = router(state.clone(), &Handle::current());
        let threads = Runtimes::start(&listener, &service, None, &state, &stop);
        let serving = tokio::spawn(async move {
            let mut threads = threads?;
            threads.ended().await
        });
        Self {
            test,
            address,
            folder,
            stop,
            reload,
            certificate: status,
            serving,
            presented: served,
        }
    }

    /// Serves portal and admin API at an address of their own too.
    pub(crate) fn serve_admin(&self) -> SocketAddr {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        let state = self.test.state.clone();
        let stop = self.stop.clone();
        let listener = Listener {
            tcp,
            certificate: self.presented.clone(),
            connections: state.admin_connections(),
            proxies: self.test.app.config().proxies.clone(),
            proxy_protocol: ProxyProtocolUse::Off,
        };
        tokio::spawn(async move {
            let config = &state.config().http;
            serve(listener, admin_router(state.clone()), config, stop).await
        });
        address
    }

    /// The certificate in the folder now.
    pub(crate) fn root(&self) -> CertificateDer<'static> {
        use rustls::pki_types::pem::PemObject;
        CertificateDer::from_pem_file(self.folder.path().join("cert.pem")).unwrap()
    }

    /// A client that trusts it.
    pub(crate) fn client(&self) -> reqwest::ClientBuilder {
        let root = reqwest::Certificate::from_der(&self.root()).unwrap();
        // Several tests race to be the first; the provider is the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        reqwest::Client::builder()
            .tls_certs_only([root])
            .resolve("localhost", self.address)
    }

    /// One of its URLs.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    /// A TLS connection by hand with a certificate of the client.
    pub(crate) async fn connect_as(
        &self,
        certificate: Arc<dyn ResolvesClientCert>,
        version: &'static SupportedProtocolVersion,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut config = client_config(&[self.root()], &[version]);
        config.client_auth_cert_resolver = certificate;
        self.handshake(config).await
    }

    /// A TLS connection by hand, HTTP/1.1 only.
    pub(crate) async fn connect(
        &self,
        root: CertificateDer<'static>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.handshake(client_config(&[root], versions)).await
    }

    /// A TLS connection by hand on which HTTP/2 is agreed.
    pub(crate) async fn connect_http2(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let mut config = client_config(&[self.root()], &[&rustls::version::TLS13]);
        config.alpn_protocols = vec![b"h2".to_vec()];
        self.handshake(config).await
    }

    /// A TLS connection by hand to another address with the same certificate.
    pub(crate) async fn connect_to(
        &self,
        address: SocketAddr,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.go_on(TcpStream::connect(address).await?).await
    }

    /// A TLS connection by hand from one of this machine's own addresses, 127.0.0.`last`.
    pub(crate) async fn connect_from(&self, last: u8) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, last], 0).into())?;
        self.go_on(socket.connect(self.address).await?).await
    }

    /// The answer to a form that is sent to `/authorize` on a connection which begins with these bytes, a balancer's header.
    pub(crate) async fn log_in_behind(&self, header: &[u8], form: &str) -> String {
        let mut tcp = TcpStream::connect(self.address).await.unwrap();
        tcp.write_all(header).await.unwrap();
        let mut tls = self.go_on(tcp).await.unwrap();
        let request = format!(
            "POST /authorize HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: \
             application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        );
        tls.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // An end without farewell is one too.
        let _ = tls.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    /// TLS on a connection that has begun already.
    pub(crate) async fn go_on(&self, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        handshake(
            tcp,
            client_config(&[self.root()], &[&rustls::version::TLS13]),
        )
        .await
    }

    /// A TLS connection by hand of a client that may have been here, or at another replica.
    pub(crate) async fn handshake(
        &self,
        config: ClientConfig,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        handshake(TcpStream::connect(self.address).await?, config).await
    }
}

/// What the service presents: what an authority issues where it does, else what is in the folder.
fn certificate(test: &TestApp, folder: &Path) -> Certificate {
    let tickets = Tickets::new(test.app.config(), &test.clock).unwrap();
    if test.app.acme.is_some() {
        return Certificate::issued_to(Arc::clone(&test.app), tickets).unwrap();
    }
    let files = TlsConfig {
        cert: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    };
    let asks_clients = test.app.config().client_authentication.ask_for_certificates;
    Certificate::load_for(files, asks_clients, tickets, test.clock.clone()).unwrap()
}

/// TLS on a TCP connection.
async fn handshake(tcp: TcpStream, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, tcp).await
}

/// A client that trusts these certificates.
pub(crate) fn client_config(
    trusted: &[CertificateDer<'static>],
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted.iter().cloned());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Serves what the router of a port is at that port, which is returned: a server of somebody else, over HTTPS. The folder gets
/// its certificate, which is for `127.0.0.1` too.
pub(crate) fn serve_https(folder: &Path, router: impl FnOnce(u16) -> Router) -> u16 {
    write_certificate_for(&["localhost", "127.0.0.1"], folder);
    let files = TlsConfig {
        cert: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    };
    let certificate = Certificate::load(files).unwrap().served();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = axum_server::from_tcp_rustls(listener, certificate).unwrap();
    tokio::spawn(server.serve(router(port).into_make_service()));
    port
}

/// A certificate for localhost and its key.
pub(crate) fn write_certificate(folder: &Path) {
    write_certificate_for(&["localhost"], folder);
}

fn write_certificate_for(names: &[&str], folder: &Path) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
}

/// How a header of the PROXY protocol begins, version 2.
pub(crate) const PROXY_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Such a header about a caller at 198.51.100.`last`.
pub(crate) fn proxy_header(last: u8) -> Vec<u8> {
    let addresses = [198, 51, 100, last, 127, 0, 0, 1, 0xc3, 0x50, 0x0a, 0x28];
    [PROXY_SIGNATURE, &[0x21, 0x11, 0, 12], &addresses].concat()
}
