//! Requests that make something and may come again, because who sent one did not hear the answer: the second time the
//! answer is given again and nothing is made. Owns how such an answer is stored for a day; and how the answer to a form of
//! the portal is stored until the browser has followed the redirect, and given to it once.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

use crate::app::core::Core;
use crate::app::core::single_use::key;
use crate::app::error::{Error, Result};
use crate::base::crypto::CryptoError;
use crate::base::secret::Secret;
use crate::domain::{ClientId, SessionId};
use crate::jwt::Sealer;
use crate::store::StoredResponse;

/// For so long an answer can be had again, in seconds.
const ANSWER_TTL: i64 = 24 * 60 * 60;

/// For so long a browser may take what its form made, in seconds.
const FORM_TTL: i64 = 10 * 60;

/// What a request that is to be done once is known by.
#[derive(Debug)]
pub struct IdempotencyKey {
    key: String,
    /// SHA-256 of what is asked for.
    request: Vec<u8>,
    /// In seconds.
    ttl: i64,
}

impl IdempotencyKey {
    /// What this caller asks for at this place under its name for it.
    pub fn new(caller: &ClientId, place: &str, name: &str, request: &[u8]) -> Self {
        Self {
            key: key(&["answer", caller.as_str(), place, name]),
            request: digest(&SHA256, request).as_ref().to_vec(),
            ttl: ANSWER_TTL,
        }
    }

    /// What a form makes that this session submits under this name. Only the same session can name it again.
    pub fn of_form(session: &SessionId, name: &str) -> Self {
        Self {
            key: key(&["form", session.as_str(), name]),
            request: digest(&SHA256, b"").as_ref().to_vec(),
            ttl: FORM_TTL,
        }
    }
}

/// The answers that are kept, sealed: there may be a secret in one, and who reads the database is not to have it.
pub struct Idempotency {
    core: Arc<Core>,
    sealer: Sealer,
}

impl Idempotency {
    pub(crate) fn new(core: &Arc<Core>) -> Result<Self, CryptoError> {
        let token = &core.config.token;
        let purpose = "remembered answers, AES-256-GCM, v1";
        Ok(Self {
            sealer: Sealer::new(&token.secret, token.secret_previous.as_ref(), purpose)?,
            core: Arc::clone(core),
        })
    }

    /// Makes something for a caller who may repeat the request, and answers. `make` gives what is to be made and its answer;
    /// `insert` stores both, and is false if the same request came first: its answer is given again then.
    pub(crate) async fn make_once<T>(
        &self,
        once: Option<&IdempotencyKey>,
        make: impl Future<Output = Result<(T, Secret<String>)>>,
        insert: impl AsyncFnOnce(T, Option<StoredResponse>) -> Result<bool>,
    ) -> Result<Secret<String>> {
        if let Some(answer) = self.recall(once).await? {
            return Ok(answer);
        }
        let (value, answer) = make.await?;
        let stored = once.map(|once| self.seal(once, &answer)).transpose()?;
        if insert(value, stored).await? {
            return Ok(answer);
        }
        let recalled = self.recall(once).await?;
        recalled.ok_or_else(|| {
            Error::conflict("another request is doing the same right now; try again")
        })
    }

    /// What was answered before to this very request.
    async fn recall(&self, once: Option<&IdempotencyKey>) -> Result<Option<Secret<String>>> {
        let Some(once) = once else { return Ok(None) };
        let found = self.core.store.find_stored_response(&once.key).await?;
        let Some(sealed) = found else { return Ok(None) };
        if sealed.is_empty() {
            return Err(Error::conflict(
                "this form was submitted before, and its result was shown; submit it again to create another one",
            ));
        }
        self.open(once, &sealed).map(Some)
    }

    fn open(&self, once: &IdempotencyKey, sealed: &str) -> Result<Secret<String>> {
        let (plain, _) = self.sealer.open(&once.key, sealed).ok_or_else(|| {
            Error::conflict("the request succeeded, but SECRET has changed since, so the server cannot repeat its \
                answer")
        })?;
        let (request, answer) = plain.expose().split_at(SHA256_OUTPUT_LEN);
        if request != once.request {
            return Err(Error::conflict(
                "the Idempotency-Key was used for another request; use a new one for each request",
            ));
        }
        let answer = String::from_utf8(answer.to_vec()).map_err(Error::internal)?;
        Ok(Secret::new(answer))
    }

    /// Stores an answer that is stored with nothing else.
    pub async fn store(&self, once: &IdempotencyKey, answer: &Secret<String>) -> Result<()> {
        let response = self.seal(once, answer)?;
        Ok(self.core.store.insert_stored_response(&response).await?)
    }

    /// Takes an answer: nobody gets it again, on any replica. `None`: it was taken, its time is over, or there is none.
    pub async fn take(&self, once: &IdempotencyKey) -> Result<Option<Secret<String>>> {
        let now = self.core.now();
        let taken = self.core.store.take_stored_response(&once.key, now).await?;
        taken.map(|sealed| self.open(once, &sealed)).transpose()
    }

    /// The answer to be stored, for the transaction that makes it true.
    fn seal(&self, once: &IdempotencyKey, answer: &Secret<String>) -> Result<StoredResponse> {
        let plain = [once.request.as_slice(), answer.expose().as_bytes()].concat();
        Ok(StoredResponse {
            key: once.key.clone(),
            sealed: self.sealer.seal(&once.key, &Secret::new(plain))?,
            expires_at: self.core.now().plus(once.ttl),
        })
    }

    /// Forgets the answers that nobody may ask for any more.
    pub async fn prune(&self) -> Result<u64> {
        let now = self.core.trusted_time().await?;
        Ok(self.core.store.prune_stored_responses(now).await?)
    }
}
