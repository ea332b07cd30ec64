//! Owns one order: its challenges, its key, and the certificate that comes of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;

use crate::base::crypto::pem::parse_certificates;
use crate::base::secret::Secret;
use crate::domain::AcmeChallenge;
use crate::outbound::acme::describe;

/// How often, and for how long, the authority is asked what became of an order.
const POLLS: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(250))
    .backoff(1.5)
    .timeout(Duration::from_secs(90));

/// An order whose challenges are known.
pub(crate) struct PendingOrder {
    order: Order,
    /// What the authority has to find at each name that it has not looked at lately.
    pub(crate) challenges: Vec<AcmeChallenge>,
}

pub(crate) struct Issued {
    /// PEM, the certificate itself first.
    pub(crate) chain: String,
    /// PKCS#8.
    pub(crate) key: Secret<Vec<u8>>,
}

impl PendingOrder {
    pub(super) async fn begin(account: &Account, names: &[String]) -> Result<Self, Error> {
        let identifiers: Vec<_> = names.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
        let mut challenges = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let name = authorization.identifier().to_string();
            let challenge = authorization
                .challenge(ChallengeType::TlsAlpn01)
                .ok_or(Error::Unsupported("tls-alpn-01"))?;
            let digest = challenge.key_authorization().digest();
            let digest = digest.as_ref().try_into().map_err(|_| Error::Crypto)?;
            challenges.push(AcmeChallenge { name, digest });
        }
        Ok(Self { order, challenges })
    }

    /// Has the challenges looked at, each name's key being shown by now, and the order finalized with a new key.
    pub(super) async fn finish(&mut self, names: &[String]) -> Result<Issued, Error> {
        let mut authorizations = self.order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
            let mut challenge = challenge.ok_or(Error::Unsupported("tls-alpn-01"))?;
            challenge.set_ready().await?;
        }
        if self.order.poll_ready(&POLLS).await? != OrderStatus::Ready {
            return Err(Error::Str("the order became invalid"));
        }
        let key = KeyPair::generate().map_err(other)?;
        let mut params = CertificateParams::new(names).map_err(other)?;
        // A common name adds nothing, and is limited to 64 characters.
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(&key).map_err(other)?;
        self.order.finalize_csr(request.der()).await?;
        let chain = self.order.poll_certificate(&POLLS).await?;
        let key = Secret::new(key.serialize_der());
        check(&chain, &key, names).map_err(|error| Error::Other(error.into()))?;
        Ok(Issued { chain, key })
    }

    /// What the authority did not like of the names, as far as it says so.
    pub(super) async fn problems(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut authorizations = self.order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            let name = authorization.identifier().to_string();
            let Ok(state) = authorization.refresh().await else {
                break;
            };
            let errors = state.challenges.iter().filter_map(|it| it.error.as_ref());
            problems.extend(errors.map(|problem| format!("{name}: {}", describe(problem))));
        }
        problems
    }
}

/// What cannot be presented must not take the place of what can.
fn check(chain: &str, key: &Secret<Vec<u8>>, names: &[String]) -> anyhow::Result<()> {
    let chain = parse_certificates(chain.as_bytes()).context("the authority's certificate")?;
    let first = chain.first().context("the authority sent no certificate")?;
    let parsed = ParsedCertificate::try_from(first).context("the authority's certificate")?;
    for name in names {
        let server = ServerName::try_from(name.as_str())?;
        let is_for = verify_server_name(&parsed, &server).is_ok();
        ensure!(is_for, "the authority's certificate is not for {name}");
    }
    let key = PrivatePkcs8KeyDer::from(key.expose().clone());
    let provider = Arc::new(aws_lc_rs::default_provider());
    CertifiedKey::from_der(chain, key.into(), &provider)
        .context("the authority's certificate is not for the server's key")?;
    Ok(())
}

fn other(error: rcgen::Error) -> Error {
    Error::Other(Box::new(error))
}
