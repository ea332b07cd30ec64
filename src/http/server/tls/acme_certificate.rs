//! Owns the presenting of a certificate that an authority issues: taking a new one over while serving, and showing the
//! authority what it looks for when it connects (RFC 8737).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::{Notify, watch};

use crate::app::{Acme, App, CachedCertificate};
use crate::http::server::tls::certificate_problems::{CertificateProblem, certificate_problems};
use crate::http::server::tls::{Handshakes, Loaded, Presented, TlsError};

/// The protocol of a connection by which an authority validates a name (RFC 8737 §6.2).
pub(in crate::http) const ACME_TLS: &[u8] = b"acme-tls/1";

/// What messages call it.
const NAME: &str = "TLS_ACME_NAMES: the certificate";

/// How often it is looked whether a certificate is valid by now.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// A certificate that an authority issues, as the server presents it.
pub(in crate::http) struct IssuedCertificate {
    app: Arc<App>,
    acme: Arc<Acme>,
    changes: watch::Receiver<()>,
    handshakes: Handshakes,
    /// With an empty chain for a stand-in.
    pub(super) presented: Presented,
}

impl IssuedCertificate {
    pub(in crate::http) fn new(app: Arc<App>, handshakes: Handshakes) -> Result<Self, TlsError> {
        let acme = app.acme.clone().ok_or(TlsError::NotIssued)?;
        let changes = acme.changes();
        Ok(Self {
            presented: Presented::new(load(&acme, &handshakes)?),
            acme,
            changes,
            app,
            handshakes,
        })
    }

    pub(in crate::http) fn problems(&self) -> Vec<CertificateProblem> {
        issued_certificate_problems(&self.app)
    }

    pub(in crate::http) async fn follow(mut self, asked: Arc<Notify>, answered: impl Fn()) {
        loop {
            let retry_at = self.presented.retry_at;
            let by_request = tokio::select! {
                () = asked.notified() => true,
                changed = self.changes.changed() => {
                    if changed.is_err() {
                        return std::future::pending().await;
                    }
                    false
                }
                () = tokio::time::sleep(RETRY_INTERVAL), if retry_at.is_some() => {
                    if retry_at.is_some_and(|at| at > self.app.clock().now()) {
                        continue;
                    }
                    false
                }
            };
            if by_request {
                if let Err(error) = self.acme.read().await {
                    tracing::warn!("cannot read the certificate: {}", error.reason());
                }
                self.changes.mark_unchanged();
            }
            let loaded = load(&self.acme, &self.handshakes);
            match self.presented.replace(loaded, NAME, self.app.clock().now()) {
                Ok(()) => tracing::info!("reloaded the certificate"),
                Err(why) => tracing::error!(
                    "the server refuses the new certificate and keeps the old one: {why}"
                ),
            }
            if by_request {
                answered();
            }
        }
    }
}

/// What is wrong with the certificate that an authority issued, or with the stand-in for it.
pub fn issued_certificate_problems(app: &App) -> Vec<CertificateProblem> {
    let Some(acme) = &app.acme else {
        return Vec::new();
    };
    let (certificate, _) = acme.certificate();
    certificate_problems(NAME, &certificate.chain, app.config(), app.clock().now())
}

/// The configuration, and the chain whose end counts: not that of a stand-in, which is good for ever and for nobody.
fn load(acme: &Arc<Acme>, handshakes: &Handshakes) -> Result<Loaded, TlsError> {
    let (certificate, is_issued) = acme.certificate();
    let resolver = Resolver {
        acme: Arc::clone(acme),
        certified: Arc::new(certify(&certificate)?),
    };
    let builder = handshakes.builder()?;
    let config = builder.with_cert_resolver(Arc::new(resolver));
    let mut config = handshakes.finish(config);
    Arc::make_mut(&mut config)
        .alpn_protocols
        .push(ACME_TLS.to_vec());
    let ends = is_issued.then(|| certificate.chain.clone());
    Ok((config, ends.unwrap_or_default()))
}

/// A pair that is seen to fit.
fn certify(certificate: &CachedCertificate) -> Result<CertifiedKey, rustls::Error> {
    let key = PrivatePkcs8KeyDer::from(certificate.key.expose().clone());
    let provider = aws_lc_rs::default_provider();
    CertifiedKey::from_der(certificate.chain.clone(), key.into(), &provider)
}

/// The same of one that was just made to be shown to an authority. That the two fit cannot be seen: there is a critical
/// extension in it that rustls does not know.
fn certify_challenge(certificate: &CachedCertificate) -> Result<CertifiedKey, rustls::Error> {
    let key = PrivatePkcs8KeyDer::from(certificate.key.expose().clone());
    let provider = aws_lc_rs::default_provider().key_provider;
    let key = provider.load_private_key(key.into())?;
    Ok(CertifiedKey::new(certificate.chain.clone(), key))
}

/// Chooses by what the caller speaks: who speaks HTTP never sees what is made for the authority.
struct Resolver {
    acme: Arc<Acme>,
    certified: Arc<CertifiedKey>,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_validation = hello.alpn().is_some_and(|mut protocols| {
            protocols.next() == Some(ACME_TLS) && protocols.next().is_none()
        });
        if !is_validation {
            return Some(Arc::clone(&self.certified));
        }
        // Of a name that nobody validates there is nothing to be shown: the handshake ends (RFC 8737 §3).
        let made = self.acme.challenge_certificate(hello.server_name()?)?;
        certify_challenge(&made).ok().map(Arc::new)
    }
}
