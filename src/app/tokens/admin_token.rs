//! Owns what a token needs to be good for the admin API.

use std::sync::Arc;

use crate::app::error::Result;
use crate::app::{App, TokenRequirements};
use crate::domain::{Audience, Scope};
use crate::jwt::SignedClaims;

impl App {
    /// The claims of a token that is good for the admin API: with this scope, and for this very server.
    pub async fn verify_admin_token(&self, token: &str, scope: &str) -> Result<Arc<SignedClaims>> {
        let required = TokenRequirements {
            scope: Some(Scope::parse(scope)?),
            audience: Some(Audience::parse(self.config.token.issuer.as_str())?),
        };
        let verified = self.verify_presented_token(token, &required).await?;
        self.count_verified(&verified.claims.client_id);
        Ok(verified)
    }
}
