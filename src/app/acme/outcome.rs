//! What becomes of an order: the certificate is kept, or why there is none; and the end of one whose key is known to others.

use anyhow::Context;
use serde_json::json;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::order::{Outcome, ours};
use super::{Acme, owner, schedule};
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::base::crypto::pem::parse_certificates;
use crate::base::secret::random_bytes;
use crate::domain::{Action, Origin, SealedCertificate};
use crate::outbound::acme::{AcmeError, Issued};
use crate::store::{AcmeFailure, AcmeLease};

impl Acme {
    pub(super) async fn keep_certificate(
        &self,
        by: &Origin,
        lease: &AcmeLease,
        issued: &Issued,
    ) -> Outcome<()> {
        // The order took a while, in which the clock may have been set.
        let now = self.core.read_clock().await?.probable();
        let dates = Dates::of(&issued.chain).map_err(Error::internal)?;
        if dates.not_after <= now {
            let end = dates.not_after;
            return Err(ours(format!("the issued certificate had expired at {end}")));
        }
        let due_at = schedule::renewal(now, dates.not_before, dates.not_after, random());
        let sealed = self.sealer.seal(&owner(&self.subject), &issued.key);
        let certificate = SealedCertificate {
            chain: issued.chain.clone(),
            sealed_key: sealed.map_err(Error::from)?,
            issued_at: now,
            expires_at: dates.not_after,
        };
        let event = self.event(Action::CertificateIssue).after(json!({
            "directory": self.subject.directory,
            "serial": dates.serial,
            "expires_at": dates.not_after,
        }));
        let (store, stamp) = (&self.core.store, by.at(now));
        let kept = store.complete_acme_order(lease, &certificate, due_at, event, stamp);
        if !kept.await? {
            let late = "another replica had begun to order before it arrived";
            return Err(ours(late.to_owned()));
        }
        tracing::info!(
            names = self.subject.names, expires_at = %dates.not_after,
            "the authority issued a certificate, valid until {}; the server orders the next one at {due_at}", dates.not_after
        );
        Ok(())
    }

    /// Keeps why nothing was issued; what it is. In the log it is an error when it is another one than the last time.
    pub(super) async fn note_failure(
        &self,
        by: &Origin,
        lease: &AcmeLease,
        failed: AcmeError,
    ) -> Result<String> {
        let (now, problem) = (self.core.read_clock().await?.probable(), failed.problem);
        let (failures, last) = match &self.known().record {
            Some(record) => (record.failures.saturating_add(1), record.problem.clone()),
            None => (1, None),
        };
        let wait = schedule::wait(failures, failed.retry_after, random());
        let failure = AcmeFailure {
            failures,
            due_at: now.plus(wait),
            problem: problem.clone(),
        };
        let names = self.subject.names.as_str();
        let event = if last.as_ref() == Some(&problem) {
            tracing::debug!(
                names,
                failures,
                "the authority again issued no certificate: {problem}"
            );
            None
        } else {
            tracing::error!(
                names,
                failures,
                "the authority issued no certificate; the next attempt is in {wait} s: {problem}"
            );
            let said = json!({ "directory": self.subject.directory, "problem": problem });
            Some(self.event(Action::CertificateFail).after(said))
        };
        let (store, stamp) = (&self.core.store, by.at(now));
        store.fail_acme_order(lease, &failure, event, stamp).await?;
        Ok(problem)
    }

    pub(super) async fn revoke_certificate(
        &self,
        by: &Origin,
        old: &SealedCertificate,
    ) -> Result<()> {
        let chain = parse_certificates(old.chain.as_bytes()).map_err(Error::internal)?;
        let Some(first) = chain.first() else {
            return Ok(());
        };
        let dates = Dates::of(&old.chain).map_err(Error::internal)?;
        let failed = |failed: AcmeError| {
            Error::temporarily_unavailable(format!(
                "there is a new certificate, but the authority did not revoke the old one, serial number {}: {}",
                dates.serial, failed.problem
            ))
        };
        let account = self.account(by).await.map_err(failed)?;
        let revoked = self.directory.revoke(&account, first).await;
        revoked.map_err(failed)?;
        let event = self.event(Action::CertificateRevoke).before(json!({
            "directory": self.subject.directory,
            "serial": dates.serial,
            "expires_at": dates.not_after,
        }));
        self.audit.record(by, event).await
    }
}

/// What a certificate says of itself.
struct Dates {
    serial: String,
    not_before: UnixTime,
    not_after: UnixTime,
}

impl Dates {
    /// Of the first of a chain.
    fn of(chain: &str) -> anyhow::Result<Self> {
        let chain = parse_certificates(chain.as_bytes())?;
        let first = chain.first().context("there is no certificate")?;
        let (_, certificate) = X509Certificate::from_der(first)?;
        let validity = certificate.validity();
        Ok(Self {
            serial: certificate.raw_serial_as_string(),
            not_before: UnixTime(validity.not_before.timestamp()),
            not_after: UnixTime(validity.not_after.timestamp()),
        })
    }
}

/// From 0 to 1.
fn random() -> f64 {
    let [random] = random_bytes::<1>();
    f64::from(random) / 255.0
}
