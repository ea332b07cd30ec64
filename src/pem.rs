//! Owns the reading of certificates in PEM, for whoever serves or trusts them. Knows nothing of ours.

use std::path::Path;

use anyhow::{Context, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The certificates of a PEM file: at least one.
pub(crate) fn read_certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    parse_certificates(&pem).with_context(|| format!("`{}`", path.display()))
}

/// The certificates of a PEM text: at least one.
pub(crate) fn parse_certificates(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?;
    ensure!(
        !certificates.is_empty(),
        "there is no PEM certificate in it"
    );
    Ok(certificates)
}
