//! Hashing secrets and comparing them with their hashes, in the lanes of hashing.

use std::net::IpAddr;
use std::sync::Arc;

use crate::app::core::lane::Lane;
use crate::app::error::{Error, Result};
use crate::app::secrets::Secrets;
use crate::app::secrets::hash;
use crate::app::secrets::hash::{Memory, SecretHash};
use crate::base::secret::Secret;
use crate::config::Argon2Work;
use crate::domain::{ClientId, ClientSecret, GeneratedSecret, SecretOrigin};

impl Secrets {
    /// Whether `plain`, which comes from `source`, is this secret.
    pub(crate) async fn verify(
        &self,
        secret: &ClientSecret,
        plain: &Secret<String>,
        source: IpAddr,
    ) -> Result<bool> {
        let hash = SecretHash::parse(&secret.secret_hash).map_err(Error::internal)?;
        let lane = self.hashing.of_stored(secret, &hash);
        let plain = plain.clone();
        lane.run(Some(source), move |memory| hash.verify(&plain, memory))
            .await
    }

    /// Whether `plain` is the password of an admin with this hash.
    pub(crate) async fn verify_password(
        &self,
        hash: &str,
        plain: &Secret<String>,
        source: Option<IpAddr>,
    ) -> Result<bool> {
        let hash = SecretHash::parse(hash).map_err(Error::internal)?;
        let plain = plain.clone();
        let verify = move |memory: &mut Memory| hash.verify(&plain, memory);
        self.hashing.portal.run(source, verify).await
    }

    /// The work that a known client's secret of this form would have cost, in the lane where it would have been done.
    pub(crate) async fn hash_in_vain(&self, plain: &Secret<String>, source: IpAddr) -> Result<()> {
        let origin = if GeneratedSecret::has_prefix(plain.expose()) {
            SecretOrigin::Generated
        } else {
            SecretOrigin::Chosen
        };
        self.hash(plain, origin, Some(source)).await.map(drop)
    }

    /// Hashes a secret with the work that its origin asks for; `source` is who waits for it, if somebody does.
    pub(crate) async fn hash(
        &self,
        plain: &Secret<String>,
        origin: SecretOrigin,
        source: Option<IpAddr>,
    ) -> Result<String> {
        let work = self.work(origin);
        hash_in(self.hashing.of_new(origin), plain, work, source).await
    }

    /// Hashes a password of an admin with the work of a chosen secret.
    pub(crate) async fn hash_password(
        &self,
        plain: &Secret<String>,
        source: Option<IpAddr>,
    ) -> Result<String> {
        let work = self.work(SecretOrigin::Chosen);
        hash_in(&self.hashing.portal, plain, work, source).await
    }

    /// After a good login: a hash made with other parameters than today's is made anew, on the side. It may fail, or find too
    /// many others pending, without harm; the next login tries again. Renewals are made one after another, as work of the
    /// server: so they take one place in the queue of a lane, and not those of the source's logins.
    pub(crate) fn renew_if_outdated(
        self: &Arc<Self>,
        id: &ClientId,
        secret: &ClientSecret,
        plain: &Secret<String>,
        source: IpAddr,
    ) {
        let work = self.work(secret.work_origin(plain.expose()));
        let outdated = SecretHash::parse(&secret.secret_hash)
            .is_ok_and(|hash| hash.needs_renewal(work, plain));
        if !outdated {
            return;
        }
        let Ok(pending) = Arc::clone(&self.renewals).try_acquire_owned() else {
            return;
        };
        let (secrets, id, secret, plain) =
            (Arc::clone(self), id.clone(), secret.clone(), plain.clone());
        tokio::spawn(async move {
            let _pending = pending;
            let _turn = secrets.renewal.lock().await;
            if let Err(error) = secrets.renew(&id, &secret, &plain, source).await {
                let cause = error.cause.as_ref().map(|cause| format!("{cause:#}"));
                tracing::warn!(
                    client_id = %id, secret_id = %secret.secret_id, cause,
                    "cannot renew the outdated hash of the secret: {error}"
                );
            }
        });
    }

    async fn renew(
        &self,
        id: &ClientId,
        secret: &ClientSecret,
        plain: &Secret<String>,
        source: IpAddr,
    ) -> Result<()> {
        let origin = secret.work_origin(plain.expose());
        let secret_hash = self.hash(plain, origin, None).await?;
        let (store, old) = (&self.core.store, &secret.secret_hash);
        let done = store.renew_secret_hash(&secret.secret_id, old, &secret_hash);
        if done.await? {
            let renewed = ClientSecret {
                secret_hash,
                ..secret.clone()
            };
            self.verified.insert(&renewed, plain, source);
            self.cache.forget(id);
        }
        Ok(())
    }

    fn work(&self, origin: SecretOrigin) -> Argon2Work {
        match origin {
            SecretOrigin::Generated => self.core.config.authentication.argon2_generated,
            SecretOrigin::Chosen => self.core.config.authentication.argon2_chosen,
        }
    }
}

async fn hash_in(
    lane: &Lane<Memory>,
    plain: &Secret<String>,
    work: Argon2Work,
    source: Option<IpAddr>,
) -> Result<String> {
    let plain = plain.clone();
    let hash = move |memory: &mut Memory| hash::hash(&plain, work, memory);
    lane.run(source, hash).await?.map_err(Error::internal)
}
