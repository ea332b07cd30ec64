//! Hashing secrets and comparing them with their hashes, on the hashing threads.

use std::net::IpAddr;
use std::sync::Arc;

use crate::app::error::{Error, Result};
use crate::app::secrets::Secrets;
use crate::app::secrets::hash;
use crate::app::secrets::hash::SecretHash;
use crate::base::secret::Secret;
use crate::config::Argon2Work;
use crate::domain::{ClientId, ClientSecret, GeneratedSecret, SecretOrigin};

impl Secrets {
    /// Whether `hash` is one of `plain`.
    pub(crate) async fn verify(&self, hash: &str, plain: &Secret<String>) -> Result<bool> {
        let hash = SecretHash::parse(hash).map_err(Error::internal)?;
        let plain = plain.clone();
        self.hashing
            .run(move |memory| hash.verify(&plain, memory))
            .await
    }

    /// The work that a known client's secret of this form would have cost.
    pub(crate) async fn hash_in_vain(&self, plain: &Secret<String>) -> Result<()> {
        let origin = if GeneratedSecret::has_prefix(plain.expose()) {
            SecretOrigin::Generated
        } else {
            SecretOrigin::Chosen
        };
        self.hash(plain, origin).await.map(drop)
    }

    /// Hashes a secret with the work that its origin asks for.
    pub(crate) async fn hash(
        &self,
        plain: &Secret<String>,
        origin: SecretOrigin,
    ) -> Result<String> {
        let work = self.work(origin);
        let plain = plain.clone();
        self.hashing
            .run(move |memory| hash::hash(&plain, work, memory))
            .await?
            .map_err(Error::internal)
    }

    /// After a good login: a hash made with other parameters than today's is made anew, on the side. It
    /// may fail without harm; the next login tries again.
    pub(crate) fn renew_if_outdated(
        self: &Arc<Self>,
        id: &ClientId,
        secret: &ClientSecret,
        plain: &Secret<String>,
        source: IpAddr,
    ) {
        let outdated = SecretHash::parse(&secret.secret_hash)
            .is_ok_and(|hash| hash.needs_renewal(self.work(secret.origin), plain));
        if !outdated {
            return;
        }
        let (secrets, id, secret, plain) =
            (Arc::clone(self), id.clone(), secret.clone(), plain.clone());
        tokio::spawn(async move {
            if let Err(error) = secrets.renew(&id, &secret, &plain, source).await {
                let cause = error.cause.as_ref().map(|cause| format!("{cause:#}"));
                tracing::warn!(
                    client_id = %id, secret_id = %secret.secret_id, cause,
                    "the secret's hash is outdated and could not be renewed: {error}"
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
        let secret_hash = self.hash(plain, secret.origin).await?;
        let old = &secret.secret_hash;
        if self
            .core
            .store
            .renew_secret_hash(&secret.secret_id, old, &secret_hash)
            .await?
        {
            self.verified.insert(
                &ClientSecret {
                    secret_hash,
                    ..secret.clone()
                },
                plain,
                source,
            );
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
