//! Owns what is registered of a client for its authentication: which methods it may use, its public
//! keys, how its certificate names it, and how platforms name it. Knows nothing of how any of it is checked.

use serde::Serialize;

use crate::domain::{
    AuthMethod, AuthMethods, CertificateSubject, Identities, JwkSet, JwksUri, ParseError, ensure,
    with_changes,
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

with_changes! {
    /// How a client may prove who it is.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
    pub struct AuthenticationSettings, AuthenticationChanges {
        /// The methods it may use.
        auth_methods: AuthMethods,
        /// Its public keys, for `private_key_jwt` and `self_signed_tls_client_auth`.
        #[serde(flatten)]
        keys: Option<ClientKeys>,
        /// How its certificate names it, for `tls_client_auth`.
        #[serde(flatten)]
        certificate_subject: Option<CertificateSubject>,
        /// Whether its assertions may have the URL of the token endpoint as `aud`, as before the update of RFC 7523.
        token_endpoint_as_audience: bool,
        /// How platforms name it. Each is a way to log in, whatever the methods are.
        #[serde(skip_serializing_if = "Identities::is_empty")]
        identities: Identities,
    }
}

impl AuthenticationSettings {
    /// Whether it may log in with a secret at all.
    pub fn allow_secrets(&self) -> bool {
        self.auth_methods.contains(AuthMethod::ClientSecretBasic)
            || self.auth_methods.contains(AuthMethod::ClientSecretPost)
    }

    /// Refuses secrets of a client that may not log in with one.
    pub fn check_secrets(&self, count: usize) -> Result<(), ParseError> {
        ensure!(
            count == 0 || self.allow_secrets(),
            "none of the client's authentication methods uses a secret"
        );
        Ok(())
    }

    /// Refuses a method that can never succeed, for want of what it needs.
    pub fn check(&self) -> Result<(), ParseError> {
        let needs = |method: AuthMethod, has: bool, what: &str| {
            ensure!(
                has || !self.auth_methods.contains(method),
                "the method {method} needs {what}"
            );
            Ok(())
        };
        needs(
            AuthMethod::PrivateKeyJwt,
            self.keys.is_some() || !self.identities.is_empty(),
            "the client's public keys (a JWK set or a jwks_uri), or an identity at a trusted issuer",
        )?;
        needs(
            AuthMethod::SelfSignedTlsClientAuth,
            self.keys.is_some(),
            "the client's public keys: a JWK set or a jwks_uri",
        )?;
        needs(
            AuthMethod::TlsClientAuth,
            self.certificate_subject.is_some(),
            "a certificate subject: a subject DN or an alternative name",
        )
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
