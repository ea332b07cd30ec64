//! The scopes that are power over this server, and who may hand them out: an operator. A client that may change
//! others must not be able to make one that may do so for longer than itself.

use std::sync::Arc;

use super::{App, TokenRequirements};
use crate::domain::{Actor, Audience, Client, ClientId, ErrorCode, Origin, Scope};
use crate::error::{Error, Result};
use crate::token::SignedClaims;

/// The scope of tokens that may read by the admin API.
pub const ADMIN_READ_SCOPE: &str = "admin:read";

/// The scope of tokens that may change things by the admin API.
pub const ADMIN_WRITE_SCOPE: &str = "admin:write";

/// The scope of tokens that may have all clients with the hashes of their secrets. None of the others includes it: who may
/// change clients must not get hold of what those with reserved scopes log in with.
pub const ADMIN_EXPORT_SCOPE: &str = "admin:export";

/// All scopes that begin so are reserved.
const RESERVED: &str = "admin:";

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

    /// Refuses a client that gives a reserved scope to a client.
    pub(super) fn check_grant(by: &Origin, scope: Option<&Scope>) -> Result<()> {
        let reserved = scope.and_then(find_reserved);
        match (&by.actor, reserved) {
            (Actor::Client(_), Some(token)) => Err(denied(format!(
                "the scope {token} can be granted by an operator only, at the command line or in the portal"
            ))),
            (_, _) => Ok(()),
        }
    }

    /// Refuses a client that would change one which has a reserved scope, or give it another way to prove itself.
    pub(super) async fn check_target(&self, by: &Origin, id: &ClientId) -> Result<()> {
        if !matches!(by.actor, Actor::Client(_)) {
            return Ok(());
        }
        Self::check_grant_to(&self.find_client(id).await?.client)
    }

    /// Refuses a client that has a reserved scope.
    pub(super) fn check_grant_to(target: &Client) -> Result<()> {
        let id = &target.client_id;
        match find_reserved(&target.scopes) {
            None => Ok(()),
            Some(token) => Err(denied(format!(
                "`{id}` has the scope {token}, so it can be changed by an operator only; to disable or delete it, \
                 or to end its tokens and secrets, is possible here"
            ))),
        }
    }
}

fn find_reserved(scope: &Scope) -> Option<&str> {
    scope.tokens().find(|token| token.starts_with(RESERVED))
}

fn denied(description: String) -> Error {
    Error::new(ErrorCode::AccessDenied, description)
}
