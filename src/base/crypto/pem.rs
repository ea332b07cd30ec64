//! Owns the reading of PEM (RFC 7468), for whoever serves, trusts or takes certificates. Knows nothing of ours.
//!
//! The parser finds a block only by a marker at the start of a line. It passes over any other marker without an error,
//! and with it over the block behind: an intermediate certificate that was appended without a line break is not
//! served. So the markers are looked at before.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use memchr::memmem;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificates of a PEM file: at least one.
pub(crate) fn read_certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    parse_certificates(&pem).with_context(|| format!("`{}`", path.display()))
}

/// The certificates of a PEM text: at least one. Blocks of other kinds are passed over.
pub(crate) fn parse_certificates(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let blocks = blocks(pem)?;
    for block in &blocks {
        ensure!(
            !block.label.ends_with(b" CERTIFICATE"),
            "line {}: a certificate of the kind `{}` is not supported, only `CERTIFICATE`",
            block.line,
            block.label.escape_ascii()
        );
    }
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?;
    let announced = blocks.iter().filter(|block| block.label == b"CERTIFICATE");
    ensure!(
        announced.count() == certificates.len(),
        "some of its PEM certificates cannot be read"
    );
    ensure!(!certificates.is_empty(), "it contains no PEM certificate");
    Ok(certificates)
}

/// The first private key of a PEM text. Blocks of other kinds are passed over.
pub(crate) fn parse_private_key(pem: &[u8]) -> anyhow::Result<PrivateKeyDer<'static>> {
    let mut labels = blocks(pem)?.into_iter().map(|block| block.label);
    // RFC 7468 §11, and RFC 1421 §4.6.1.1 as OpenSSL once wrote it.
    ensure!(
        !labels.any(|label| label == b"ENCRYPTED PRIVATE KEY")
            && memmem::find(pem, b"Proc-Type: 4,ENCRYPTED").is_none(),
        "the private key is encrypted, and the server has no password for it: decrypt it with `openssl pkey -in \
            ENCRYPTED -out KEY`, and let only the server read the file"
    );
    PrivateKeyDer::from_pem_slice(pem).context("it contains no usable PEM private key")
}

struct Block<'a> {
    label: &'a [u8],
    /// Where it begins, from 1.
    line: usize,
}

/// The blocks, whatever is in them. No error repeats a line, which may hold a part of a private key.
fn blocks(pem: &[u8]) -> anyhow::Result<Vec<Block<'_>>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    for (line, text) in (1..).zip(pem.split(|byte| *byte == b'\n')) {
        for text in text.split(|byte| *byte == b'\r') {
            let marks = |word: &[u8]| memmem::find(text, word).is_some();
            if !marks(b"--BEGIN") && !marks(b"--END") {
                continue;
            }
            let (is_begin, label) = marker(text).with_context(|| misplaced(line, text))?;
            match blocks.last().filter(|_| is_open) {
                Some(open) if is_begin || open.label != label => {
                    bail!("line {}: the PEM block has no end marker", open.line)
                }
                None if !is_begin => {
                    bail!("line {line}: the end marker has no PEM block before it")
                }
                Some(_) => {}
                None => blocks.push(Block { label, line }),
            }
            is_open = is_begin;
        }
    }
    match blocks.last().filter(|_| is_open) {
        Some(open) => bail!("line {}: the PEM block has no end marker", open.line),
        None => Ok(blocks),
    }
}

/// Whether the line is a begin marker, and its label; `None` where it is more or less than a marker.
fn marker(line: &[u8]) -> Option<(bool, &[u8])> {
    let inner = line.trim_ascii_end().strip_prefix(b"-----")?;
    let inner = inner.strip_suffix(b"-----")?;
    let (is_begin, label) = match inner.strip_prefix(b"BEGIN ") {
        Some(label) => (true, label),
        None => (false, inner.strip_prefix(b"END ")?),
    };
    memmem::find(label, b"--")
        .is_none()
        .then_some((is_begin, label))
}

fn misplaced(line: usize, text: &[u8]) -> String {
    let cause = if text.starts_with("\u{feff}".as_bytes()) {
        "remove the byte order mark before it"
    } else {
        "put it on its own line, without spaces or other text before it"
    };
    format!(
        "line {line}: a PEM marker (`-----BEGIN LABEL-----`, `-----END LABEL-----`) is not alone on its line: {cause}"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn certificate() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    fn error(pem: &str) -> String {
        format!("{:#}", parse_certificates(pem.as_bytes()).unwrap_err())
    }

    #[test]
    fn every_certificate_is_read_whatever_stands_between_them() {
        let ((one, key), (two, _)) = (certificate(), certificate());
        for pem in [
            format!("{one}{two}"),
            format!("{one}{two}").replace('\n', "\r\n"),
            format!("{one}{two}").replace('\n', "\r"),
            format!("subject=CN = a - b\n{one}\n\n# the next one\n{key}{two}"),
            format!("{one}{}", two.trim_end()),
            format!("{one}{two}").replace("-----\n", "----- \n"),
        ] {
            let read = parse_certificates(pem.as_bytes()).unwrap();
            assert_eq!(read.len(), 2, "{pem}");
        }
    }

    #[test]
    fn a_marker_that_is_not_alone_on_its_line_is_refused_with_the_line() {
        let (pem, _) = certificate();
        let length = pem.lines().count();
        let joined = format!("{}{pem}", pem.trim_end());
        for (pem, line) in [
            (joined.clone(), length),
            (format!("\u{feff}{pem}"), 1),
            (format!("{pem}\u{feff}{pem}"), length + 1),
            (format!("{pem}# {pem}"), length + 1),
            (format!("{pem} {pem}"), length + 1),
            (pem.replace("-----END", "-----BEGIN A-----END"), length),
            (pem.replace("-----BEGIN", "----BEGIN"), 1),
            (pem.replace("-----END", "----END"), length),
        ] {
            let told = error(&pem);
            assert!(told.starts_with(&format!("line {line}: ")), "{told}\n{pem}");
        }
        assert!(error(&format!("\u{feff}{pem}")).contains("byte order mark"));
        assert!(error(&joined).contains("on its own line"));
    }

    #[test]
    fn a_block_without_its_end_or_beginning_is_refused() {
        let (pem, _) = certificate();
        let (body, end) = pem.split_at(pem.find("-----END").unwrap());
        let length = pem.lines().count();
        for (text, line) in [
            (format!("{pem}{body}"), length + 1),
            (format!("{body}{pem}"), 1),
            (format!("{pem}{end}"), length + 1),
            (pem.replace("END CERTIFICATE", "END PUBLIC KEY"), 1),
        ] {
            let told = error(&text);
            assert!(
                told.starts_with(&format!("line {line}: ")),
                "{told}\n{text}"
            );
        }
    }

    #[test]
    fn a_certificate_of_another_kind_does_not_vanish() {
        let (pem, key) = certificate();
        let trusted = pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE");

        assert!(error(&format!("{pem}{trusted}")).contains("`TRUSTED CERTIFICATE`"));
        for text in ["", "text", &key] {
            assert!(error(text).contains("no PEM certificate"), "{text}");
        }
    }

    #[test]
    fn a_key_is_read_beside_certificates_and_no_error_repeats_it() {
        let (pem, key) = certificate();
        assert!(parse_private_key(format!("{pem}{key}").as_bytes()).is_ok());
        let secret = key.lines().nth(1).unwrap();
        for text in [
            format!("{}{key}", pem.trim_end()),
            key.replacen('\n', "", 1),
            key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            pem,
        ] {
            let told = format!("{:#}", parse_private_key(text.as_bytes()).unwrap_err());
            assert!(!told.contains(&secret[..20]), "{told}");
        }
    }

    #[test]
    fn an_encrypted_key_is_refused_with_the_way_to_decrypt_it() {
        let (_, key) = certificate();
        let legacy = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n";
        for text in [
            key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            key.replace(
                "-----BEGIN PRIVATE KEY-----\n",
                &format!("-----BEGIN PRIVATE KEY-----\n{legacy}"),
            ),
        ] {
            let told = parse_private_key(text.as_bytes()).unwrap_err().to_string();
            assert!(told.contains("is encrypted"), "{told}");
            assert!(told.contains("openssl pkey"), "{told}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(bytes in any::<Vec<u8>>(), text in "(-----(BEGIN|END) A?-----|\r|\n|-| |x)*") {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                let _ = parse_certificates(bytes);
                let _ = parse_private_key(bytes);
            }
        }
    }
}
