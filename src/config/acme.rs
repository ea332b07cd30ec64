//! The settings of certificates that an authority issues by ACME (RFC 8555).

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::{Host, Url};

use super::reader::{Reader, words};
use crate::base::secret::Secret;

const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Most authorities take no more names in one certificate.
const MAX_NAMES: usize = 100;

/// Where the certificate is ordered, and for whom.
#[derive(Clone, Debug)]
pub struct AcmeConfig {
    /// The host names, in their order and each once.
    pub names: Vec<String>,
    /// The URL of the authority's directory.
    pub directory: Url,
    /// Whom it may write to: `mailto:` URLs.
    pub contacts: Vec<String>,
    /// Authorities beside the system's that are trusted there, PEM.
    pub ca: Option<PathBuf>,
    /// The account elsewhere that the one there is bound to.
    pub external_account: Option<ExternalAccount>,
}

/// What proves who an account at the authority is of (RFC 8555 §7.3.4).
#[derive(Clone, Debug)]
pub struct ExternalAccount {
    /// The name of the key.
    pub key_id: String,
    /// The key.
    pub hmac_key: Secret<Vec<u8>>,
}

impl AcmeConfig {
    /// After the settings of the files. `None` without a name.
    pub(super) fn read(read: &mut Reader<'_>) -> Option<Self> {
        let names = read.checked("TLS_ACME_NAMES", "host names", "", parse_names);
        let config = Self {
            directory: read.checked(
                "TLS_ACME_DIRECTORY",
                "an https:// URL",
                LETS_ENCRYPT,
                parse_directory,
            ),
            contacts: read.checked("TLS_ACME_CONTACT", "mail addresses", "", parse_contacts),
            ca: read.optional("TLS_ACME_CA", "a path"),
            external_account: read_external_account(read),
            names,
        };
        let accepts = read.flag("TLS_ACME_ACCEPT_TERMS");
        if config.names.is_empty() {
            return None;
        }
        for name in ["TLS_CERT", "TLS_KEY"] {
            if read.is_set(name) {
                read.refuse(
                    name,
                    "set it or TLS_ACME_NAMES, not both: the server reads a certificate from files, or an authority \
                        issues one",
                );
            }
        }
        if !accepts {
            read.refuse(
                "TLS_ACME_ACCEPT_TERMS",
                "is not `true`: the authority issues certificates only to those that accept its terms of service; its \
                    directory has their URL",
            );
        }
        Some(config)
    }
}

fn read_external_account(read: &mut Reader<'_>) -> Option<ExternalAccount> {
    let key_id: Option<String> = read.optional("TLS_ACME_EAB_KEY_ID", "a text");
    let key = read.secret("TLS_ACME_EAB_HMAC_KEY");
    match (key_id, key) {
        (Some(key_id), Some(key)) => {
            let text = key.expose().trim().trim_end_matches('=');
            match URL_SAFE_NO_PAD.decode(text) {
                Ok(hmac_key) if !hmac_key.is_empty() => Some(ExternalAccount {
                    key_id,
                    hmac_key: Secret::new(hmac_key),
                }),
                Ok(_) | Err(_) => read.refuse_none("TLS_ACME_EAB_HMAC_KEY", "is not base64url"),
            }
        }
        (None, None) => None,
        (Some(_), None) => read.refuse_none(
            "TLS_ACME_EAB_HMAC_KEY",
            "is missing, or cannot be read: TLS_ACME_EAB_KEY_ID needs it",
        ),
        (None, Some(_)) => read.refuse_none(
            "TLS_ACME_EAB_KEY_ID",
            "is missing: TLS_ACME_EAB_HMAC_KEY needs it",
        ),
    }
}

/// Names as they stand in a certificate. Wildcards and addresses cannot be validated over TLS (RFC 8737 §3), or
/// otherwise.
fn parse_names(text: &str) -> Result<Vec<String>, String> {
    let mut names = words(text)
        .map(|name| match Host::parse(name) {
            Ok(Host::Domain(host)) if is_host_name(&host) => Ok(host),
            _ => Err(format!("`{name}` is not a host name")),
        })
        .collect::<Result<Vec<_>, _>>()?;
    names.sort();
    names.dedup();
    if names.len() > MAX_NAMES {
        return Err(format!("there are more than {MAX_NAMES}"));
    }
    Ok(names)
}

/// RFC 1123 §2.1.
fn is_host_name(host: &str) -> bool {
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

fn parse_directory(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err("it is not one, or has a user name in it".to_owned());
    }
    Ok(url)
}

fn parse_contacts(text: &str) -> Result<Vec<String>, String> {
    let contact = |word: &str| {
        let address = word.strip_prefix("mailto:").unwrap_or(word);
        match address.split_once('@') {
            // RFC 8555 §7.3: one address, without headers.
            Some((name, host))
                if !name.is_empty() && !host.is_empty() && !address.contains('?') =>
            {
                Ok(format!("mailto:{address}"))
            }
            _ => Err(format!("`{word}` is not an email address")),
        }
    };
    words(text).map(contact).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_in_a_certificate() {
        let names = parse_names("Tokens.Example.com, bücher.example tokens.example.com").unwrap();
        assert_eq!(names, ["tokens.example.com", "xn--bcher-kva.example"]);
        for text in [
            "*.example.com",
            "10.0.0.1",
            "[::1]",
            "a_b.example",
            "a..b",
            "https://a",
        ] {
            assert!(parse_names(text).is_err(), "{text}");
        }
    }

    #[test]
    fn contacts_are_mail_addresses() {
        let contacts = parse_contacts("ops@example.com, mailto:two@example.com").unwrap();
        assert_eq!(
            contacts,
            ["mailto:ops@example.com", "mailto:two@example.com"]
        );
        for text in ["ops", "@example.com", "tel:1@x?cc=y"] {
            assert!(parse_contacts(text).is_err(), "{text}");
        }
    }
}
