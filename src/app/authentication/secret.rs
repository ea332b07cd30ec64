//! `client_secret_basic` and `client_secret_post` (RFC 6749 §2.3.1): a secret.
//!
//! An unknown client, a disabled one, a wrong secret and a wrong network are one answer, in text and in time: how much
//! is hashed depends on the form of the presented secret alone.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::app::authentication::{AuthenticatedClient, Authentication, Verdict, refusal_of};
use crate::app::error::{Error, Result};
use crate::base::secret::Secret;
use crate::domain::{
    AuthMethod, ClientId, ClientRecord, ClientSecret, GeneratedSecret, SecretOrigin,
};

#[derive(Clone, Copy)]
struct Way {
    method: AuthMethod,
    source: IpAddr,
}

/// Whether an attempt has its places under the limits of its source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limits {
    /// Not yet. The source may be over its limits and must learn nothing about a secret that a human chose.
    Unchecked,
    /// It holds them: a failure counts.
    Held,
}

/// What a caller presents, unchecked.
#[derive(Debug)]
pub struct Credentials {
    /// As it was sent; may be no `client_id` at all.
    pub client_id: String,
    /// As it was sent.
    pub client_secret: Secret<String>,
}

impl Authentication {
    pub(super) async fn authenticate_by_secret(
        &self,
        method: AuthMethod,
        readings: &[Credentials],
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        let way = Way { method, source };
        for credentials in readings {
            if let Some(client) = self.recognise(way, credentials, Limits::Unchecked).await? {
                return Ok(client);
            }
        }
        // In a box, as is all that is rare on this path: a login's future is moved several times, whole.
        Box::pin(self.authenticate_within_limits(way, readings)).await
    }

    /// All readings are one attempt.
    async fn authenticate_within_limits(
        &self,
        way: Way,
        readings: &[Credentials],
    ) -> Result<AuthenticatedClient> {
        let typed = readings.first().map_or("", |first| &*first.client_id);
        let claimed = ClientId::parse(typed).ok();
        let begun = self.throttle.begin(way.source, claimed.as_ref()).await;
        let attempt = begun.map_err(|throttled| self.refused(throttled, typed, way.source))?;
        for credentials in readings {
            if let Some(client) = self.recognise(way, credentials, Limits::Held).await? {
                return Ok(client);
            }
        }
        let mut refusal = Error::invalid_client("no credentials");
        for credentials in readings {
            match self.prove(way, credentials).await? {
                Ok(client) => return Ok(client),
                Err(reason) => refusal = Error::invalid_client(reason),
            }
        }
        attempt.fail();
        Err(self.refused(refusal, typed, way.source))
    }

    /// The client, if this secret of it was proved before. Unless memory says so, the store is not asked here:
    /// how long a refusal takes must not tell whose record is in memory.
    async fn recognise(
        &self,
        way: Way,
        credentials: &Credentials,
        limits: Limits,
    ) -> Result<Option<AuthenticatedClient>> {
        let Ok(id) = ClientId::parse(&credentials.client_id) else {
            return Ok(None);
        };
        let Some((record, is_current)) = self.cache.get_cached(&id) else {
            return Ok(None);
        };
        let plain = &credentials.client_secret;
        let secret = self.find_proved(&record, way, plain, limits);
        if secret.is_none() {
            return Ok(None);
        }
        if is_current {
            self.secrets.verified.asked.hits.inc();
            return Ok(Some(AuthenticatedClient::new(record, secret)));
        }
        let record = Box::pin(self.cache.get_or_load(&id, self.core.database()?)).await?;
        Ok(record.and_then(|record| {
            let secret = self.find_proved(&record, way, plain, limits);
            secret.map(|_| AuthenticatedClient::new(record, secret))
        }))
    }

    /// Which of the client's secrets this is, if it was proved before and is good still. With places held its network
    /// need not be known, and is from then on.
    fn find_proved(
        &self,
        record: &ClientRecord,
        way: Way,
        plain: &Secret<String>,
        limits: Limits,
    ) -> Option<usize> {
        let client = &record.client;
        if refusal_of(client, way.method).is_some() || !client.allowed_networks.admit(way.source) {
            return None;
        }
        let now = self.core.now();
        let mut candidates = candidates(record, plain);
        let (index, secret) = candidates.find(|(_, one)| {
            one.is_live(now)
                && match limits {
                    Limits::Unchecked => {
                        self.secrets.verified.contains_from(one, plain, way.source)
                    }
                    Limits::Held => self.secrets.verified.contains(one, plain),
                }
        })?;
        if limits == Limits::Held && secret.origin == SecretOrigin::Chosen {
            self.secrets.verified.insert(secret, plain, way.source);
        }
        Some(index)
    }

    /// The client, if hashing proves it; else why not, for the log. Each attempt is one reading of the store and
    /// one hash, whether there is such a client or not.
    async fn prove(&self, way: Way, credentials: &Credentials) -> Result<Verdict> {
        let plain = &credentials.client_secret;
        let generated = GeneratedSecret::has_prefix(plain.expose());
        if generated && GeneratedSecret::find_id(plain.expose()).is_none() {
            return Ok(Err(
                "the secret has a typing error: its checksum is wrong".into()
            ));
        }
        let record = match ClientId::parse(&credentials.client_id) {
            Ok(id) => self.cache.fetch(&id, self.core.database()?).await?,
            Err(_) => None,
        };
        let Some(record) = record else {
            self.secrets.hash_in_vain(plain, way.source).await?;
            return Ok(Err("unknown client".into()));
        };
        let secret = self.find_proved(&record, way, plain, Limits::Held);
        if secret.is_some() {
            self.secrets.verified.asked.hits.inc();
            return Ok(Ok(AuthenticatedClient::new(record, secret)));
        }
        self.secrets.verified.asked.misses.inc();
        self.prove_by_hashing(&record, way, plain).await
    }

    async fn prove_by_hashing(
        &self,
        record: &Arc<ClientRecord>,
        way: Way,
        plain: &Secret<String>,
    ) -> Result<Verdict> {
        let generated = GeneratedSecret::has_prefix(plain.expose());
        let now = self.core.now();
        let mut reason = Cow::from("wrong secret");
        let mut hashed = false;
        for (index, secret) in candidates(record, plain) {
            // Of the chosen ones only live ones are tried; a generated one is named by its id, so
            // that an expired one can be told from a wrong one.
            if !generated && !secret.is_live(now) {
                continue;
            }
            // A cheap hash that fails is not all that an attempt costs: else its time would tell that there is such a client.
            hashed |= !secret.vouched;
            if !self.secrets.verify(secret, plain, way.source).await? {
                continue;
            }
            match (secret.expires_at, refusal_of(&record.client, way.method)) {
                (Some(expires_at), _) if !secret.is_live(now) => {
                    reason =
                        format!("the secret {} expired at {expires_at}", secret.secret_id).into();
                }
                (_, Some(refusal)) => reason = refusal,
                (_, None) => {
                    if let Some(refusal) = self.refuse_network(&record.client, way.source) {
                        reason = refusal;
                        continue;
                    }
                    self.secrets.verified.insert(secret, plain, way.source);
                    self.secrets.renew_if_outdated(
                        &record.client.client_id,
                        secret,
                        plain,
                        way.source,
                    );
                    let record = Arc::clone(record);
                    return Ok(Ok(AuthenticatedClient::new(record, Some(index))));
                }
            }
        }
        if !hashed {
            self.secrets.hash_in_vain(plain, way.source).await?;
        }
        Ok(Err(reason))
    }
}

/// The secrets of a client that `plain` may be, with their places: the one it names, or else all that we did not make.
fn candidates<'a>(
    record: &'a ClientRecord,
    plain: &'a Secret<String>,
) -> impl Iterator<Item = (usize, &'a ClientSecret)> {
    let named = GeneratedSecret::find_id(plain.expose());
    let secrets = record.secrets.iter().enumerate();
    secrets.filter(move |(_, secret)| match &named {
        Some(id) => secret.origin == SecretOrigin::Generated && secret.secret_id == *id,
        None => secret.origin == SecretOrigin::Chosen,
    })
}
