//! What a token says and what this server says of it, for operators. What microservices ask is `introspect`.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::app::tokens::verify::TokenRequirements;
use crate::domain::ErrorCode;
use crate::jwt::decode_unverified;

/// Header and claims of a token, and whether it is valid.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenInspection {
    /// Whether `/verify` would accept it, apart from its binding.
    pub good: bool,
    /// Why, in a sentence.
    pub verdict: String,
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
}

impl Tokens {
    /// Takes a token apart and judges it. A token that cannot be judged now is an error, and so is what is none at all.
    pub async fn inspect(&self, token: &str) -> Result<TokenInspection> {
        let (header, claims) = decode_unverified(token).map_err(|error| {
            Error::invalid_request(format!("it is not a token of this kind: {error}"))
        })?;
        let required = TokenRequirements::default();
        let verdict = match self.verify_presented(token, &required).await {
            Ok(signed) => Ok(format!("valid until {}", signed.claims.exp)),
            Err(error) if error.code == ErrorCode::InvalidToken => Err(match &error.cause {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            }),
            Err(error) => return Err(error),
        };
        Ok(TokenInspection {
            good: verdict.is_ok(),
            verdict: verdict.unwrap_or_else(|why| why),
            header,
            claims,
        })
    }
}
