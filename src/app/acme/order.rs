//! Ordering the certificate: one replica at a time, for all of them.

use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{Acme, CertificateStanding, account_owner, schedule};
use crate::app::error::{Error, Result};
use crate::base::clock::UnixTime;
use crate::domain::{Action, Actor, NewEvent, Origin, Target};
use crate::outbound::acme::{Account, AcmeError, Issued};
use crate::store::{AcmeLease, StoreError, TrustedTime};

/// So long the others have to hear of a challenge before the authority is told that it can be met: it may connect to any
/// of them. The feed is read every second, and a fifth more, also when nobody tells of changes.
const HEARING: Duration = Duration::from_secs(3);

/// Who was not heard of for so long is not waited for, in seconds.
const ALIVE: i64 = 60;

pub(super) type Outcome<T> = std::result::Result<T, AcmeError>;

impl Acme {
    /// Orders a certificate when there is none, or it is to be renewed, unless another replica does. What the authority
    /// does not like is kept, and tried again later.
    pub async fn renew_if_due(&self) -> Result<()> {
        self.read().await?;
        let (known, now) = (self.known(), self.core.now());
        // Somebody has sealed it under another SECRET. Were it replaced, that one would do the same, and so on.
        if known.problem.is_some() || known.record.as_ref().is_some_and(|it| it.due_at > now) {
            return Ok(());
        }
        let trusted = self.core.trusted_time().await?;
        let (store, lease) = (&self.core.store, self.lease(trusted));
        if store.lease_acme_order(&lease, now, trusted).await? {
            self.order(&Origin::SERVER, &lease).await?;
        }
        Ok(())
    }

    /// Orders a certificate with a new key now. When the key of the old one may be known to others, says so to the
    /// authority, once there is a new one.
    pub async fn renew(&self, by: &Origin, is_compromised: bool) -> Result<CertificateStanding> {
        self.read().await?;
        // To be read before the order, which puts another certificate in its place.
        let before = self.known();
        let (store, now) = (&self.core.store, self.core.trusted_time().await?);
        let lease = self.lease(now);
        let any_time = UnixTime(i64::MAX);
        if !store.lease_acme_order(&lease, any_time, now).await? {
            return Err(Error::conflict(
                "a replica is ordering a certificate at this moment; try again",
            ));
        }
        if let Some(problem) = self.order(by, &lease).await? {
            return Err(Error::temporarily_unavailable(format!(
                "the authority issued no certificate: {problem}"
            )));
        }
        let old = before
            .record
            .as_ref()
            .and_then(|it| it.certificate.as_ref());
        if is_compromised && let Some(old) = old {
            self.revoke_certificate(by, old).await?;
        }
        Ok(self.standing())
    }

    /// Lets others order what this replica began to.
    pub async fn give_up_order(&self) -> Result<()> {
        let store = &self.core.store;
        Ok(store.release_acme_orders(&self.replica_id).await?)
    }

    fn lease(&self, now: TrustedTime) -> AcmeLease {
        AcmeLease {
            subject: self.subject.clone(),
            holder: self.replica_id.clone(),
            until: now.time().plus(schedule::LEASE),
        }
    }

    /// Orders under the lease, and ends it; why nothing was issued, if nothing was.
    async fn order(&self, by: &Origin, lease: &AcmeLease) -> Result<Option<String>> {
        let seconds = schedule::ORDER_TIMEOUT;
        let issued = timeout(Duration::from_secs(seconds), self.issue(by)).await;
        let late = |_| Err(ours(format!("the authority took more than {seconds} s")));
        let kept = match issued.unwrap_or_else(late) {
            // One that cannot be kept is of no use to anybody, so the lease need not run out.
            Ok(issued) => self.keep_certificate(by, lease, &issued).await,
            Err(failed) => Err(failed),
        };
        let problem = match kept {
            Ok(()) => None,
            Err(failed) => Some(self.note_failure(by, lease, failed).await?),
        };
        self.read().await?;
        Ok(problem)
    }

    async fn issue(&self, by: &Origin) -> Outcome<Issued> {
        let account = self.account(by).await?;
        let mut order = self.directory.order(&account).await?;
        let (store, challenges) = (&self.core.store, order.challenges.clone());
        if !challenges.is_empty() {
            let now = self.core.now();
            let end = now.plus(schedule::LEASE);
            store.upsert_acme_challenges(&challenges, end, now).await?;
            self.read().await?;
            self.let_others_hear(by).await?;
        }
        let issued = self.directory.finish(&mut order).await;
        let deleted = store.delete_acme_challenges(&challenges, self.core.now());
        if let Err(error) = deleted.await {
            tracing::warn!("cannot delete the challenges, which stay until they expire: {error}");
        }
        issued
    }

    /// The account at the authority, which is made at the first order.
    pub(super) async fn account(&self, by: &Origin) -> Outcome<Account> {
        let directory = &self.subject.directory;
        let owner = account_owner(directory);
        let store = &self.core.store;
        let found = store.find_acme_account(directory).await?;
        if let Some((credentials, _)) = found.and_then(|sealed| self.sealer.open(&owner, &sealed)) {
            match self.directory.log_in(&credentials).await {
                Err(error) if error.account_is_unknown => tracing::warn!(
                    "the authority no longer knows the account; the server registers a new one: {}",
                    error.problem
                ),
                known => return known,
            }
        }
        let (account, credentials) = self.directory.register().await?;
        let sealed = self.sealer.seal(&owner, &credentials);
        let sealed = sealed.map_err(Error::from)?;
        let event = self.event(Action::CertificateRegister).after(json!({
            "directory": directory,
            "account": account.id(),
        }));
        let stamp = self.core.stamp(by);
        let kept = store.upsert_acme_account(directory, &sealed, event, stamp);
        kept.await?;
        Ok(account)
    }

    /// Waits for the others, if there are any: who orders by hand is none that the authority could reach.
    async fn let_others_hear(&self, by: &Origin) -> Result<()> {
        let since = self.core.now().plus(-ALIVE);
        let replicas = self.core.store.list_replicas(since).await?;
        let mut ids = replicas.iter().map(|replica| replica.replica_id.as_str());
        if by.actor != Actor::Server || ids.any(|id| id != self.replica_id) {
            sleep(HEARING).await;
        }
        Ok(())
    }

    pub(super) fn event(&self, action: Action) -> NewEvent {
        NewEvent::new(action, Target::Certificate(self.subject.names.clone()))
    }
}

/// What went wrong here, not there.
pub(super) fn ours(problem: String) -> AcmeError {
    AcmeError {
        problem,
        retry_after: None,
        account_is_unknown: false,
    }
}

impl From<Error> for AcmeError {
    fn from(error: Error) -> Self {
        ours(error.reason())
    }
}

impl From<StoreError> for AcmeError {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}
