//! Owns the authorities whose certificates prove a client by `tls_client_auth` (RFC 8705 §2.1): their file,
//! read again when it changes, and the verdict on a chain.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use crate::app::authentication::Authentication;
use crate::app::authentication::peer_certificate::PeerCertificate;
use crate::base::clock::UnixTime;
use crate::base::crypto::pem::parse_certificates;

impl Authentication {
    /// Reads `TLS_CLIENT_CA` again, if it has changed.
    pub fn reread_client_ca(&self) {
        self.client_ca.reread();
    }
}

pub(crate) struct ClientCa {
    path: Option<PathBuf>,
    read: ArcSwap<Read>,
}

#[derive(Default)]
struct Read {
    contents: Vec<u8>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

impl ClientCa {
    pub(crate) fn open(path: Option<PathBuf>) -> anyhow::Result<Self> {
        let mut read = Read::default();
        if let Some(path) = &path {
            let whole = || format!("TLS_CLIENT_CA: `{}`", path.display());
            read.contents = std::fs::read(path).with_context(whole)?;
            read.verifier = Some(verifier(&read.contents).with_context(whole)?);
        }
        Ok(Self {
            path,
            read: ArcSwap::from_pointee(read),
        })
    }

    /// Reads the file again. What cannot be used is logged once, and the old authorities kept.
    pub(crate) fn reread(&self) {
        let Some(path) = &self.path else { return };
        // A file that is gone counts as an empty one, which cannot be used.
        let contents = std::fs::read(path).unwrap_or_default();
        let known = self.read.load();
        if contents == known.contents {
            return;
        }
        let made = verifier(&contents);
        let verifier = made.as_ref().ok().or(known.verifier.as_ref()).cloned();
        self.read.store(Arc::new(Read { contents, verifier }));
        match made {
            Ok(_) => tracing::info!(path = %path.display(), "reloaded TLS_CLIENT_CA"),
            Err(error) => tracing::error!(
                path = %path.display(),
                "the server refuses the new TLS_CLIENT_CA and keeps the old one: {error:#}"
            ),
        }
    }

    /// Whether one of the authorities vouches for a certificate, for use by clients, at `now`; else why not.
    pub(crate) fn judge(&self, certificate: &PeerCertificate, now: UnixTime) -> Result<(), String> {
        let read = self.read.load();
        let verifier = read.verifier.as_ref().ok_or("TLS_CLIENT_CA is not set")?;
        let (end_entity, intermediates) = certificate.chain();
        let now = Duration::from_secs(now.0.unsigned_abs());
        let now = pki_types::UnixTime::since_unix_epoch(now);
        verifier
            .verify_client_cert(end_entity, intermediates, now)
            .map(drop)
            .map_err(|error| {
                format!("no authority of TLS_CLIENT_CA issued the certificate: {error}")
            })
    }
}

fn verifier(pem: &[u8]) -> anyhow::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in parse_certificates(pem)? {
        roots.add(certificate)?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?)
}
