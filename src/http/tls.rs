//! Owns the certificate: reading it, refusing a bad pair, and taking a new one over while serving.
//!
//! TLS 1.2 and 1.3 with aws-lc-rs, X25519MLKEM768 preferred, ALPN `h2` and `http/1.1`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Notify;

use super::certificate_status::CertificateStatus;
use super::client_certificates::AnyCertificate;
use super::tickets::Tickets;
use crate::config::TlsConfig;
use crate::pem::parse_certificates;

/// How often the files are looked at. Reading two small files costs nothing, works on every file system
/// and sees the swapped links of Kubernetes, which a watch on the files themselves does not.
const INTERVAL: Duration = Duration::from_secs(2);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{name}: cannot read `{path}`: {cause}")]
    Unreadable {
        /// The setting.
        name: &'static str,
        /// What it says.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{name}: `{path}` holds no usable {what}")]
    Empty {
        /// The setting.
        name: &'static str,
        /// What it says.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// The two do not fit, or the algorithm is not supported.
    #[error("TLS_CERT and TLS_KEY do not make a usable pair: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate and its key in files, as the server presents them.
pub struct Certificate {
    files: TlsConfig,
    asks_clients: bool,
    tickets: Tickets,
    served: RustlsConfig,
    status: Arc<CertificateStatus>,
    last_read: Vec<Vec<u8>>,
}

impl Certificate {
    /// Reads the files, for a listener that asks for no certificates and goes on with its own sessions.
    pub fn load(files: TlsConfig) -> Result<Self, TlsError> {
        Self::load_for(files, false, Tickets::of_this_process()?)
    }

    /// Reads the files, for a listener that may ask its clients for certificates of their own.
    pub fn load_for(
        files: TlsConfig,
        asks_clients: bool,
        tickets: Tickets,
    ) -> Result<Self, TlsError> {
        let last_read = read(&files)?;
        let config = parse(&files, &last_read, asks_clients, &tickets)?;
        Ok(Self {
            files,
            asks_clients,
            tickets,
            served: RustlsConfig::from_config(config),
            status: Arc::new(CertificateStatus::new(chain_of(&last_read))),
            last_read,
        })
    }

    /// What the listener presents; it follows every reload.
    pub fn served(&self) -> RustlsConfig {
        self.served.clone()
    }

    /// What is known of what is presented; it follows every reload.
    pub fn status(&self) -> Arc<CertificateStatus> {
        Arc::clone(&self.status)
    }

    /// Reads the files again whenever they change, and whenever `asked`, which is `answered` then; never ends.
    /// What cannot be used is logged once and the old pair kept.
    pub async fn follow(mut self, asked: Arc<Notify>, answered: impl Fn()) {
        loop {
            let by_request = tokio::select! {
                () = asked.notified() => true,
                () = tokio::time::sleep(INTERVAL) => false,
            };
            let files = self.files.clone();
            if let Ok(files_read) = tokio::task::spawn_blocking(move || read(&files)).await {
                self.take_over(files_read, by_request);
            }
            if by_request {
                answered();
            }
        }
    }

    fn take_over(&mut self, files_read: Result<Vec<Vec<u8>>, TlsError>, by_request: bool) {
        let contents = match files_read {
            Ok(contents) => contents,
            // Remembered as empty files, so that the complaint comes once.
            Err(error) if by_request || !self.last_read.is_empty() => {
                self.status.note_refusal();
                tracing::error!("the certificate cannot be reloaded, the old one is kept: {error}");
                self.last_read = Vec::new();
                return;
            }
            Err(_) => return,
        };
        if contents == self.last_read && !by_request {
            return;
        }
        match parse(&self.files, &contents, self.asks_clients, &self.tickets) {
            Ok(config) => {
                self.served.reload_from_config(config);
                self.status.note_reload(chain_of(&contents));
                tracing::info!(path = %self.files.cert.display(), "the certificate was reloaded");
            }
            Err(error) => {
                self.status.note_refusal();
                tracing::error!("the new certificate is refused, the old one is kept: {error}");
            }
        }
        self.last_read = contents;
    }
}

fn chain_of(contents: &[Vec<u8>]) -> &[u8] {
    contents.first().map_or(&[], Vec::as_slice)
}

fn read(files: &TlsConfig) -> Result<Vec<Vec<u8>>, TlsError> {
    [("TLS_CERT", &files.cert), ("TLS_KEY", &files.key)]
        .into_iter()
        .map(|(name, path)| {
            std::fs::read(path).map_err(|cause| TlsError::Unreadable {
                name,
                path: path.clone(),
                cause,
            })
        })
        .collect()
}

fn parse(
    files: &TlsConfig,
    contents: &[Vec<u8>],
    asks_clients: bool,
    tickets: &Tickets,
) -> Result<Arc<ServerConfig>, TlsError> {
    let empty = |name, path: &PathBuf, what| TlsError::Empty {
        name,
        path: path.clone(),
        what,
    };
    let no_chain = || empty("TLS_CERT", &files.cert, "PEM certificate");
    let no_key = || empty("TLS_KEY", &files.key, "PEM private key");
    let [cert, key] = contents else {
        return Err(no_chain());
    };
    let chain = parse_certificates(cert).map_err(|_| no_chain())?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| no_key())?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let any_certificate = AnyCertificate::new(&provider);
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let builder = if asks_clients {
        builder.with_client_cert_verifier(any_certificate)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    tickets.apply(&mut config);
    Ok(Arc::new(config))
}
