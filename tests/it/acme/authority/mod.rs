//! A certificate authority that speaks ACME (RFC 8555) over TLS: it verifies every signature, connects to the names as
//! RFC 8737 says, and issues what its own key signs. Faults are asked of it one by one.

mod protocol;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use protocol::answer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use tempfile::TempDir;
use token_server::base::clock::Clock;
use token_server::base::secret::random_base62;

use super::jws::AccountKey;
use crate::harness::serve_https;

/// What goes wrong at the next request that it can go wrong at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// The nonce of a request is taken for a bad one.
    BadNonce,
    /// An order is one too many; the next is to wait so many seconds.
    RateLimited(u32),
    /// A request is answered by something that is no authority.
    Down,
    /// A certificate comes that is for somebody else.
    WrongName,
}

/// The authority, on a port of its own.
#[derive(Clone)]
pub(super) struct Authority {
    shared: Arc<Shared>,
}

struct Shared {
    port: u16,
    clock: Clock,
    folder: TempDir,
    root: CertifiedIssuer<'static, KeyPair>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Where every name leads.
    names_lead_to: Option<SocketAddr>,
    life: Duration,
    faults: VecDeque<Fault>,
    external_account: Option<(String, Vec<u8>)>,
    nonces: BTreeSet<String>,
    accounts: BTreeMap<String, AccountKey>,
    orders: Vec<Order>,
    revoked: Vec<(Vec<u8>, i64)>,
    contacts: Vec<Value>,
}

struct Order {
    account: String,
    authorizations: Vec<Authorization>,
    chain: Option<String>,
}

struct Authorization {
    name: String,
    token: String,
    /// `None`: not looked at.
    outcome: Option<Result<(), String>>,
}

impl Authority {
    /// Begins to serve.
    pub(super) fn start(clock: &Clock) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().to_owned();
        let at = |port| Self {
            shared: Arc::new(Shared {
                port,
                clock: clock.clone(),
                folder,
                root: root(),
                inner: Mutex::new(Inner {
                    life: Duration::from_hours(90 * 24),
                    ..Inner::default()
                }),
            }),
        };
        let mut served = None;
        serve_https(&path, |port| {
            let this = served.insert(at(port));
            Router::new().fallback(answer).with_state(this.clone())
        });
        served.unwrap()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.shared.port)
    }

    /// The file with what is to be trusted at the directory.
    pub(super) fn trusted(&self) -> String {
        let path = self.shared.folder.path().join("cert.pem");
        path.to_str().unwrap().to_owned()
    }

    /// What signs the certificates.
    pub(super) fn root(&self) -> CertificateDer<'static> {
        self.shared.root.der().clone()
    }

    /// Lets every name lead there.
    pub(super) fn lead_names_to(&self, address: SocketAddr) {
        self.inner().names_lead_to = Some(address);
    }

    pub(super) fn set_life(&self, life: Duration) {
        self.inner().life = life;
    }

    pub(super) fn fail(&self, fault: Fault) {
        self.inner().faults.push_back(fault);
    }

    pub(super) fn require_external_account(&self, key_id: &str, key: &[u8]) {
        self.inner().external_account = Some((key_id.to_owned(), key.to_vec()));
    }

    /// Begins anew, as one that keeps nothing does.
    pub(super) fn forget_accounts(&self) {
        self.inner().accounts.clear();
    }

    pub(super) fn orders(&self) -> usize {
        self.inner().orders.len()
    }

    pub(super) fn accounts(&self) -> usize {
        self.inner().accounts.len()
    }

    /// The contacts that accounts were given.
    pub(super) fn contacts(&self) -> Vec<Value> {
        self.inner().contacts.clone()
    }

    /// What was revoked, and for which reason.
    pub(super) fn revoked(&self) -> Vec<(Vec<u8>, i64)> {
        self.inner().revoked.clone()
    }

    /// Faults that were not met yet.
    pub(super) fn faults(&self) -> usize {
        self.inner().faults.len()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap()
    }

    fn meets(&self, fault: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut inner = self.inner();
        let place = inner.faults.iter().position(fault)?;
        inner.faults.remove(place)
    }

    fn nonce(&self) -> String {
        let nonce = random_base62(16);
        self.inner().nonces.insert(nonce.clone());
        nonce
    }
}

fn root() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "an authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}
