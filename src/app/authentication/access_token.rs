//! An access token of the client in place of a client authentication (RFC 7662 §2.1).

use std::borrow::Cow;
use std::net::IpAddr;

use crate::app::authentication::{AuthenticatedClient, Authentication};
use crate::app::error::{Error, Result};
use crate::domain::Attempt;
use crate::jwt::AccessTokenClaims;

impl Authentication {
    /// The client of a token that was verified with its proof: as it is now, if it may log in from there.
    pub async fn authenticate_by_token(
        &self,
        claims: &AccessTokenClaims<'_>,
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        self.core.require_known_clients()?;
        let found = self.cache.find(claims.client_id.as_str(), &self.core);
        let refuse = |reason: Cow<'static, str>| {
            let attempt = Attempt::of_client(&claims.client_id, source);
            Error::invalid_token("the token's client may not use it here")
                .with_source(anyhow::anyhow!("{reason}"))
                .with_attempt(attempt)
        };
        let Some(record) = found.await? else {
            return Err(refuse("unknown client".into()));
        };
        let judged = record.client.may_log_in().map_err(Cow::Borrowed);
        self.conclude(record, judged, source).map_err(refuse)
    }
}
