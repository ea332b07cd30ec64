//! Owns the reading of a client's certificate in a header, as the proxies write it. Whether a proxy is to be believed
//! is not known here.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use crate::app::PeerCertificate;
use crate::base::crypto::pem::parse_certificates;

/// The certificate, and those behind it if there are any: a byte sequence between colons (RFC 9440), PEM or base64 of
/// DER, the latter two percent-encoded or not.
///
/// What is no certificate is none: bound to the word with which a proxy says that there is none, a token would be
/// good for everybody without one.
pub(in crate::http) fn parse(value: &str) -> Option<PeerCertificate> {
    PeerCertificate::from_chain(&chain(value.trim())?).filter(PeerCertificate::is_readable)
}

fn chain(value: &str) -> Option<Vec<Vec<u8>>> {
    let inner = value.strip_prefix(':').and_then(|it| it.strip_suffix(':'));
    if let Some(inner) = inner {
        return Some(vec![STANDARD.decode(inner).ok()?]);
    }
    let text: Cow<'_, str> = percent_decode_str(value).decode_utf8().ok()?;
    if text.starts_with("-----BEGIN") {
        let certificates = parse_certificates(text.as_bytes()).ok()?;
        return Some(certificates.iter().map(|it| it.to_vec()).collect());
    }
    text.split(',')
        .map(|certificate| STANDARD.decode(certificate.trim()).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_says_the_same() {
        let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
        let (pem, der) = (made.cert.pem(), made.cert.der().to_vec());
        let base64 = STANDARD.encode(&der);
        let expected = PeerCertificate::from_chain(&[der]).unwrap().thumbprint();
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();

        for value in [
            format!(":{base64}:"),
            encode(&pem),
            base64.clone(),
            encode(&base64),
            format!("{base64},AAAA"),
        ] {
            assert_eq!(parse(&value).unwrap().thumbprint(), expected, "{value}");
        }
        for value in [
            "",
            "::",
            "::a",
            "null",
            ":AAAA:",
            "-----BEGIN",
            "not base64",
            "%ff",
            ",",
        ] {
            assert!(parse(value).is_none(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = parse(&text);
            let _ = parse(&format!("-----BEGIN {text}"));
        }
    }
}
