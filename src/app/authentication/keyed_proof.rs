//! Proofs that nobody can guess: they are made with a key of the client. Owns when the database is read for one.
//!
//! A proof is judged by the record in memory before any limit, so that nobody can lock a good client out. A record that
//! is not there is read within the limits of the source: who names clients without end reads no more of them than it has
//! places.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::app::authentication::peer_certificate::PeerCertificate;
use crate::app::authentication::platform_token::PlatformProof;
use crate::app::authentication::{AuthenticatedClient, Authentication, Verdict};
use crate::app::error::{Error, Result};
use crate::domain::{Client, ClientId, ClientRecord};
use crate::jwt::ClientAssertion;

#[derive(Clone, Copy)]
pub(super) enum KeyedProof<'a> {
    /// A JWT under a key of the client, all of which but its signature was judged.
    Assertion(&'a ClientAssertion<'a>),
    /// A token of a platform, all of which but what depends on issuers and identities was judged.
    Platform(&'a PlatformProof<'a>),
    Certificate(&'a PeerCertificate),
}

impl Authentication {
    /// The client `claimed`, if the proof is its own and it may come from there.
    pub(super) async fn authenticate_by_key(
        &self,
        claimed: &ClientId,
        proof: KeyedProof<'_>,
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        let reason = match self.judge_from_memory(claimed, proof, source).await? {
            None => return self.authenticate_from_store(claimed, proof, source).await,
            Some(Ok(client)) => return Ok(client),
            Some(Err(reason)) => reason,
        };
        let refusal = Error::invalid_client(reason);
        Err(self.refuse(refusal, Some(claimed), source).await)
    }

    /// The verdict of the record in memory; `None`: there is none, or it is out of date and does not prove the client.
    async fn judge_from_memory(
        &self,
        claimed: &ClientId,
        proof: KeyedProof<'_>,
        source: IpAddr,
    ) -> Result<Option<Verdict>> {
        let Some((record, is_current)) = self.cache.get_cached(claimed) else {
            return Ok(None);
        };
        let judged = self.judge_proof(&record.client, proof).await;
        if is_current {
            return Ok(Some(self.conclude(record, judged, source)));
        }
        if judged.is_err() {
            return Ok(None);
        }
        // Whoever had the key of the client until a moment ago is nobody who guesses.
        let store = self.core.database()?;
        let record = self.cache.get_or_load(claimed, store).await?;
        Ok(Some(self.judge_record(record, proof, source).await))
    }

    /// The reading of the store is an attempt: it takes its places before, and a failure uses them up.
    async fn authenticate_from_store(
        &self,
        claimed: &ClientId,
        proof: KeyedProof<'_>,
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        let refused = |error| self.refused(error, claimed.as_str(), source);
        let begun = self.throttle.begin(source, Some(claimed)).await;
        let attempt = begun.map_err(refused)?;
        let reading = self.cache.get_or_load(claimed, self.core.database()?);
        let record = attempt.read(reading).await.map_err(refused)??;
        let verdict = self.judge_record(record, proof, source).await;
        verdict.map_err(|reason| {
            attempt.fail();
            refused(Error::invalid_client(reason))
        })
    }

    /// The verdict of a record that is up to date, if there is one.
    async fn judge_record(
        &self,
        record: Option<Arc<ClientRecord>>,
        proof: KeyedProof<'_>,
        source: IpAddr,
    ) -> Verdict {
        let Some(record) = record else {
            return Err("unknown client".into());
        };
        let judged = self.judge_proof(&record.client, proof).await;
        self.conclude(record, judged, source)
    }

    async fn judge_proof(
        &self,
        client: &Client,
        proof: KeyedProof<'_>,
    ) -> Result<(), Cow<'static, str>> {
        match proof {
            KeyedProof::Assertion(assertion) => self.judge_assertion(client, assertion).await,
            KeyedProof::Platform(proof) => self.judge_platform_token(client, proof).await,
            KeyedProof::Certificate(certificate) => {
                self.judge_certificate(client, certificate).await
            }
        }
    }

    /// The network is looked at last, and by a record that is up to date: a good proof from a wrong one is noted.
    pub(super) fn conclude(
        &self,
        record: Arc<ClientRecord>,
        judged: Result<(), Cow<'static, str>>,
        source: IpAddr,
    ) -> Verdict {
        judged?;
        match self.refuse_network(&record.client, source) {
            Some(reason) => Err(reason),
            None => Ok(AuthenticatedClient::new(record, None)),
        }
    }
}
