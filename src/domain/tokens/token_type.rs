//! Owns the types of tokens that an exchange takes and gives (RFC 8693 §3).

use crate::domain::word_enum;

word_enum! {
    /// An access token of this server is both.
    pub enum TokenType, "a token type" {
        /// An OAuth access token.
        AccessToken = "urn:ietf:params:oauth:token-type:access_token",
        /// A JWT.
        Jwt = "urn:ietf:params:oauth:token-type:jwt",
    }
}
