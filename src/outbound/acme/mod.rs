//! Owns the talk with a certificate authority by ACME (RFC 8555): the account, and orders that are validated over TLS
//! (RFC 8737). Knows neither what is kept of it nor who serves.

mod order;
mod transport;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context;
use instant_acme::{
    AccountBuilder, AccountCredentials, Error, ExternalAccountKey, NewAccount, Problem,
    RevocationReason, RevocationRequest,
};
use rustls::pki_types::CertificateDer;

pub(crate) use instant_acme::Account;
pub(crate) use order::{Issued, PendingOrder};

use crate::base::json;
use crate::base::secret::Secret;
use crate::config::AcmeConfig;
use transport::Transport;

/// More of an authority's words is not kept.
const MAX_PROBLEM: usize = 2_000;

/// RFC 8555 §6.7.
const ACCOUNT_DOES_NOT_EXIST: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// An authority, by the URL of its directory.
pub(crate) struct Directory {
    config: AcmeConfig,
    client: reqwest::Client,
    /// For how many seconds the authority last said not to ask again; 0: it did not.
    wait: Arc<AtomicI64>,
}

/// Why there is no certificate.
#[derive(Debug)]
pub(crate) struct AcmeError {
    /// For people: the authority's problem document, or what kept us from it.
    pub(crate) problem: String,
    /// For how many seconds the authority does not want to be asked.
    pub(crate) retry_after: Option<i64>,
    /// Whether it does not know the account: a private one that began anew.
    pub(crate) account_is_unknown: bool,
}

impl Directory {
    /// Reads the authorities that are trusted there.
    pub(crate) fn new(config: &AcmeConfig) -> anyhow::Result<Self> {
        Ok(Self {
            config: config.clone(),
            client: transport::client(config.ca.as_deref()).context("TLS_ACME_CA")?,
            wait: Arc::default(),
        })
    }

    pub(crate) async fn probe(&self) -> Result<(), AcmeError> {
        let url = self.config.directory.clone();
        let probed = transport::probe(&self.client, url).await;
        probed.map_err(|error| self.failed(Error::Other(error.into())))
    }

    /// Makes an account there, and with it accepts the terms of service; what it is logged in with later.
    pub(crate) async fn register(&self) -> Result<(Account, Secret<Vec<u8>>), AcmeError> {
        let new = NewAccount {
            contact: &self.contacts(),
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let external = self.config.external_account.as_ref();
        let external =
            external.map(|it| ExternalAccountKey::new(it.key_id.clone(), it.hmac_key.expose()));
        let directory = self.config.directory.to_string();
        let created = self.builder().create(&new, directory, external.as_ref());
        let (account, credentials) = created.await.map_err(|error| self.failed(error))?;
        let text = serde_json::to_vec(&credentials).map_err(|error| self.failed(error.into()))?;
        Ok((account, Secret::new(text)))
    }

    /// The account that was made before, with the contacts of now.
    pub(crate) async fn log_in(&self, credentials: &Secret<Vec<u8>>) -> Result<Account, AcmeError> {
        let parsed: AccountCredentials =
            json::from_slice(credentials.expose()).map_err(|error| self.failed(error.into()))?;
        let account = self.builder().from_credentials(parsed).await;
        let account = account.map_err(|error| self.failed(error))?;
        let updated = account.update_contacts(&self.contacts()).await;
        updated.map_err(|error| self.failed(error))?;
        Ok(account)
    }

    pub(crate) async fn order(&self, account: &Account) -> Result<PendingOrder, AcmeError> {
        let begun = PendingOrder::begin(account, &self.config.names).await;
        begun.map_err(|error| self.failed(error))
    }

    /// Has the authority look for the challenges, and fetches the certificate.
    pub(crate) async fn finish(&self, order: &mut PendingOrder) -> Result<Issued, AcmeError> {
        let error = match order.finish(&self.config.names).await {
            Ok(issued) => return Ok(issued),
            Err(error) => error,
        };
        let mut failed = self.failed(error);
        // What was found at the names says more than the state of the order.
        let found = order.problems().await;
        if !found.is_empty() {
            failed.problem = tidy(&found.join("; "));
        }
        Err(failed)
    }

    /// Says that the key of a certificate may be known to others.
    pub(crate) async fn revoke(
        &self,
        account: &Account,
        certificate: &CertificateDer<'_>,
    ) -> Result<(), AcmeError> {
        let request = RevocationRequest {
            certificate,
            reason: Some(RevocationReason::KeyCompromise),
        };
        let revoked = account.revoke(&request).await;
        revoked.map_err(|error| self.failed(error))
    }

    fn contacts(&self) -> Vec<&str> {
        self.config.contacts.iter().map(String::as_str).collect()
    }

    fn builder(&self) -> AccountBuilder {
        Account::builder_with_http(Box::new(Transport {
            client: self.client.clone(),
            wait: Arc::clone(&self.wait),
        }))
    }

    fn failed(&self, error: Error) -> AcmeError {
        let wait = self.wait.swap(0, Ordering::Relaxed);
        let retry_after = (wait > 0).then_some(wait);
        if let Error::Api(problem) = &error {
            return AcmeError {
                problem: describe(problem),
                retry_after,
                account_is_unknown: problem.r#type.as_deref() == Some(ACCOUNT_DOES_NOT_EXIST),
            };
        }
        AcmeError {
            problem: tidy(&format!("{:#}", anyhow::Error::from(error))),
            retry_after,
            account_is_unknown: false,
        }
    }
}

/// A problem document (RFC 8555 §6.7) in a line.
fn describe(problem: &Problem) -> String {
    let text = problem.to_string();
    tidy(text.strip_prefix("API error: ").unwrap_or(&text))
}

/// Another's words as they may stand in a log: no longer than that, and on one line.
fn tidy(text: &str) -> String {
    let words: String = text.chars().take(MAX_PROBLEM).collect();
    words.replace(char::is_control, " ")
}
