//! What is known of the certificate, for people and for metrics.

use serde::Serialize;

use super::Acme;
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;

/// How it stands with the certificate. Nothing in it is secret.
#[derive(Clone, Debug, Serialize)]
pub struct CertificateStanding {
    /// The host names.
    pub names: Vec<String>,
    /// The URL of the authority's directory.
    pub directory: String,
    /// Whether there is one of the authority's for these names; else a replica presents another one, or one of its own.
    pub issued: bool,
    /// When it came.
    pub issued_at: Option<UnixTime>,
    /// When it expires.
    pub expires_at: Option<UnixTime>,
    /// When the next one is ordered; `None`: at once.
    pub due_at: Option<UnixTime>,
    /// Orders that failed since the last one that did not.
    pub failures: i64,
    /// When the last of them failed.
    pub failed_at: Option<UnixTime>,
    /// Why, or why it cannot be presented.
    pub problem: Option<String>,
    /// Whether a certificate is presented that nobody trusts: for metrics.
    #[serde(skip)]
    pub is_stand_in: bool,
}

impl Acme {
    /// Fails unless the authority answers.
    pub async fn probe(&self) -> Result<()> {
        let probed = self.directory.probe().await;
        probed.map_err(|failed| Error::temporarily_unavailable(failed.problem))
    }

    /// How it stood with the certificate when it was last read.
    pub fn standing(&self) -> CertificateStanding {
        let known = self.known();
        let record = known.record.as_ref();
        let certificate = record.and_then(|it| it.certificate.as_ref());
        CertificateStanding {
            names: self.names.clone(),
            directory: self.subject.directory.clone(),
            issued: certificate.is_some(),
            issued_at: certificate.map(|it| it.issued_at),
            expires_at: certificate.map(|it| it.expires_at),
            due_at: record.map(|it| it.due_at).filter(|at| at.0 > 0),
            failures: record.map_or(0, |it| it.failures),
            failed_at: record.and_then(|it| it.failed_at),
            problem: known
                .problem
                .clone()
                .or_else(|| record.and_then(|it| it.problem.clone())),
            is_stand_in: known.certificate.is_none(),
        }
    }
}
