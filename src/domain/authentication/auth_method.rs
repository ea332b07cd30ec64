//! Owns the ways in which a client can prove who it is, by the names that RFC 7591 §2 and its registry
//! have for them. Knows nothing of how each is checked.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::domain::{ParseError, ensure, text_traits, word_enum};

word_enum! {
    /// One way of client authentication (`token_endpoint_auth_method`).
    pub enum AuthMethod, "an authentication method" {
        /// RFC 6749 §2.3.1: the secret as HTTP Basic.
        ClientSecretBasic = "client_secret_basic",
        /// RFC 6749 §2.3.1: the secret in the body.
        ClientSecretPost = "client_secret_post",
        /// RFC 7523 §2.2: a JWT signed with a key of the client.
        PrivateKeyJwt = "private_key_jwt",
        /// RFC 8705 §2.1: a certificate of an authority that the server trusts.
        TlsClientAuth = "tls_client_auth",
        /// RFC 8705 §2.2: a certificate whose key the client registered.
        SelfSignedTlsClientAuth = "self_signed_tls_client_auth",
    }
}

impl AuthMethod {
    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The methods that a client may use: at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthMethods(u8);

impl AuthMethods {
    /// Parses words separated by spaces.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut bits = 0;
        for word in text.split_ascii_whitespace() {
            bits |= AuthMethod::parse(word)?.bit();
        }
        ensure!(
            bits != 0,
            "a client needs at least one authentication method"
        );
        Ok(Self(bits))
    }

    /// Whether a method is among them.
    pub fn contains(self, method: AuthMethod) -> bool {
        self.0 & method.bit() != 0
    }

    /// The methods, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = AuthMethod> {
        let all = AuthMethod::ALL.into_iter();
        all.filter(move |method| self.contains(*method))
    }
}

/// The two that need nothing but a secret.
impl Default for AuthMethods {
    fn default() -> Self {
        Self(AuthMethod::ClientSecretBasic.bit() | AuthMethod::ClientSecretPost.bit())
    }
}

/// The words, with single spaces, as [`AuthMethods::parse`] reads them.
impl fmt::Display for AuthMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(AuthMethod::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

text_traits!(AuthMethods: FromStr);

impl Serialize for AuthMethods {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(AuthMethod::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_parse_what_they_print() {
        let text = "client_secret_basic private_key_jwt self_signed_tls_client_auth";
        let methods = AuthMethods::parse(text).unwrap();

        assert_eq!(methods.to_string(), text);
        assert!(methods.contains(AuthMethod::PrivateKeyJwt));
        assert!(!methods.contains(AuthMethod::TlsClientAuth));
        assert_eq!(
            AuthMethods::default().to_string(),
            "client_secret_basic client_secret_post"
        );
    }

    #[test]
    fn no_method_and_an_unknown_one_are_refused() {
        for text in ["", " ", "none", "client_secret_jwt", "private_key_jwt none"] {
            assert!(AuthMethods::parse(text).is_err(), "{text:?}");
        }
    }
}
