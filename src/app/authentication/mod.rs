//! Client authentication: what a caller presents in, the client out. One file for each kind of proof.
//!
//! An unknown client, a disabled one, a wrong proof and a wrong network are one answer; the true reason goes to the log.
//! What is wrong with an assertion by itself is told: it says nothing about any client.

mod access_token;
mod client_assertion;
pub(crate) mod client_ca;
mod explain;
pub(crate) mod jwks_cache;
mod keyed_proof;
mod listed_identity;
mod network;
pub(crate) mod peer_certificate;
pub(crate) mod places;
pub(crate) mod platform_token;
mod secret;
pub(crate) mod throttle;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

pub use client_assertion::{AssertionType, PresentedAssertion};
pub use explain::{AssertionExplanation, ExplainedRule};
pub use listed_identity::ListedIdentity;
pub use platform_token::ProvenIdentity;
pub use secret::Credentials;

use crate::app::clients::cache::ClientCache;
use crate::app::core::Core;
use crate::app::core::single_use::SingleUse;
use crate::app::error::{Error, Result};
use crate::app::issuers::Issuers;
use crate::app::secrets::Secrets;
use crate::app::usage::Usage;
use crate::base::metrics::Counter;
use crate::config::Config;
use crate::domain::{
    Attempt, AuthMethod, Client, ClientId, ClientKeys, ClientRecord, ClientSecret, JwkSet,
};
use crate::outbound::dns::Dns;
use client_ca::ClientCa;
use jwks_cache::PublishedKeys;
use keyed_proof::KeyedProof;
use network::WrongNetworks;
use peer_certificate::PeerCertificate;
use throttle::Throttle;

/// What a caller presents, in the one way in which it does; unchecked.
#[derive(Debug)]
pub enum ClientAuthentication {
    /// A secret. More than one reading comes of HTTP Basic, which half the world sends unencoded: the same
    /// bytes can then be read in two ways.
    Secret {
        /// How it was sent.
        method: AuthMethod,
        /// What it may mean, the standard's reading first.
        readings: Vec<Credentials>,
    },
    /// A JWT.
    Assertion(PresentedAssertion),
    /// The certificate of the connection.
    Certificate {
        /// As it was sent; may be no `client_id` at all.
        client_id: String,
        /// What the client connected with.
        certificate: PeerCertificate,
    },
}

/// A client that is who it says.
#[derive(Debug)]
pub struct AuthenticatedClient {
    record: Arc<ClientRecord>,
    /// Which of its secrets proved it, if one did.
    secret: Option<usize>,
    /// By which identity it proved itself, if it did by a platform's token.
    identity: Option<ProvenIdentity>,
}

impl AuthenticatedClient {
    fn new(record: Arc<ClientRecord>, secret: Option<usize>) -> Self {
        Self {
            record,
            secret,
            identity: None,
        }
    }

    /// The identity that proved it, if one did.
    pub fn identity(&self) -> Option<&ProvenIdentity> {
        self.identity.as_ref()
    }

    /// The secret that proved it, if one did.
    pub fn secret(&self) -> Option<&ClientSecret> {
        self.record.secrets.get(self.secret?)
    }
}

impl std::ops::Deref for AuthenticatedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.record.client
    }
}

/// A client, or why not, for the log.
type Verdict = Result<AuthenticatedClient, Cow<'static, str>>;

/// How clients prove who they are.
pub struct Authentication {
    core: Arc<Core>,
    cache: Arc<ClientCache>,
    secrets: Arc<Secrets>,
    pub(crate) single_use: SingleUse,
    usage: Arc<Usage>,
    issuers: Arc<Issuers>,
    pub(crate) throttle: Throttle,
    pub(crate) published_keys: PublishedKeys,
    wrong_networks: WrongNetworks,
    /// Logins by an assertion whose `aud` is the token endpoint.
    pub(crate) token_endpoint_audiences: Counter,
    client_ca: ClientCa,
}

/// Reads the files that client authentication needs, as opening the service does, and fails as it would.
pub fn check_client_authentication(config: &Config) -> anyhow::Result<()> {
    open_files(config, &Dns::system()).map(drop)
}

fn open_files(config: &Config, dns: &Dns) -> anyhow::Result<(ClientCa, PublishedKeys)> {
    let config = &config.client_authentication;
    Ok((
        ClientCa::open(config.client_ca.clone())?,
        PublishedKeys::new(&config.jwks_uri, dns)?,
    ))
}

impl Authentication {
    pub(crate) fn open(
        core: &Arc<Core>,
        cache: &Arc<ClientCache>,
        secrets: &Arc<Secrets>,
        single_use: &SingleUse,
        usage: &Arc<Usage>,
        issuers: &Arc<Issuers>,
    ) -> anyhow::Result<Self> {
        let (client_ca, published_keys) = open_files(&core.config, &core.dns)?;
        Ok(Self {
            throttle: Throttle::new(&core.config.authentication, core.clock.clone()),
            published_keys,
            wrong_networks: WrongNetworks::default(),
            token_endpoint_audiences: Counter::default(),
            client_ca,
            core: Arc::clone(core),
            cache: Arc::clone(cache),
            secrets: Arc::clone(secrets),
            single_use: single_use.clone(),
            usage: Arc::clone(usage),
            issuers: Arc::clone(issuers),
        })
    }

    /// Finds the client that `presented` proves.
    pub async fn authenticate(
        &self,
        presented: &ClientAuthentication,
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        self.core.require_known_clients()?;
        let authenticated = self.judge(presented, source).await;
        if let Ok(client) = &authenticated {
            let (id, usage) = (&client.client_id, &self.usage);
            let secret = client.secret().map(|secret| &secret.secret_id);
            usage.count_log_in(id, secret, source);
            if let Some(proven) = client.identity() {
                usage.note_identity(id, &proven.identity, &proven.subject, source);
            }
        }
        authenticated
    }

    async fn judge(
        &self,
        presented: &ClientAuthentication,
        source: IpAddr,
    ) -> Result<AuthenticatedClient> {
        match presented {
            ClientAuthentication::Secret { method, readings } => {
                self.authenticate_by_secret(*method, readings, source).await
            }
            ClientAuthentication::Assertion(assertion) => {
                Box::pin(self.authenticate_by_assertion(assertion, source)).await
            }
            ClientAuthentication::Certificate {
                client_id,
                certificate,
            } => {
                let Ok(claimed) = ClientId::parse(client_id) else {
                    let refusal = Error::invalid_client("unknown client");
                    return Err(self.refuse(refusal, None, source).await);
                };
                let proof = KeyedProof::Certificate(certificate);
                Box::pin(self.authenticate_by_key(&claimed, proof, source)).await
            }
        }
    }

    /// The methods that can succeed under this configuration: what the server may say of itself.
    pub fn supported_methods(&self) -> Vec<AuthMethod> {
        let config = &self.core.config.client_authentication;
        let supported = |method: &AuthMethod| match method {
            AuthMethod::ClientSecretBasic
            | AuthMethod::ClientSecretPost
            | AuthMethod::PrivateKeyJwt => true,
            AuthMethod::TlsClientAuth => config.client_ca.is_some(),
            AuthMethod::SelfSignedTlsClientAuth => self.takes_certificates(),
        };
        AuthMethod::ALL.into_iter().filter(supported).collect()
    }

    /// Whether clients can show a certificate at all.
    pub fn takes_certificates(&self) -> bool {
        self.core.config.client_authentication.ask_for_certificates
            || self.core.config.proxies.client_cert_header.is_some()
    }

    /// Counts a failure of a proof that was judged before any throttle. A source that failed too often gets 429 in
    /// place of the refusal.
    async fn refuse(&self, refusal: Error, claimed: Option<&ClientId>, source: IpAddr) -> Error {
        let told = match Box::pin(self.throttle.begin(source, claimed)).await {
            Ok(attempt) => {
                attempt.fail();
                refusal
            }
            Err(throttled) => throttled,
        };
        self.refused(told, claimed.map_or("", ClientId::as_str), source)
    }

    /// Ends every login that is refused: it is counted, and the error says in whose name it was.
    fn refused(&self, error: Error, claimed: &str, source: IpAddr) -> Error {
        if !error.is_rejection() {
            return error;
        }
        let id = ClientId::parse(claimed).ok();
        self.usage.count_rejected_log_in(id.as_ref());
        error.with_attempt(match id.filter(|id| self.cache.contains(id)) {
            Some(id) => Attempt::of_client(&id, source),
            None => Attempt::of_unknown(claimed, source),
        })
    }

    /// The verdict of a client's keys on a proof. Keys that it publishes may be newer than those that were fetched,
    /// so a verdict that these may change is asked for once more. Without keys there is none, and the reason is for the log.
    async fn judge_by_keys<T>(
        &self,
        client: &Client,
        judge: impl Fn(&JwkSet) -> T,
        may_change: impl Fn(&T) -> bool,
    ) -> Result<T, String> {
        let uri = match &client.authentication.keys {
            None => return Err("the client has no keys".to_owned()),
            Some(ClientKeys::Inline(keys)) => return Ok(judge(keys)),
            Some(ClientKeys::Uri(uri)) => uri,
        };
        let now = self.core.clock.steady();
        let keys = self.published_keys.find(uri, now).await?;
        let verdict = judge(&keys);
        if may_change(&verdict)
            && let Some(newer) = self.published_keys.find_newer(uri, &keys, now).await
        {
            return Ok(judge(&newer));
        }
        Ok(verdict)
    }
}

/// Why a client may not log in at all, or not in this way.
fn refusal_of(client: &Client, method: AuthMethod) -> Option<Cow<'static, str>> {
    if let Err(reason) = client.may_log_in() {
        return Some(reason.into());
    }
    if !client.authentication.auth_methods.contains(method) {
        return Some(format!("the client is not registered for {}", method.as_str()).into());
    }
    None
}
