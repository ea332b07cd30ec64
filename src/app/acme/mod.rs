//! The certificate that an authority issues to this service: what of it this replica has in memory, kept true by the
//! change feed. `order` orders it.

mod order;
mod outcome;
mod schedule;
mod status;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwap;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::pki_types::CertificateDer;
use tokio::sync::{Mutex, watch};

pub use status::CertificateStanding;

use crate::app::audit::Audit;
use crate::app::core::Core;
use crate::app::error::Result;
use crate::base::clock::UnixTime;
use crate::base::crypto::pem::parse_certificates;
use crate::base::secret::Secret;
use crate::config::AcmeConfig;
use crate::domain::{AcmeRecord, AcmeSubject};
use crate::jwt::{SealedUnder, Sealer};
use crate::outbound::acme::Directory;

/// A certificate and its key, to be presented.
pub struct CachedCertificate {
    /// The certificate itself first.
    pub chain: Vec<CertificateDer<'static>>,
    /// PKCS#8.
    pub key: Secret<Vec<u8>>,
}

impl fmt::Debug for CachedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedCertificate").finish_non_exhaustive()
    }
}

/// The certificate that an authority issues, and its orders.
pub struct Acme {
    core: Arc<Core>,
    audit: Arc<Audit>,
    /// Who holds the lease of an order.
    replica_id: String,
    directory: Directory,
    names: Vec<String>,
    subject: AcmeSubject,
    sealer: Sealer,
    /// Presented while there is none of the authority's.
    stand_in: Arc<CachedCertificate>,
    known: ArcSwap<Known>,
    /// Held while reading, so that what was read first is not known last.
    reading: Mutex<()>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Known {
    /// That for our names, else another one that is still good.
    certificate: Option<Opened>,
    /// What is kept of our orders; `None`: there was none.
    record: Option<AcmeRecord>,
    challenges: HashMap<String, [u8; 32]>,
    /// Why the certificate for our names cannot be presented though it is there.
    problem: Option<String>,
}

#[derive(Clone)]
struct Opened {
    sealed_key: String,
    kept: Arc<CachedCertificate>,
}

impl Acme {
    /// Reads the authorities that are trusted at the directory; `None` where the certificate is in files.
    pub(crate) fn open(
        core: &Arc<Core>,
        audit: &Arc<Audit>,
        replica_id: &str,
    ) -> anyhow::Result<Option<Self>> {
        let (config, token) = (&core.config.acme, &core.config.token);
        let Some(config) = config else {
            return Ok(None);
        };
        let purpose = "certificates and ACME accounts, AES-256-GCM, v1";
        Ok(Some(Self {
            directory: Directory::new(config)?,
            names: config.names.clone(),
            subject: subject(config),
            sealer: Sealer::new(&token.secret, token.secret_previous.as_ref(), purpose)?,
            stand_in: Arc::new(stand_in(&config.names)?),
            known: ArcSwap::default(),
            reading: Mutex::default(),
            changed: watch::Sender::new(()),
            replica_id: replica_id.to_owned(),
            core: Arc::clone(core),
            audit: Arc::clone(audit),
        }))
    }

    fn known(&self) -> Arc<Known> {
        self.known.load_full()
    }

    /// Opens what is kept, unless it is open in memory.
    fn open_certificate(&self, record: &AcmeRecord) -> anyhow::Result<Option<Opened>> {
        let Some(sealed) = &record.certificate else {
            return Ok(None);
        };
        let known = self.known();
        if let Some(opened) = &known.certificate
            && opened.sealed_key == sealed.sealed_key
        {
            return Ok(Some(opened.clone()));
        }
        let (key, _) = self
            .sealer
            .open(&owner(&record.subject), &sealed.sealed_key)
            .context(
                "neither SECRET nor SECRET_PREVIOUS decrypts the key of the certificate: set SECRET_PREVIOUS to the \
                    previous secret, or order another certificate with `token-server certificate renew`",
            )?;
        let chain = parse_certificates(sealed.chain.as_bytes())
            .context("the certificate in the database")?;
        Ok(Some(Opened {
            sealed_key: sealed.sealed_key.clone(),
            kept: Arc::new(CachedCertificate { chain, key }),
        }))
    }

    /// What is to be presented of all that is kept: a change of names or of the authority is no reason to present
    /// nothing good until the new order is done.
    fn choose(&self, records: &[AcmeRecord], now: UnixTime) -> (Option<Opened>, Option<String>) {
        let own = records.iter().find(|record| record.subject == self.subject);
        let problem = match own.map(|record| self.open_certificate(record)) {
            Some(Ok(Some(opened))) => return (Some(opened), None),
            // Sealed anew by a replica under another SECRET: what is open in memory is as good as before.
            Some(Err(error)) => {
                let problem = format!("{error:#}");
                if let Some(opened) = &self.known().certificate {
                    return (Some(opened.clone()), Some(problem));
                }
                Some(problem)
            }
            Some(Ok(None)) | None => None,
        };
        let mut others: Vec<_> = records
            .iter()
            .filter_map(|record| Some((record.certificate.as_ref()?, record)))
            .filter(|(certificate, _)| certificate.expires_at > now)
            .collect();
        others.sort_by_key(|(certificate, _)| certificate.issued_at);
        let mut others = others.into_iter().rev();
        let other = others.find_map(|(_, record)| self.open_certificate(record).ok()?);
        (other, problem)
    }
}

fn subject(config: &AcmeConfig) -> AcmeSubject {
    AcmeSubject {
        directory: config.directory.to_string(),
        names: config.names.join(" "),
    }
}

/// Whose a sealed key is. Neither part has a space, but for those between names.
fn owner(subject: &AcmeSubject) -> String {
    format!("certificate {} {}", subject.directory, subject.names)
}

fn account_owner(directory: &str) -> String {
    format!("account {directory}")
}

impl Acme {
    /// The certificate to present, and whether it is an authority's.
    pub fn certificate(&self) -> (Arc<CachedCertificate>, bool) {
        match &self.known().certificate {
            Some(opened) => (Arc::clone(&opened.kept), true),
            None => (Arc::clone(&self.stand_in), false),
        }
    }

    /// Tells when there may be another one.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// What the authority is to be shown when it connects for this name (RFC 8737 §3), while an order waits for that.
    pub fn challenge_certificate(&self, name: &str) -> Option<CachedCertificate> {
        let known = self.known();
        let digest = known.challenges.get(&name.to_ascii_lowercase())?;
        let made = for_challenge(name, digest);
        made.inspect_err(|error| tracing::error!("cannot answer a challenge: {error}"))
            .ok()
    }

    /// Learns what is kept of the certificate.
    pub async fn read(&self) -> Result<()> {
        let _reading = self.reading.lock().await;
        let now = self.core.now();
        let records = self.core.store.list_acme_certificates().await?;
        let challenges = self.core.store.list_acme_challenges(now).await?;
        let (certificate, problem) = self.choose(&records, now);
        let before = self.known();
        if let Some(problem) = &problem
            && before.problem.as_ref() != Some(problem)
        {
            tracing::error!("the server cannot present the certificate: {problem}");
        }
        let is_other = before.certificate.as_ref().map(|it| &it.sealed_key)
            != certificate.as_ref().map(|it| &it.sealed_key);
        self.known.store(Arc::new(Known {
            certificate,
            record: records.into_iter().find(|it| it.subject == self.subject),
            challenges: challenges
                .into_iter()
                .map(|challenge| (challenge.name, challenge.digest))
                .collect(),
            problem,
        }));
        if is_other {
            self.changed.send_replace(());
        }
        Ok(())
    }

    /// Seals under `SECRET` what is still sealed under `SECRET_PREVIOUS`.
    pub async fn reseal(&self) -> Result<()> {
        let anew = |owner: &str, sealed: &str| match self.sealer.open(owner, sealed) {
            Some((plain, SealedUnder::SecretPrevious)) => self.sealer.seal(owner, &plain).map(Some),
            // What opens with neither is told where it is needed.
            Some((_, SealedUnder::Secret)) | None => Ok(None),
        };
        for record in self.core.store.list_acme_certificates().await? {
            let Some(certificate) = &record.certificate else {
                continue;
            };
            let sealed = &certificate.sealed_key;
            if let Some(new) = anew(&owner(&record.subject), sealed)? {
                self.core.store.reseal_acme_key(sealed, &new).await?;
            }
        }
        for (directory, sealed) in self.core.store.list_acme_accounts().await? {
            if let Some(new) = anew(&account_owner(&directory), &sealed)? {
                self.core.store.reseal_acme_account(&sealed, &new).await?;
            }
        }
        Ok(())
    }

    /// Forgets what is over for long.
    pub async fn prune(&self) -> Result<()> {
        let now = self.core.trusted_time().await?;
        let end = now.ago(schedule::KEPT_AFTER_END);
        Ok(self.core.store.prune_acme(end, now).await?)
    }
}

/// For these names; nobody trusts it, but the port answers.
fn stand_in(names: &[String]) -> Result<CachedCertificate, rcgen::Error> {
    self_signed(CertificateParams::new(names)?)
}

/// RFC 8737 §3: this one name, and the digest in a critical extension.
fn for_challenge(name: &str, digest: &[u8; 32]) -> Result<CachedCertificate, rcgen::Error> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    self_signed(params)
}

fn self_signed(mut params: CertificateParams) -> Result<CachedCertificate, rcgen::Error> {
    params.distinguished_name = DistinguishedName::new();
    let signing_key = KeyPair::generate()?;
    let cert = params.self_signed(&signing_key)?;
    Ok(CachedCertificate {
        chain: vec![cert.der().clone()],
        key: Secret::new(signing_key.serialize_der()),
    })
}
