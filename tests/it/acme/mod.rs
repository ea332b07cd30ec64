//! Certificates that an authority issues by ACME: ordered, validated on the service's own port, presented, renewed, and
//! shared by all replicas.

mod authority;
mod challenge;
mod command;
mod failing;
mod issuing;
mod jws;
mod replicas;
mod request;
mod sealing;
mod validation;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore, time_provider::TimeProvider};
use token_server::base::clock::Clock;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::{Database, NOW, Served, TestApp};
use crate::metrics::Operator;
use authority::Authority;

/// For whom the certificate is.
const NAME: &str = "tokens.test";

const DAY: i64 = 86_400;

/// What a test waits for at most; it has failed then.
const LONG: Duration = Duration::from_secs(20);

/// An authority, and a service that has its certificate from there.
struct Scene {
    clock: Clock,
    authority: Authority,
    served: Served,
}

impl Scene {
    /// Before the first order.
    async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same, with some settings otherwise.
    async fn with(settings: &[(&str, &str)]) -> Self {
        let clock = Clock::fixed(NOW);
        let authority = Authority::start(&clock);
        let database = Database::fresh().await;
        let served = replica(&clock, &authority, database, settings).await;
        authority.lead_names_to(served.address);
        Self {
            clock,
            authority,
            served,
        }
    }

    /// After it.
    async fn issued() -> Self {
        let scene = Self::new().await;
        scene.order().await;
        scene
    }

    /// Another replica of the service, or the same after a restart.
    async fn replica(&self, settings: &[(&str, &str)]) -> Served {
        let database = self.served.test.database.clone();
        replica(&self.clock, &self.authority, database, settings).await
    }

    /// What the service does by itself every few seconds.
    async fn order(&self) {
        order(&self.served).await;
    }

    /// The certificate that a client of the service trusts; `None`: it trusts none.
    async fn presented(&self) -> Option<CertificateDer<'static>> {
        presented(&self.served, &self.authority, NAME).await
    }

    /// How the orders stand.
    fn standing(&self) -> token_server::app::CertificateStanding {
        self.served.test.app.acme().unwrap().standing()
    }
}

async fn replica(
    clock: &Clock,
    authority: &Authority,
    database: Database,
    settings: &[(&str, &str)],
) -> Served {
    let (directory, trusted) = (authority.url("/directory"), authority.trusted());
    let base = [
        ("TLS_ACME_NAMES", NAME),
        ("TLS_ACME_DIRECTORY", directory.as_str()),
        ("TLS_ACME_ACCEPT_TERMS", "true"),
        ("TLS_ACME_CONTACT", "ops@tokens.test"),
        ("TLS_ACME_CA", trusted.as_str()),
    ];
    let settings: Vec<_> = settings.iter().chain(&base).copied().collect();
    Served::of(TestApp::at(clock.clone(), database, &settings).await)
}

async fn order(served: &Served) {
    let renewed = served.test.app.acme().unwrap().renew_if_due().await;
    renewed.unwrap();
}

/// What a client that trusts the authority is presented under this name.
async fn presented(
    served: &Served,
    authority: &Authority,
    name: &str,
) -> Option<CertificateDer<'static>> {
    presented_at(served.address, authority, &served.test.clock, name).await
}

async fn presented_at(
    address: SocketAddr,
    authority: &Authority,
    clock: &Clock,
    name: &str,
) -> Option<CertificateDer<'static>> {
    let tcp = TcpStream::connect(address).await.unwrap();
    let client = Arc::new(client(authority, clock));
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let stream = TlsConnector::from(client).connect(name, tcp).await.ok()?;
    let certificates = stream.get_ref().1.peer_certificates();
    Some(certificates.unwrap()[0].clone())
}

/// Waits until the service presents one of the authority's, other than this; that one.
async fn next_presented(
    served: &Served,
    authority: &Authority,
    before: Option<&CertificateDer<'static>>,
) -> CertificateDer<'static> {
    let waiting = async {
        loop {
            match presented(served, authority, NAME).await {
                Some(found) if Some(&found) != before => return found,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let in_time = tokio::time::timeout(LONG, waiting).await;
    in_time.unwrap()
}

/// A metric of the service.
async fn metric(served: &Served, series: &str) -> Option<i64> {
    let state = served.test.state.clone();
    let operator = Operator::with(state, Arc::clone(&served.certificate));
    operator.page().await.find(series)
}

/// A client that trusts the authority, at the time of the test.
fn client(authority: &Authority, clock: &Clock) -> ClientConfig {
    #[derive(Debug)]
    struct Time(Clock);

    impl TimeProvider for Time {
        fn current_time(&self) -> Option<UnixTime> {
            let seconds = u64::try_from(self.0.now().0).unwrap();
            Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
        }
    }

    let mut roots = RootCertStore::empty();
    roots.add(authority.root()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    ClientConfig::builder_with_details(provider, Arc::new(Time(clock.clone())))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_webpki_verifier(verifier.build().unwrap())
        .with_no_client_auth()
}
