//! Revoking tokens, and learning what other processes revoke.

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::base::clock::UnixTime;
use crate::domain::{Client, ClientId, Origin, RevocationId, Revoked};
use crate::jwt::{AccessTokenClaims, LEEWAY, VerifyError};
use crate::store::ClientRevoked;

/// Rows of one statement: enough that a million are read in seconds, few enough that none runs for long.
const BATCH: u32 = 10_000;

impl Tokens {
    /// Revokes a token at its own client's wish (RFC 7009 §2). One that is no good, for the reason in the
    /// inner result, is as the client wants it already (§2.2); one of another client is refused (§2.1).
    pub async fn revoke_own(
        &self,
        by: &Origin,
        client: &Client,
        token: &str,
    ) -> Result<Result<AccessTokenClaims<'static>>> {
        let claims = match self.verify_for_revoking(token).await? {
            Ok(claims) => claims,
            Err(reason) => return Ok(Err(reason.into())),
        };
        if *claims.client_id != client.client_id {
            let why = "the token was issued to another client";
            return Err(Error::unauthorized_client(why));
        }
        self.revoke_claims(by, &claims).await?;
        Ok(Ok(claims))
    }

    /// Revokes any token, at the operator's wish; one that is no good is an error.
    pub async fn revoke(&self, by: &Origin, token: &str) -> Result<AccessTokenClaims<'static>> {
        let claims = self.verify_for_revoking(token).await??;
        self.revoke_claims(by, &claims).await?;
        Ok(claims)
    }

    /// The claims of a token that is ours and not expired. It may be under a key of another replica that is
    /// not known here yet: not to look would be to say that it is revoked and leave it good.
    async fn verify_for_revoking(
        &self,
        token: &str,
    ) -> Result<Result<AccessTokenClaims<'static>, VerifyError>> {
        let now = self.core.now();
        let mut verdict = self.keys.current().verify(token, now);
        if verdict == Err(VerifyError::UnknownKey) {
            self.core.database()?;
            self.keys.refresh().await?;
            verdict = self.keys.current().verify(token, now);
        }
        let is_out_of_time = matches!(
            verdict,
            Err(VerifyError::Expired | VerifyError::NotYetValid)
        );
        // A wrong clock must not take a live token for one that needs no revocation.
        if is_out_of_time && self.core.doubts_clock() {
            let reading = self.core.read_clock().await?;
            let possible = [reading.earliest(), reading.latest()];
            let mut verdicts = possible
                .into_iter()
                .map(|at| self.keys.current().verify(token, at));
            return Ok(verdicts.find(Result::is_ok).unwrap_or(verdict));
        }
        Ok(verdict)
    }

    /// Revokes all that a client was issued before now.
    pub async fn revoke_client(&self, by: &Origin, id: &ClientId) -> Result<()> {
        let (cutoff, stamp) = (self.core.latest_time().await?, self.core.stamp(by));
        let done = self
            .core
            .store
            .revoke_client_tokens(id, cutoff, stamp)
            .await?;
        self.revoked(id, &done)
    }

    /// Ends every change that revokes a client's tokens: memory knows it before anybody hears of it.
    pub(crate) fn revoked(&self, id: &ClientId, done: &ClientRevoked) -> Result<()> {
        if let ClientRevoked::Revoked(revocation) = done {
            self.revocations.insert(revocation);
        }
        self.cache.forget(id);
        match done {
            ClientRevoked::NoClient => Err(Error::unknown_client(id)),
            ClientRevoked::OtherVersion => Err(Error::client_changed(id)),
            ClientRevoked::Unchanged | ClientRevoked::Revoked(_) => Ok(()),
        }
    }

    /// Ends every registration.
    pub(crate) async fn registered(&self, id: &ClientId) {
        self.cache.forget(id);
        if self.revocations.find_cutoff(id).is_some() {
            // There was a client of this id, whose tokens are revoked; those of this one are not. Should
            // this fail, the feed says it again.
            let _ = self.read_revocations().await;
        }
    }

    /// Up to when tokens are revoked when a client is disabled: a replica whose clock is ahead may have
    /// issued one that seems to come from the future.
    pub(crate) async fn last_issue(&self) -> Result<UnixTime> {
        Ok(self.core.latest_time().await?.plus(LEEWAY))
    }

    async fn revoke_claims(&self, by: &Origin, claims: &AccessTokenClaims<'_>) -> Result<()> {
        if self.revocations.contains_token(claims.jti) {
            return Ok(());
        }
        let stamp = self.core.stamp(by);
        self.core
            .database()?
            .revoke_token(claims.jti, &claims.client_id, claims.exp, stamp)
            .await?;
        self.revocations.insert_token(claims.jti, claims.exp);
        Ok(())
    }

    /// Reads what was revoked since the last time, by whomever.
    pub(crate) async fn read_revocations(&self) -> Result<()> {
        let mut read_until = self.revocations.read_until.lock().await;
        self.read_revocations_after(&mut read_until).await
    }

    /// Reads all revocations there are. No token is called good before it was done once.
    pub(crate) async fn reread_revocations(&self) -> Result<()> {
        let mut read_until = self.revocations.read_until.lock().await;
        *read_until = RevocationId::default();
        self.read_revocations_after(&mut read_until).await?;
        self.revocations.set_complete();
        Ok(())
    }

    async fn read_revocations_after(&self, read_until: &mut RevocationId) -> Result<()> {
        loop {
            let page = self.core.store.list_revocations(*read_until, BATCH).await?;
            for revocation in &page {
                self.revocations.insert(revocation);
                if matches!(revocation.revoked, Revoked::Client(_)) {
                    // It was enabled, disabled or deleted by another process.
                    self.cache.forget(&revocation.client_id);
                }
                *read_until = revocation.revocation_id;
            }
            if page.len() < BATCH as usize {
                return Ok(());
            }
        }
    }

    /// Forgets the revocations of tokens that are dead by now in any case. The table keeps them somewhat
    /// longer than memory: a replica that starts and reads it may have a clock that is behind this one.
    pub async fn prune_revocations(&self) -> Result<()> {
        let now = self.core.trusted_time().await?;
        self.revocations.prune(now);
        let end = now.ago(2 * LEEWAY);
        while self.core.store.delete_revocations(end, BATCH).await? == u64::from(BATCH) {}
        Ok(())
    }
}
