//! `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 §2). Owns the certificate with which a client connected:
//! what it says, in the words of `domain`. That the client has its private key was proved in the handshake; whether anybody
//! vouches for it, `client_ca` says.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::{OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521, OID_SIG_ED25519};
use x509_parser::prelude::{ASN1Time, FromDer};
use x509_parser::public_key::PublicKey as X509Key;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};

use crate::app::authentication::{Authentication, refusal_of};
use crate::base::clock::UnixTime;
use crate::domain::{
    AuthMethod, CertificateSubject, Client, Curve, DistinguishedName, JwkSet, PublicKey, Thumbprint,
};

impl Authentication {
    /// Why the certificate is the client's own in neither of the two ways, for the log.
    pub(super) async fn judge_certificate(
        &self,
        client: &Client,
        certificate: &PeerCertificate,
    ) -> Result<(), Cow<'static, str>> {
        let mut reasons = Vec::new();
        for method in [
            AuthMethod::TlsClientAuth,
            AuthMethod::SelfSignedTlsClientAuth,
        ] {
            let judged = match refusal_of(client, method) {
                Some(reason) => Err(reason.into_owned()),
                None if method == AuthMethod::TlsClientAuth => {
                    self.judge_subject(client, certificate)
                }
                None => self.judge_key(client, certificate).await,
            };
            match judged {
                Ok(()) => return Ok(()),
                Err(reason) => reasons.push(reason),
            }
        }
        reasons.dedup();
        Err(reasons.join("; ").into())
    }

    /// RFC 8705 §2.1.
    fn judge_subject(&self, client: &Client, certificate: &PeerCertificate) -> Result<(), String> {
        let registered = client.authentication.certificate_subject.as_ref();
        let subject = registered.ok_or("the client has no registered certificate subject")?;
        certificate.judge_subject(subject)?;
        self.client_ca.judge(certificate, self.core.now())
    }

    /// RFC 8705 §2.2.
    async fn judge_key(
        &self,
        client: &Client,
        certificate: &PeerCertificate,
    ) -> Result<(), String> {
        let now = self.core.now();
        let judge = |keys: &JwkSet| certificate.judge_key(keys, now);
        self.judge_by_keys(client, judge, Result::is_err).await?
    }
}

/// A client's certificate, and those it sent along to lead from it to an authority.
#[derive(Clone, Debug)]
pub struct PeerCertificate {
    end_entity: CertificateDer<'static>,
    intermediates: Vec<CertificateDer<'static>>,
}

impl PeerCertificate {
    /// The certificates of a connection, in the order of the handshake; `None` when there is none.
    pub fn from_chain(chain: &[Vec<u8>]) -> Option<Self> {
        let mut chain = chain.iter().cloned().map(CertificateDer::from);
        Some(Self {
            end_entity: chain.next()?,
            intermediates: chain.collect(),
        })
    }

    /// Whether it is a certificate at all, which a handshake has seen and a header has not.
    pub fn is_readable(&self) -> bool {
        self.parse().is_ok()
    }

    /// Its SHA-256 (`x5t#S256`, RFC 8705 §3.1).
    pub fn thumbprint(&self) -> Thumbprint {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, &self.end_entity).as_ref());
        Thumbprint::new(sha256)
    }

    pub(crate) fn chain(&self) -> (&CertificateDer<'static>, &[CertificateDer<'static>]) {
        (&self.end_entity, &self.intermediates)
    }

    /// Whether the certificate names its holder so; else why not, for the log.
    pub(crate) fn judge_subject(&self, registered: &CertificateSubject) -> Result<(), String> {
        let certificate = self.parse()?;
        if let CertificateSubject::Dn(name) = registered {
            let theirs = distinguished_name(certificate.subject())?;
            return if theirs == *name {
                Ok(())
            } else {
                Err(format!(
                    "the certificate's subject is `{theirs}`, not the registered `{name}`"
                ))
            };
        }
        let names = certificate.subject_alternative_name();
        let names =
            names.map_err(|error| format!("the certificate's alternative names: {error}"))?;
        let names = names.map_or(&[][..], |it| &it.value.general_names);
        if matches!(registered, CertificateSubject::SanUri(uri) if uri.starts_with("spiffe://")) {
            judge_svid(&certificate, names)?;
        }
        if !names.iter().any(|it| is_alternative_name(it, registered)) {
            return Err(format!(
                "the certificate has no alternative name `{registered}`"
            ));
        }
        Ok(())
    }

    /// Whether the certificate, or its key, is among a client's, and good at `now`; else why not, for the log.
    pub(crate) fn judge_key(&self, keys: &JwkSet, now: UnixTime) -> Result<(), String> {
        let certificate = self.parse()?;
        let now = ASN1Time::from_timestamp(now.0).map_err(|error| error.to_string())?;
        if !certificate.validity().is_valid_at(now) {
            return Err("the certificate is expired or not valid yet".to_owned());
        }
        let key = public_key(certificate.public_key());
        let thumbprint = digest(&SHA256, &self.end_entity);
        let fits = keys.keys().iter().any(|jwk| {
            jwk.certificate.as_deref() == Some(&*self.end_entity)
                || jwk.thumbprint.as_deref() == Some(thumbprint.as_ref())
                || key.as_ref() == Some(&jwk.key)
        });
        if fits {
            Ok(())
        } else {
            Err("the certificate's key is not among the client's keys".to_owned())
        }
    }

    fn parse(&self) -> Result<X509Certificate<'_>, String> {
        X509Certificate::from_der(&self.end_entity)
            .map(|(_, certificate)| certificate)
            .map_err(|error| format!("cannot read the certificate: {error}"))
    }
}

/// A certificate with a SPIFFE ID has no other URI, and signs no certificates (X509-SVID §2, §4.1): whoever has one of an
/// authority could be every workload.
fn judge_svid(certificate: &X509Certificate<'_>, names: &[GeneralName<'_>]) -> Result<(), String> {
    let uris = names.iter().filter(|it| matches!(it, GeneralName::URI(_)));
    if uris.count() != 1 {
        return Err(
            "the certificate is not an X.509-SVID: it does not have exactly one URI".to_owned(),
        );
    }
    if certificate.is_ca() {
        return Err(
            "the certificate is not an X.509-SVID of a workload, but one of an authority"
                .to_owned(),
        );
    }
    Ok(())
}

fn distinguished_name(name: &X509Name<'_>) -> Result<DistinguishedName, String> {
    let read = |attribute: &AttributeTypeAndValue<'_>| {
        let number = attribute.attr_type().to_id_string();
        match attribute.as_str() {
            Ok(value) => Ok((number, value.to_owned())),
            Err(_) => Err(format!(
                "the certificate's subject has the attribute {number} in an outdated encoding"
            )),
        }
    };
    let names = name.iter_rdn().map(|it| it.iter().map(read).collect());
    let names: Result<_, String> = names.collect();
    Ok(DistinguishedName::from_relative_names(names?))
}

/// A name of the certificate is compared as it stands: its wildcard is no wildcard here.
fn is_alternative_name(name: &GeneralName<'_>, registered: &CertificateSubject) -> bool {
    match (registered, name) {
        (CertificateSubject::SanDns(ours), GeneralName::DNSName(theirs)) => {
            ours.eq_ignore_ascii_case(theirs)
        }
        (CertificateSubject::SanUri(ours), GeneralName::URI(theirs))
        | (CertificateSubject::SanEmail(ours), GeneralName::RFC822Name(theirs)) => ours == theirs,
        (CertificateSubject::SanIp(ours), GeneralName::IPAddress(theirs)) => match ours {
            std::net::IpAddr::V4(ours) => ours.octets() == *theirs,
            std::net::IpAddr::V6(ours) => ours.octets() == *theirs,
        },
        _ => false,
    }
}

/// The key, when it is of a kind that can be registered.
fn public_key(info: &SubjectPublicKeyInfo<'_>) -> Option<PublicKey> {
    if info.algorithm.algorithm == OID_SIG_ED25519 {
        return Some(PublicKey::Ed25519(info.subject_public_key.data.to_vec()));
    }
    match info.parsed().ok()? {
        X509Key::RSA(key) => PublicKey::rsa(key.modulus, key.exponent).ok(),
        X509Key::EC(point) => {
            let parameters = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
            let curve = [
                (OID_EC_P256, Curve::P256),
                (OID_NIST_EC_P384, Curve::P384),
                (OID_NIST_EC_P521, Curve::P521),
            ];
            let (_, curve) = curve.into_iter().find(|(oid, _)| *oid == parameters)?;
            Some(PublicKey::Ec {
                curve,
                point: point.data().to_vec(),
            })
        }
        X509Key::DSA(_)
        | X509Key::GostR3410(_)
        | X509Key::GostR3410_2012(_)
        | X509Key::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, SanType};

    use super::*;

    const ID: &str = "spiffe://acme.example/ns/prod/sa/billing";

    fn certificate(uris: &[&str], is_ca: bool) -> PeerCertificate {
        let mut params = CertificateParams::new(vec!["billing.example".to_owned()]).unwrap();
        let uris = uris
            .iter()
            .map(|uri| SanType::URI((*uri).try_into().unwrap()));
        params.subject_alt_names.extend(uris);
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        PeerCertificate::from_chain(&[made.der().to_vec()]).unwrap()
    }

    #[test]
    fn an_x509_svid_has_one_uri_and_signs_no_certificates() {
        let subject = CertificateSubject::parse(&format!("san_uri={ID}")).unwrap();
        let judge = |uris: &[&str], is_ca| certificate(uris, is_ca).judge_subject(&subject);
        assert_eq!(judge(&[ID], false), Ok(()));
        for (uris, is_ca) in [
            (vec![ID, "spiffe://acme.example/other"], false),
            (vec![ID, ID], false),
            (vec![ID, "https://acme.example"], false),
            (vec!["spiffe://acme.example/other"], false),
            (vec![], false),
            (vec![ID], true),
        ] {
            assert!(judge(&uris, is_ca).is_err(), "{uris:?} {is_ca}");
        }
        // Other URIs are no SVIDs.
        let plain = CertificateSubject::parse("san_uri=https://acme.example").unwrap();
        let two = certificate(&["https://acme.example", ID], false);
        assert_eq!(two.judge_subject(&plain), Ok(()));
    }
}
