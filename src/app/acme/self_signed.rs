//! Owns the certificates that this service makes for itself: one to present until the authority's is there, and those
//! that meet a challenge.

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};

use super::CachedCertificate;
use crate::base::secret::Secret;

/// For these names; nobody trusts it, but the port answers.
pub(super) fn stand_in(names: &[String]) -> Result<CachedCertificate, rcgen::Error> {
    sign(CertificateParams::new(names)?)
}

/// RFC 8737 §3: this one name, and the digest in a critical extension.
pub(super) fn for_challenge(
    name: &str,
    digest: &[u8; 32],
) -> Result<CachedCertificate, rcgen::Error> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    sign(params)
}

fn sign(mut params: CertificateParams) -> Result<CachedCertificate, rcgen::Error> {
    params.distinguished_name = DistinguishedName::new();
    let signing_key = KeyPair::generate()?;
    let cert = params.self_signed(&signing_key)?;
    Ok(CachedCertificate {
        chain: vec![cert.der().clone()],
        key: Secret::new(signing_key.serialize_der()),
    })
}
