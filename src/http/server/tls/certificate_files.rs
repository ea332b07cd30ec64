//! Owns the certificate in files: reading it, refusing a bad pair, and taking a new one over while serving.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::Notify;

use crate::base::clock::Clock;
use crate::base::crypto::pem::{parse_certificates, parse_private_key};
use crate::config::{Config, TlsConfig};
use crate::http::server::tls::certificate_problems::{CertificateProblem, certificate_problems};
use crate::http::server::tls::pair_problems;
use crate::http::server::tls::{Handshakes, Loaded, Presented, TlsError};

/// How often the files are looked at. Reading two small files costs nothing, works on every file system
/// and sees the swapped links of Kubernetes, which a watch on the files themselves does not.
const INTERVAL: Duration = Duration::from_secs(2);

pub(in crate::http) struct CertificateFiles {
    files: TlsConfig,
    handshakes: Handshakes,
    clock: Clock,
    pub(super) presented: Presented,
    last_read: Vec<Vec<u8>>,
}

impl CertificateFiles {
    pub(in crate::http) fn load(
        files: TlsConfig,
        handshakes: Handshakes,
        clock: Clock,
    ) -> Result<Self, TlsError> {
        let last_read = read(&files)?;
        Ok(Self {
            presented: Presented::new(parse(&files, &last_read, &handshakes)?),
            files,
            handshakes,
            clock,
            last_read,
        })
    }

    pub(in crate::http) fn problems(&self, config: &Config) -> Vec<CertificateProblem> {
        let chain = &self.presented.chain;
        certificate_problems(&self.name(), chain, config, self.clock.now())
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
                self.presented.status.note_refusal();
                tracing::error!(
                    "cannot reload the certificate, so the server keeps the old one: {error}"
                );
                self.last_read = Vec::new();
                return;
            }
            Err(_) => return,
        };
        let now = self.clock.now();
        let is_valid_by_now = self.presented.retry_at.is_some_and(|at| at <= now);
        if contents == self.last_read && !by_request && !is_valid_by_now {
            return;
        }
        let loaded = parse(&self.files, &contents, &self.handshakes);
        match self.presented.replace(loaded, &self.name(), now) {
            Ok(()) => {
                tracing::info!(path = %self.files.cert.display(), "reloaded the certificate");
            }
            Err(why) => tracing::error!(
                "the server refuses the new certificate and keeps the old one: {why}"
            ),
        }
        self.last_read = contents;
    }
}

fn read(files: &TlsConfig) -> Result<Vec<Vec<u8>>, TlsError> {
    let files = [("TLS_CERT", &files.cert), ("TLS_KEY", &files.key)].into_iter();
    let contents = files.map(|(name, path)| {
        std::fs::read(path).map_err(|error| TlsError::Unreadable {
            name,
            path: path.clone(),
            why: error.to_string(),
        })
    });
    contents.collect()
}

fn parse(
    files: &TlsConfig,
    contents: &[Vec<u8>],
    handshakes: &Handshakes,
) -> Result<Loaded, TlsError> {
    let malformed = |name, path: &Path, cause: anyhow::Error| TlsError::File {
        name,
        path: path.to_owned(),
        why: format!("{cause:#}"),
    };
    let in_cert = |cause| malformed("TLS_CERT", &files.cert, cause);
    let in_key = |cause| malformed("TLS_KEY", &files.key, cause);
    let [cert, key] = contents else {
        return Err(in_cert(anyhow!("cannot read it")));
    };
    let chain = parse_certificates(cert).map_err(in_cert)?;
    let key = parse_private_key(key).map_err(in_key)?;
    pair_problems::check_key(&key).map_err(in_key)?;
    pair_problems::check_order(&chain, &key).map_err(in_cert)?;
    let config = handshakes.builder()?.with_single_cert(chain.clone(), key);
    Ok((handshakes.finish(config.map_err(TlsError::Pair)?), chain))
}
