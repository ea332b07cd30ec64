//! Owns the certificate in files: reading it, refusing a bad pair, and taking a new one over while serving.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::Notify;

use super::certificate_status::CertificateStatus;
use super::tls::{Handshakes, TlsError};
use crate::config::TlsConfig;
use crate::pem::parse_certificates;

/// How often the files are looked at. Reading two small files costs nothing, works on every file system
/// and sees the swapped links of Kubernetes, which a watch on the files themselves does not.
const INTERVAL: Duration = Duration::from_secs(2);

/// A certificate and its key in files.
pub(super) struct CertificateFiles {
    files: TlsConfig,
    handshakes: Handshakes,
    pub(super) served: RustlsConfig,
    pub(super) status: Arc<CertificateStatus>,
    last_read: Vec<Vec<u8>>,
}

impl CertificateFiles {
    pub(super) fn load(files: TlsConfig, handshakes: Handshakes) -> Result<Self, TlsError> {
        let last_read = read(&files)?;
        let (config, chain) = parse(&files, &last_read, &handshakes)?;
        Ok(Self {
            files,
            handshakes,
            served: RustlsConfig::from_config(config),
            status: Arc::new(CertificateStatus::new(&chain)),
            last_read,
        })
    }

    /// Reads the files again whenever they change, and whenever `asked`, which is `answered` then; never ends.
    /// What cannot be used is logged once and the old pair kept.
    pub(super) async fn follow(mut self, asked: Arc<Notify>, answered: impl Fn()) {
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
        match parse(&self.files, &contents, &self.handshakes) {
            Ok((config, chain)) => {
                self.served.reload_from_config(config);
                self.status.note_reload(&chain);
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
    handshakes: &Handshakes,
) -> Result<(Arc<ServerConfig>, Vec<CertificateDer<'static>>), TlsError> {
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
    let config = handshakes.builder()?.with_single_cert(chain.clone(), key);
    Ok((handshakes.finish(config.map_err(TlsError::Pair)?), chain))
}
