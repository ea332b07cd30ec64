//! Revoking tokens, and learning what other processes revoke.

pub(crate) mod lost_revocations;
pub(in crate::app::tokens) mod own_revocations;
pub(crate) mod revocation_set;
pub(crate) mod room;

use crate::app::error::{Error, Result};
use crate::app::tokens::Tokens;
use crate::domain::{
    Client, ClientId, Generation, Origin, Revocation, RevocationId, Revoked, RevokedToken, Stamp,
};
use crate::jwt::{AccessTokenClaims, LEEWAY, VerifyError};
use crate::store::{ClientRevoked, RevocationTrail};

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
        self.revoke_claims(by, &claims, RevocationTrail::Count)
            .await?;
        Ok(Ok(claims))
    }

    /// Revokes any token, at the operator's wish; one that is no good is an error.
    pub async fn revoke(&self, by: &Origin, token: &str) -> Result<AccessTokenClaims<'static>> {
        let claims = self.verify_for_revoking(token).await??;
        self.revoke_claims(by, &claims, RevocationTrail::Event)
            .await?;
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
        let (floor, stamp) = self.stamp_raise(by);
        let store = &self.core.store;
        let done = store.revoke_client_tokens(id, floor, stamp).await?;
        self.revoked(id, &done)?;
        self.drop_needless(&done).await;
        Ok(())
    }

    /// Ends every change that revokes a client's tokens: memory knows it before anybody hears of it.
    pub(crate) fn revoked(&self, id: &ClientId, done: &ClientRevoked) -> Result<()> {
        // First, so that no record from before is taken for what the database says now.
        self.cache.forget(id);
        if let ClientRevoked::Revoked(revocation) = done {
            self.revocations.insert(revocation);
        }
        match done {
            ClientRevoked::NoClient => Err(Error::unknown_client(id)),
            ClientRevoked::OtherVersion => Err(Error::client_changed(id)),
            ClientRevoked::Unchanged | ClientRevoked::Enabled | ClientRevoked::Revoked(_) => Ok(()),
        }
    }

    /// Removes the rows of single tokens that are revoked by a generation too. Those that are left expire.
    pub(crate) async fn drop_needless(&self, done: &ClientRevoked) {
        let ClientRevoked::Revoked(revocation) = done else {
            return;
        };
        let Revoked::Client(generation) = revocation.revoked else {
            return;
        };
        let (store, id) = (&self.core.store, &revocation.client_id);
        loop {
            let deleted = store.delete_needless_revocations(id, generation, BATCH);
            match deleted.await {
                Ok(count) if count == u64::from(BATCH) => {}
                Ok(_) => return,
                Err(error) => {
                    let reason = Error::from(error).reason();
                    tracing::warn!(client_id = %id, "cannot delete revocations that are no longer needed: {reason}");
                    return;
                }
            }
        }
    }

    /// Marks a change that raises generations as made now; with the lowest generation that this replica may raise a client
    /// to: above all that it has seen, since the database may have lost some of them. A clock that was set back ends nothing
    /// early.
    pub(crate) fn stamp_raise<'a>(&self, by: &'a Origin) -> (Generation, Stamp<'a>) {
        let latest = self.core.now().max(self.core.clock.unset());
        let highest = self.revocations.highest_generation();
        let floor = self.core.store.generation_floor(highest, latest);
        (floor, by.at(latest))
    }

    async fn revoke_claims(
        &self,
        by: &Origin,
        claims: &AccessTokenClaims<'_>,
        trail: RevocationTrail,
    ) -> Result<()> {
        if self.revocations.find(claims).is_some() {
            return Ok(());
        }
        let id = &claims.client_id;
        let token = RevokedToken {
            jti: claims.jti,
            generation: claims.generation,
            expires_at: claims.exp,
        };
        let (store, stamp) = (self.core.database()?, self.core.stamp(by));
        let is_new = store.revoke_token(token, id, trail, stamp).await?;
        if is_new && trail == RevocationTrail::Count {
            self.own_revocations.count(id, by.source, stamp.at);
        }
        self.revocations.insert_token(id, token);
        self.make_room(id).await;
        Ok(())
    }

    /// Reads what was revoked since the last time, by whomever.
    pub(crate) async fn read_revocations(&self) -> Result<()> {
        let mut read_until = self.revocations.read_until.lock().await;
        self.bind_stored(&mut read_until, |_| {}).await
    }

    /// Reads all revocations there are. No token is called good before it was done once.
    pub(crate) async fn reread_revocations(&self) -> Result<()> {
        let mut read_until = self.revocations.read_until.lock().await;
        *read_until = RevocationId::default();
        self.bind_stored(&mut read_until, |_| {}).await?;
        self.revocations.set_complete();
        Ok(())
    }

    /// Has all stored revocations after a place bind, up to their end, which is the place then.
    pub(super) async fn bind_stored(
        &self,
        after: &mut RevocationId,
        mut each: impl FnMut(&Revocation),
    ) -> Result<()> {
        loop {
            let page = self.core.store.list_revocations(*after, BATCH).await?;
            for revocation in &page {
                if matches!(revocation.revoked, Revoked::Client(_)) {
                    // It was disabled or deleted by another process. First, so that no record from before is taken for what
                    // the database says now.
                    self.cache.forget(&revocation.client_id);
                }
                self.revocations.insert(revocation);
                each(revocation);
                *after = revocation.revocation_id;
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
