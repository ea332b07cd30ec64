//! Owns the types of tokens: those that an exchange takes and gives (RFC 8693 §3), and the `typ` of an access token.

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

word_enum! {
    /// The `typ` in the header of an access token (RFC 7515 §4.1.9).
    pub enum TokenTyp, "a token_typ" {
        /// The type of RFC 9068 §2.1.
        AtJwt = "at+jwt",
        /// The type of RFC 7519 §5.1, for verifiers that accept nothing else.
        Jwt = "JWT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_typ_is_one_of_two_words_and_the_case_counts() {
        assert_eq!(TokenTyp::parse("at+jwt"), Ok(TokenTyp::AtJwt));
        assert_eq!(TokenTyp::parse("JWT"), Ok(TokenTyp::Jwt));
        for text in ["", "jwt", "AT+JWT", "application/at+jwt", "JOSE", " JWT"] {
            let error = TokenTyp::parse(text).unwrap_err();
            assert_eq!(
                error.0, "a token_typ must be one of `at+jwt`, `JWT`",
                "{text}"
            );
        }
    }
}
