//! Owns what is registered of a client for its authentication: which methods it may use, its public
//! keys, how its certificate names it, and how platforms name it. Knows nothing of how any of it is checked.

use serde::Serialize;

use crate::domain::{
    AuthMethod, AuthMethods, CertificateSubject, Identities, JwkSet, JwksUri, ParseError,
};

/// Where the public keys of a client are; RFC 7591 §2: never in both places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ClientKeys {
    /// Here.
    #[serde(rename = "jwks")]
    Inline(JwkSet),
    /// At a URL of the client's.
    #[serde(rename = "jwks_uri")]
    Uri(JwksUri),
}

/// How a client may prove who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuthenticationSettings {
    /// The methods it may use.
    pub auth_methods: AuthMethods,
    /// Its public keys, for `private_key_jwt` and `self_signed_tls_client_auth`.
    #[serde(flatten)]
    pub keys: Option<ClientKeys>,
    /// How its certificate names it, for `tls_client_auth`.
    #[serde(flatten)]
    pub certificate_subject: Option<CertificateSubject>,
    /// Whether its assertions may have the URL of the token endpoint as `aud`, as before the update of RFC 7523.
    pub token_endpoint_as_audience: bool,
    /// How platforms name it. Each is a way to log in, whatever the methods are.
    #[serde(skip_serializing_if = "Identities::is_empty")]
    pub identities: Identities,
}

/// What to change of it; `None` leaves a thing as it is, `Some(None)` takes it away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationChanges {
    /// The methods it may use.
    pub auth_methods: Option<AuthMethods>,
    /// Its public keys.
    pub keys: Option<Option<ClientKeys>>,
    /// How its certificate names it.
    pub certificate_subject: Option<Option<CertificateSubject>>,
    /// Whether its assertions may have the URL of the token endpoint as `aud`.
    pub token_endpoint_as_audience: Option<bool>,
    /// How platforms name it.
    pub identities: Option<Identities>,
}

impl AuthenticationSettings {
    /// Whether it may log in with a secret at all.
    pub fn allow_secrets(&self) -> bool {
        self.auth_methods.contains(AuthMethod::ClientSecretBasic)
            || self.auth_methods.contains(AuthMethod::ClientSecretPost)
    }

    /// Refuses secrets of a client that may not log in with one.
    pub fn check_secrets(&self, count: usize) -> Result<(), ParseError> {
        if count == 0 || self.allow_secrets() {
            return Ok(());
        }
        Err(ParseError::new(
            "none of the client's authentication methods uses a secret",
        ))
    }

    /// Refuses a method that can never succeed, for want of what it needs.
    pub fn check(&self) -> Result<(), ParseError> {
        let needs = |method: AuthMethod, has: bool, what: &str| {
            if self.auth_methods.contains(method) && !has {
                let message = format!("the method {} needs {what}", method.as_str());
                return Err(ParseError::new(message));
            }
            Ok(())
        };
        let keys = "the client's public keys: a JWK set or a jwks_uri";
        needs(
            AuthMethod::PrivateKeyJwt,
            self.keys.is_some() || !self.identities.is_empty(),
            "the client's public keys (a JWK set or a jwks_uri), or an identity at a trusted issuer",
        )?;
        needs(
            AuthMethod::SelfSignedTlsClientAuth,
            self.keys.is_some(),
            keys,
        )?;
        needs(
            AuthMethod::TlsClientAuth,
            self.certificate_subject.is_some(),
            "a certificate subject: a subject DN or an alternative name",
        )
    }

    /// This with the changes made.
    #[must_use]
    pub fn changed(self, changes: AuthenticationChanges) -> Self {
        Self {
            auth_methods: changes.auth_methods.unwrap_or(self.auth_methods),
            keys: changes.keys.unwrap_or(self.keys),
            certificate_subject: changes
                .certificate_subject
                .unwrap_or(self.certificate_subject),
            token_endpoint_as_audience: changes
                .token_endpoint_as_audience
                .unwrap_or(self.token_endpoint_as_audience),
            identities: changes.identities.unwrap_or(self.identities),
        }
    }
}

impl AuthenticationChanges {
    /// Whether there is nothing to change.
    pub fn are_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(methods: &str) -> AuthenticationSettings {
        AuthenticationSettings {
            auth_methods: AuthMethods::parse(methods).unwrap(),
            ..AuthenticationSettings::default()
        }
    }

    #[test]
    fn a_method_needs_what_it_is_checked_against() {
        assert!(settings("client_secret_post").check().is_ok());
        for method in [
            "private_key_jwt",
            "tls_client_auth",
            "self_signed_tls_client_auth",
        ] {
            let error = settings(method).check().unwrap_err();
            assert!(error.0.contains(method), "{error}");
        }
        let subject = CertificateSubject::parse("san_dns=a.example").ok();
        let changes = AuthenticationChanges {
            certificate_subject: Some(subject),
            ..AuthenticationChanges::default()
        };
        assert!(settings("tls_client_auth").changed(changes).check().is_ok());
    }

    #[test]
    fn it_is_written_with_the_names_of_the_rfcs() {
        let registered = AuthenticationSettings {
            keys: JwksUri::parse("https://a.example/keys")
                .ok()
                .map(ClientKeys::Uri),
            certificate_subject: CertificateSubject::parse("subject_dn=CN=a").ok(),
            ..settings("tls_client_auth private_key_jwt")
        };
        assert_eq!(
            serde_json::to_string(&registered).unwrap(),
            r#"{"auth_methods":["private_key_jwt","tls_client_auth"],"jwks_uri":"https://a.example/keys","tls_client_auth_subject_dn":"CN=a","token_endpoint_as_audience":false}"#
        );
    }
}
