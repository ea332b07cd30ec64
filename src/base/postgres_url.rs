//! Owns how the URL of a Postgres is written from its parts, each encoded as it has to be.

use std::path::PathBuf;

use url::{ParseError, Url, form_urlencoded};

use crate::base::secret::Secret;

const PASSWORD: &str = "password";

/// Where a Postgres is, in parts (`DATABASE_HOST` and those beside it).
#[derive(Clone, Debug)]
pub(crate) struct PostgresAddress {
    /// A host name, an address, or the folder of a Unix socket.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Who logs in.
    pub(crate) user: String,
    /// The name of the database.
    pub(crate) name: String,
    /// How TLS is spoken, in libpq's words.
    pub(crate) ssl_mode: String,
    /// Authorities, PEM, that are trusted beside the public ones.
    pub(crate) ssl_root_cert: Option<PathBuf>,
}

impl PostgresAddress {
    pub(crate) fn url(&self, password: Option<&Secret<String>>) -> Secret<String> {
        let port = self.port.to_string();
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let mut pairs = vec![
            ("host", host),
            ("port", &port),
            ("user", &self.user),
            ("dbname", &self.name),
        ];
        // Over a Unix socket Postgres speaks no TLS.
        if !host.starts_with('/') {
            pairs.push(("sslmode", &self.ssl_mode));
        }
        let root = self
            .ssl_root_cert
            .as_ref()
            .map(|it| it.display().to_string());
        pairs.extend(root.as_deref().map(|root| ("sslrootcert", root)));
        pairs.extend(password.map(|password| (PASSWORD, password.expose().as_str())));
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        encoded.extend_pairs(pairs);
        Secret::new(format!("postgres://?{}", encoded.finish()))
    }
}

/// A URL with this password in place of the one that it has.
pub(crate) fn with_password(
    url: &str,
    password: &Secret<String>,
) -> Result<Secret<String>, ParseError> {
    let mut url = Url::parse(url)?;
    let pairs = url.query_pairs().into_owned();
    let pairs: Vec<_> = pairs.filter(|(name, _)| name != PASSWORD).collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(pairs)
        .append_pair(PASSWORD, password.expose());
    Ok(Secret::new(url.into()))
}
