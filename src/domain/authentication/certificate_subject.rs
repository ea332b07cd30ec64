//! Owns how a client with `tls_client_auth` is named in its certificate (RFC 8705 §2.1.2). Knows nothing
//! of certificates.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::domain::{DistinguishedName, ParseError, ensure, text_traits};

/// What a certificate must say for its holder to be the client; one thing, the one that is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum CertificateSubject {
    /// The subject's distinguished name.
    #[serde(rename = "tls_client_auth_subject_dn", serialize_with = "as_text")]
    Dn(DistinguishedName),
    /// A `dNSName` among the alternative names.
    #[serde(rename = "tls_client_auth_san_dns")]
    SanDns(String),
    /// A `uniformResourceIdentifier` among the alternative names.
    #[serde(rename = "tls_client_auth_san_uri")]
    SanUri(String),
    /// An `iPAddress` among the alternative names.
    #[serde(rename = "tls_client_auth_san_ip")]
    SanIp(IpAddr),
    /// An `rfc822Name` among the alternative names.
    #[serde(rename = "tls_client_auth_san_email")]
    SanEmail(String),
}

fn as_text<S: Serializer>(name: &DistinguishedName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(name)
}

impl CertificateSubject {
    /// Parses `subject_dn=…`, `san_dns=…`, `san_uri=…`, `san_ip=…` or `san_email=…`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (kind, value) = text.split_once('=').unwrap_or((text, ""));
        match kind {
            "subject_dn" => DistinguishedName::parse(value).map(Self::Dn),
            "san_dns" => dns(value).map(Self::SanDns),
            "san_uri" => plain(value, ':').map(Self::SanUri),
            "san_ip" => value
                .parse()
                .map(Self::SanIp)
                .map_err(|_| ParseError::new("san_ip is not an IP address")),
            "san_email" => plain(value, '@').map(Self::SanEmail),
            _ => Err(ParseError::new(
                "a certificate's subject must be subject_dn=VALUE, san_dns=VALUE, san_uri=VALUE, san_ip=VALUE or \
                    san_email=VALUE",
            )),
        }
    }
}

/// As [`CertificateSubject::parse`] reads it.
impl fmt::Display for CertificateSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dn(name) => write!(f, "subject_dn={name}"),
            Self::SanDns(name) => write!(f, "san_dns={name}"),
            Self::SanUri(uri) => write!(f, "san_uri={uri}"),
            Self::SanIp(address) => write!(f, "san_ip={address}"),
            Self::SanEmail(address) => write!(f, "san_email={address}"),
        }
    }
}

text_traits!(CertificateSubject: FromStr);

/// A host name in lower case; a wildcard names nobody in particular.
fn dns(text: &str) -> Result<String, ParseError> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    ensure!(
        (1..=253).contains(&text.len()) && text.chars().all(good),
        "san_dns must be a host name of letters, digits, `-`, `_` and `.`, without a wildcard"
    );
    Ok(text.to_ascii_lowercase())
}

fn plain(text: &str, mark: char) -> Result<String, ParseError> {
    let good = text.bytes().all(|b| b.is_ascii_graphic()) && text.contains(mark);
    ensure!(
        (3..=512).contains(&text.len()) && good,
        "san_uri and san_email must be printable ASCII; `{mark}` is missing, or something else is wrong"
    );
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_parses_what_it_prints() {
        for text in [
            "subject_dn=CN=billing,O=Acme",
            "san_dns=billing.example.com",
            "san_uri=spiffe://example.com/billing",
            "san_ip=2001:db8::1",
            "san_email=billing@example.com",
        ] {
            assert_eq!(CertificateSubject::parse(text).unwrap().to_string(), text);
        }
        let upper = CertificateSubject::parse("san_dns=Billing.Example").unwrap();
        assert_eq!(upper.to_string(), "san_dns=billing.example");
    }

    #[test]
    fn what_names_nobody_in_particular_is_refused() {
        for text in [
            "",
            "san_dns",
            "san_dns=",
            "san_dns=*.example.com",
            "san_dns=a b",
            "san_ip=10.0.0.0/8",
            "san_uri=nothing",
            "san_email=nobody",
            "subject_dn=billing",
            "cn=billing",
        ] {
            assert!(CertificateSubject::parse(text).is_err(), "{text}");
        }
    }
}
