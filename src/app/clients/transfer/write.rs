//! Owns the writing of clients that were planned, for an import and for a manifest.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::app::clients::Clients;
use crate::app::clients::transfer::formats::imported_client::ImportedSecret;
use crate::app::clients::transfer::plan::PlannedWrite;
use crate::app::error::{Error, Result};
use crate::domain::{
    ClientRecord, ClientSecret, ClientVersion, ExpectedVersion, Origin, SecretId, SecretOrigin,
    is_strong,
};
use crate::store::{ClientWrite, ClientWritten, IfTaken, StoreError, WriteActions, WrittenClients};

impl Clients {
    /// Hashes what is in clear, and writes all of them in one transaction; what came of each. `progress` hears how many
    /// are hashed.
    pub(super) async fn write_planned(
        &self,
        by: &Origin,
        planned: Vec<PlannedWrite>,
        actions: WriteActions,
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<ClientWritten>> {
        if planned.is_empty() {
            return Ok(Vec::new());
        }
        let threads = self.core.config.authentication.hashing_threads;
        let mut ready = stream::iter(planned)
            .map(|plan| self.prepare_write(by, plan))
            .buffered(threads);
        let mut writes = Vec::new();
        while let Some(write) = ready.try_next().await? {
            writes.push(write);
            progress(writes.len());
        }
        drop(ready);
        let (floor, stamp) = self.tokens.stamp_raise(by);
        let written = self
            .core
            .store
            .write_clients(&writes, actions, floor, stamp);
        let WrittenClients {
            outcomes,
            revocations,
        } = match written.await {
            Err(StoreError::Conflict) => {
                let why = "meanwhile a secret of the file was given to another client";
                return Err(Error::conflict(why));
            }
            written => written?,
        };
        for revocation in &revocations {
            self.tokens.revocations.insert(revocation);
        }
        for write in &writes {
            self.cache.forget(&write.record.client.client_id);
        }
        self.issuers.forget_owners();
        Ok(outcomes)
    }

    async fn prepare_write(&self, by: &Origin, plan: PlannedWrite) -> Result<ClientWrite> {
        let known = plan.before.as_ref().map_or(&[][..], |it| &it.secrets);
        let mut secrets = Vec::with_capacity(plan.secrets.len());
        for secret in plan.secrets {
            let mut vouched = plan.vouches_for_secrets;
            let (secret_hash, expires_at) = match secret {
                ImportedSecret::Kept(secret) => {
                    secrets.push(secret);
                    continue;
                }
                ImportedSecret::Plain(secret, end) => {
                    let text = secret.plain();
                    vouched &= is_strong(text.expose());
                    let origin = if vouched {
                        SecretOrigin::Generated
                    } else {
                        SecretOrigin::Chosen
                    };
                    let hashed = self.secrets.hash(text, origin, by.source);
                    (hashed.await?, end)
                }
                ImportedSecret::Hash(hash, end) => (hash, end),
            };
            let same = known.iter().find(|it| it.secret_hash == secret_hash);
            secrets.push(ClientSecret {
                secret_id: same.map_or_else(SecretId::random, |it| it.secret_id.clone()),
                origin: SecretOrigin::Chosen,
                secret_hash,
                hint: String::new(),
                created_at: same.map_or(plan.client.updated_at, |it| it.created_at),
                expires_at,
                unused_for: same.and_then(|it| it.unused_for),
                vouched,
            });
        }
        Ok(ClientWrite {
            record: ClientRecord {
                client: plan.client,
                secrets,
            },
            if_taken: match plan.before {
                None => IfTaken::Leave,
                Some(_) if plan.is_whole => IfTaken::Replace(ExpectedVersion::Any),
                Some(before) => {
                    let seen = ClientVersion::from(&before.client);
                    IfTaken::Replace(ExpectedVersion::OneOf(vec![seen]))
                }
            },
        })
    }
}
