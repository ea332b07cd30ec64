//! Owns what is known of the certificate that is presented: until when it is good, and what became of changed files.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::base::clock::UnixTime;
use crate::base::metrics::Counter;

/// What is known of the certificate that is presented.
#[derive(Debug)]
pub struct CertificateStatus {
    expires_at: AtomicI64,
    pub(in crate::http) reloaded: Counter,
    pub(in crate::http) refused: Counter,
    unusable: AtomicBool,
}

impl CertificateStatus {
    /// Of this chain; without any it has no end.
    pub fn new(chain: &[CertificateDer<'_>]) -> Self {
        let status = Self {
            expires_at: AtomicI64::new(i64::MIN),
            reloaded: Counter::default(),
            refused: Counter::default(),
            unusable: AtomicBool::new(false),
        };
        status.set_chain(chain);
        status
    }

    /// Another chain is presented now.
    pub(in crate::http) fn note_reload(&self, chain: &[CertificateDer<'_>]) {
        self.reloaded.inc();
        self.unusable.store(false, Ordering::Relaxed);
        self.set_chain(chain);
    }

    /// The files changed and cannot be used: what is presented is older.
    pub(in crate::http) fn note_refusal(&self) {
        self.refused.inc();
        self.unusable.store(true, Ordering::Relaxed);
    }

    /// Until when all of the chain is good; `None` when it does not say so in a way that is understood.
    pub fn expires_at(&self) -> Option<UnixTime> {
        let at = self.expires_at.load(Ordering::Relaxed);
        (at != i64::MIN).then_some(UnixTime(at))
    }

    /// Whether the files hold something else than what is presented, which cannot be used.
    pub(in crate::http) fn files_are_unusable(&self) -> bool {
        self.unusable.load(Ordering::Relaxed)
    }

    fn set_chain(&self, chain: &[CertificateDer<'_>]) {
        let ends = chain.iter().filter_map(|certificate| {
            let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
            Some(parsed.validity().not_after.timestamp())
        });
        let first = ends.min().unwrap_or(i64::MIN);
        self.expires_at.store(first, Ordering::Relaxed);
    }
}
