//! What `client create` and `client update` may say about how a client proves who it is, and how `client show`
//! prints it.

use std::path::PathBuf;

use clap::Args;

use crate::app::error::{Error, Result};
use crate::domain::{
    AuthMethods, AuthenticationChanges, AuthenticationSettings, CertificateSubject, ClientKeys,
    JwkSet, JwksUri,
};

#[derive(Args)]
pub(in crate::cli) struct AuthenticationArgs {
    /// How it may log in: `client_secret_basic`, `client_secret_post`, `private_key_jwt`, `tls_client_auth`,
    /// `self_signed_tls_client_auth`; may be repeated
    #[arg(long = "auth-method", value_name = "METHOD")]
    auth_methods: Option<Vec<AuthMethods>>,
    /// Its public keys: a file with a JWK set
    #[arg(long, value_name = "FILE", group = "keys")]
    jwks: Option<PathBuf>,
    /// The URL of its public keys, at a host that `JWKS_URI_HOSTS` has
    #[arg(long, value_name = "URL", group = "keys")]
    jwks_uri: Option<JwksUri>,
    /// Forget its public keys
    #[arg(long, group = "keys")]
    no_keys: bool,
    /// How its certificate names it, for `tls_client_auth`: one of `subject_dn=CN=billing,O=Acme`,
    /// `san_dns=billing.example.com`, `san_uri=…`, `san_ip=…`, `san_email=…`
    #[arg(long, value_name = "SUBJECT", group = "subject")]
    tls_client_auth: Option<CertificateSubject>,
    /// Forget how its certificate names it
    #[arg(long, group = "subject")]
    no_tls_client_auth: bool,
}

impl AuthenticationArgs {
    /// The changes; reads the file.
    pub(in crate::cli) fn changes(self) -> Result<AuthenticationChanges> {
        let keys = match (self.jwks, self.jwks_uri) {
            (Some(path), _) => Some(Some(ClientKeys::Inline(read_keys(&path)?))),
            (None, Some(uri)) => Some(Some(ClientKeys::Uri(uri))),
            (None, None) => self.no_keys.then_some(None),
        };
        let subject = self.tls_client_auth.map(Some);
        Ok(AuthenticationChanges {
            auth_methods: self.auth_methods.map(|list| join(&list)).transpose()?,
            keys,
            certificate_subject: subject.or(self.no_tls_client_auth.then_some(None)),
        })
    }
}

fn read_keys(path: &std::path::Path) -> Result<JwkSet> {
    let whole = |why: String| Error::invalid_request(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| whole(error.to_string()))?;
    JwkSet::parse(&text).map_err(|error| whole(error.to_string()))
}

fn join(list: &[AuthMethods]) -> Result<AuthMethods> {
    let words: Vec<String> = list.iter().map(ToString::to_string).collect();
    Ok(AuthMethods::parse(&words.join(" "))?)
}

/// The lines of `client show`.
pub(in crate::cli) fn lines(settings: &AuthenticationSettings) -> [(&'static str, String); 3] {
    let keys = match &settings.keys {
        None => String::new(),
        Some(ClientKeys::Uri(uri)) => uri.to_string(),
        Some(ClientKeys::Inline(set)) => {
            let names = set
                .keys()
                .iter()
                .map(|jwk| jwk.kid.as_deref().unwrap_or("(no kid)"));
            let names: Vec<&str> = names.collect();
            format!("{} here: {}", names.len(), names.join(", "))
        }
    };
    let subject = settings.certificate_subject.as_ref();
    [
        ("auth_methods", settings.auth_methods.to_string()),
        ("keys", keys),
        (
            "tls_client_auth",
            subject.map(ToString::to_string).unwrap_or_default(),
        ),
    ]
}
