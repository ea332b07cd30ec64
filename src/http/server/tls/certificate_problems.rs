//! Judges the certificate that is presented: whether it is valid now, and for the hosts that clients connect to.

use std::net::IpAddr;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};
use url::{Host, Url};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::base::clock::UnixTime;
use crate::config::Config;
use crate::domain::Issuer;

/// More names of a certificate are not listed.
const MAX_NAMES: usize = 10;

/// What keeps clients from trusting the certificate, or may keep them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    /// No client trusts it.
    Invalid(String),
    /// Some clients do not trust it.
    Warning(String),
    /// What is right for a server behind a proxy that ends TLS.
    Remark(String),
}

/// When a certificate is not valid (RFC 5280 §4.1.2.5).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum NotValidNow {
    #[error("it expired at {until} (valid from {from})")]
    Expired { from: UnixTime, until: UnixTime },
    #[error("it is not valid before {from} (valid until {until})")]
    NotYet { from: UnixTime, until: UnixTime },
    #[error("cannot read its dates: {0}")]
    Unreadable(String),
}

/// What is wrong at `now` with a chain, the certificate itself first; `name` says where it is from.
pub(in crate::http) fn certificate_problems(
    name: &str,
    chain: &[CertificateDer<'_>],
    config: &Config,
    now: UnixTime,
) -> Vec<CertificateProblem> {
    let Some((first, others)) = chain.split_first() else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    if let Err(error) = check_dates(first, now) {
        problems.push(CertificateProblem::Invalid(format!("{name}: {error}")));
    }
    for (place, certificate) in (2..).zip(others) {
        if let Err(error) = check_dates(certificate, now) {
            problems.push(CertificateProblem::Warning(format!(
                "{name}: certificate {place} of the chain: {error}"
            )));
        }
    }
    let admin_origin = config.admin.origin.as_ref();
    let admin_origin = admin_origin.filter(|_| config.admin.is_on);
    let origins = [
        ("ISSUER", Some(&config.token.issuer)),
        ("ADMIN_ORIGIN", admin_origin),
    ];
    for (setting, origin) in origins {
        let Some(Err(why)) = origin.map(|origin| check_host(first, origin)) else {
            continue;
        };
        let text = format!("{name}: it is not valid for the host of {setting}, {why}");
        problems.push(if config.proxies.trusted.is_empty() {
            CertificateProblem::Warning(text)
        } else {
            CertificateProblem::Remark(format!(
                "{text}; that is correct if a proxy of TRUSTED_PROXIES terminates TLS"
            ))
        });
    }
    problems
}

/// Fails when a chain that is not valid at `now` would replace one that is.
pub(in crate::http) fn check_replacement(
    old: &[CertificateDer<'_>],
    new: &[CertificateDer<'_>],
    now: UnixTime,
) -> Result<(), NotValidNow> {
    let (Some(old), Some(new)) = (old.first(), new.first()) else {
        return Ok(());
    };
    match check_dates(new, now) {
        Err(error) if check_dates(old, now).is_ok() => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl CertificateProblem {
    /// Writes it to the log.
    pub fn log(&self) {
        match self {
            Self::Invalid(text) | Self::Warning(text) => tracing::warn!("{text}"),
            Self::Remark(text) => tracing::info!("{text}"),
        }
    }
}

impl NotValidNow {
    /// When it becomes valid, if it does.
    pub(in crate::http) fn valid_from(&self) -> Option<UnixTime> {
        match self {
            Self::NotYet { from, .. } => Some(*from),
            Self::Expired { .. } | Self::Unreadable(_) => None,
        }
    }
}

/// Both dates belong to the time in which it is valid.
fn check_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), NotValidNow> {
    let (_, parsed) = X509Certificate::from_der(certificate)
        .map_err(|error| NotValidNow::Unreadable(error.to_string()))?;
    let validity = parsed.validity();
    let from = UnixTime(validity.not_before.timestamp());
    let until = UnixTime(validity.not_after.timestamp());
    if now > until {
        Err(NotValidNow::Expired { from, until })
    } else if now < from {
        Err(NotValidNow::NotYet { from, until })
    } else {
        Ok(())
    }
}

/// Whether a client that connects to the host of `origin` accepts the names of a certificate; else why not, the host
/// first.
fn check_host(certificate: &CertificateDer<'_>, origin: &Issuer) -> Result<(), String> {
    let url = Url::parse(origin.as_str()).map_err(|error| format!("`{origin}`: {error}"))?;
    let host = url.host_str().unwrap_or_default();
    let name = match url.host() {
        Some(Host::Ipv4(address)) => ServerName::from(IpAddr::from(address)),
        Some(Host::Ipv6(address)) => ServerName::from(IpAddr::from(address)),
        Some(Host::Domain(_)) | None => {
            ServerName::try_from(host).map_err(|error| format!("`{host}`: {error}"))?
        }
    };
    let parsed = ParsedCertificate::try_from(certificate);
    let verified = parsed.and_then(|parsed| verify_server_name(&parsed, &name));
    let Err(error) = verified else { return Ok(()) };
    if let Error::InvalidCertificate(CertificateError::NotValidForNameContext {
        presented, ..
    }) = &error
    {
        return Err(format!("`{host}`: it is for {}", list(presented)));
    }
    Err(format!("`{host}`: {error}"))
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "no name (subjectAltName)".to_owned();
    }
    let shown = names[..names.len().min(MAX_NAMES)].join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
