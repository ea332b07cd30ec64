//! Certificate signing requests (RFC 2986), verified.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

/// What a certificate is asked for.
pub(super) struct Csr {
    pub(super) names: Vec<String>,
    public_key: Vec<u8>,
}

impl Csr {
    /// Signed by the key that is in it.
    pub(super) fn parse(der: &[u8]) -> Result<Self, String> {
        let (_, csr) =
            X509CertificationRequest::from_der(der).map_err(|error| error.to_string())?;
        let info = &csr.certification_request_info;
        let public_key = info.subject_pki.subject_public_key.data.to_vec();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &public_key);
        key.verify(info.raw, &csr.signature_value.data)
            .map_err(|_| "the request's signature is wrong")?;
        let extensions = csr.requested_extensions().ok_or("no extensions")?;
        let mut names = Vec::new();
        for extension in extensions {
            if let ParsedExtension::SubjectAlternativeName(alternative) = extension {
                for name in &alternative.general_names {
                    let GeneralName::DNSName(name) = name else {
                        return Err(format!("{name}"));
                    };
                    names.push((*name).to_owned());
                }
            }
        }
        Ok(Self { names, public_key })
    }
}

impl PublicKeyData for Csr {
    fn der_bytes(&self) -> &[u8] {
        &self.public_key
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}
