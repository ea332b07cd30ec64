//! Owns the certificate in files: reading it, refusing a bad pair, and taking a new one over while serving.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::sync::Notify;

use crate::base::clock::{Clock, UnixTime};
use crate::base::crypto::pem::{parse_certificates, parse_private_key};
use crate::config::{Config, TlsConfig};
use crate::http::server::tls::certificate_problems::{
    CertificateProblem, certificate_problems, check_replacement,
};
use crate::http::server::tls::certificate_status::CertificateStatus;
use crate::http::server::tls::pair_problems;
use crate::http::server::tls::{Handshakes, TlsError};

/// How often the files are looked at. Reading two small files costs nothing, works on every file system
/// and sees the swapped links of Kubernetes, which a watch on the files themselves does not.
const INTERVAL: Duration = Duration::from_secs(2);

/// A certificate and its key in files.
pub(in crate::http) struct CertificateFiles {
    files: TlsConfig,
    handshakes: Handshakes,
    clock: Clock,
    chain: Vec<CertificateDer<'static>>,
    /// When the files are to be judged again though they did not change: they are not valid before.
    retry_at: Option<UnixTime>,
    pub(in crate::http) served: RustlsConfig,
    pub(in crate::http) status: Arc<CertificateStatus>,
    last_read: Vec<Vec<u8>>,
}

impl CertificateFiles {
    pub(in crate::http) fn load(
        files: TlsConfig,
        handshakes: Handshakes,
        clock: Clock,
    ) -> Result<Self, TlsError> {
        let last_read = read(&files)?;
        let (config, chain) = parse(&files, &last_read, &handshakes)?;
        Ok(Self {
            files,
            handshakes,
            clock,
            retry_at: None,
            served: RustlsConfig::from_config(config),
            status: Arc::new(CertificateStatus::new(&chain)),
            chain,
            last_read,
        })
    }

    pub(in crate::http) fn problems(&self, config: &Config) -> Vec<CertificateProblem> {
        certificate_problems(&self.name(), &self.chain, config, self.clock.now())
    }

    fn name(&self) -> String {
        format!("TLS_CERT: `{}`", self.files.cert.display())
    }

    /// Reads the files again whenever they change, and whenever `asked`, which is `answered` then; never ends.
    /// What cannot be used is logged once and the old pair kept.
    pub(in crate::http) async fn follow(mut self, asked: Arc<Notify>, answered: impl Fn()) {
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
                tracing::error!(
                    "cannot reload the certificate, so the server keeps the old one: {error}"
                );
                self.last_read = Vec::new();
                return;
            }
            Err(_) => return,
        };
        let now = self.clock.now();
        let is_valid_by_now = self.retry_at.is_some_and(|at| at <= now);
        if contents == self.last_read && !by_request && !is_valid_by_now {
            return;
        }
        self.retry_at = None;
        match parse(&self.files, &contents, &self.handshakes) {
            Ok((config, chain)) => match check_replacement(&self.chain, &chain, now) {
                Ok(()) => self.serve(config, chain),
                Err(error) => {
                    self.retry_at = error.valid_from();
                    self.refuse(&format!("{}: {error}", self.name()));
                }
            },
            Err(error) => self.refuse(&error.to_string()),
        }
        self.last_read = contents;
    }

    fn serve(&mut self, config: Arc<ServerConfig>, chain: Vec<CertificateDer<'static>>) {
        self.served.reload_from_config(config);
        self.status.note_reload(&chain);
        self.chain = chain;
        tracing::info!(path = %self.files.cert.display(), "reloaded the certificate");
    }

    fn refuse(&self, why: &str) {
        self.status.note_refusal();
        tracing::error!("the server refuses the new certificate and keeps the old one: {why}");
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
    let malformed = |name, path: &Path| {
        let path = path.to_owned();
        move |cause| TlsError::Malformed { name, path, cause }
    };
    let [cert, key] = contents else {
        return Err(malformed("TLS_CERT", &files.cert)(anyhow!(
            "cannot read it"
        )));
    };
    let chain = parse_certificates(cert).map_err(malformed("TLS_CERT", &files.cert))?;
    let key = parse_private_key(key).map_err(malformed("TLS_KEY", &files.key))?;
    pair_problems::check_key(&key).map_err(malformed("TLS_KEY", &files.key))?;
    pair_problems::check_order(&chain, &key).map_err(malformed("TLS_CERT", &files.cert))?;
    let config = handshakes.builder()?.with_single_cert(chain.clone(), key);
    Ok((handshakes.finish(config.map_err(TlsError::Pair)?), chain))
}
