//! The name of an issuer's host gets a private address after the server trusted it: nothing connects there.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use token_server::app::Dns;
use token_server::base::clock::Clock;
use token_server::domain::IssuerName;

use super::platform::{Page, Platform};
use super::{
    ACCOUNT, CLUSTER, MANY_FAILURES, WORKLOAD, add, assert_refused, cluster_claims, key_set,
    present, register, with,
};
use crate::harness::{Database, NOW, Signer, TestApp};

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Addresses of the internet, which lead to the stand-in.
const PUBLIC: [&str; 2] = ["8.8.8.8", "2606:4700::1111"];

const PRIVATE: [&str; 10] = [
    "127.0.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "fd00::1",
    "fe80::1",
    "64:ff9b::7f00:1",
];

/// What every host has as its addresses, look-up after look-up, and to which of them somebody connected.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// The last one stays.
    answers: Vec<Vec<IpAddr>>,
    looked_up: usize,
    connected: Vec<IpAddr>,
}

impl Names {
    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, answers: &[&[&str]]) {
        let parse = |answer: &&[&str]| answer.iter().map(|it| it.parse().unwrap()).collect();
        let answers = answers.iter().map(parse).collect();
        self.with(|inner| inner.answers = answers);
    }

    /// Look-ups and connections since the last time.
    fn seen(&self) -> (usize, Vec<String>) {
        self.with(|inner| {
            let connected = std::mem::take(&mut inner.connected);
            let connected = connected.iter().map(IpAddr::to_string).collect();
            (std::mem::take(&mut inner.looked_up), connected)
        })
    }

    /// A private address stays what it is: the stand-in would see who comes by one.
    fn dns(&self) -> Dns {
        let (names, routes) = (self.clone(), self.clone());
        Dns::simulated(
            move |_| {
                names.with(|inner| {
                    inner.looked_up += 1;
                    let answer = inner.answers[0].clone();
                    if inner.answers.len() > 1 {
                        inner.answers.remove(0);
                    }
                    answer
                })
            },
            move |address| {
                routes.with(|inner| inner.connected.push(address));
                let is_public = PUBLIC.iter().any(|it| it.parse() == Ok(address));
                if is_public {
                    IpAddr::V4(Ipv4Addr::LOCALHOST)
                } else {
                    address
                }
            },
        )
    }
}

/// An issuer at a host with these names, whose keys are those of `signer`.
struct Trusted {
    test: TestApp,
    server: Platform,
    names: Names,
    signer: Signer,
}

impl Trusted {
    /// `members`: where the keys are.
    async fn new(members: impl FnOnce(&Platform) -> Value) -> Self {
        let (server, names) = (Platform::start(), Names::default());
        let settings = [MANY_FAILURES, &[("JWKS_URI_TIMEOUT", "2s")]].concat();
        let (clock, database) = (Clock::fixed(NOW), Database::fresh().await);
        let test = TestApp::resolving(names.dns(), clock, database, &settings).await;
        let signer = Signer::new("ES256");
        server.show("/keys", Page::Json(key_set(&signer)));
        let mut document = server.issuer("k8s", &members(&server));
        document["private_addresses"] = json!(false);
        add(&test.app, &document).await;
        let identities = json!([{"issuer": "k8s", "subject": ACCOUNT}]);
        register(&test, WORKLOAD, &identities).await;
        Self {
            test,
            server,
            names,
            signer,
        }
    }

    async fn at_jwks_uri() -> Self {
        let place = |server: &Platform| json!({"issuer": CLUSTER, "replay": "allow", "jwks_uri": server.url("/keys")});
        Self::new(place).await
    }

    async fn log_in(&self, signer: &Signer, kid: &str, iss: &str) -> u16 {
        let now = self.test.clock.now().0;
        let claims = with(with(cluster_claims(), "iat", now), "nbf", now);
        let claims = with(with(claims, "exp", now + 600), "iss", iss);
        let token = signer.sign(json!({"kid": kid}), &claims);
        let answer = present(&self.test, &token, Some(WORKLOAD)).await;
        if answer.status == 401 {
            assert_refused(&answer, "keys");
        }
        answer.status
    }

    /// What `issuer check` says is wrong.
    async fn error(&self) -> Option<String> {
        let name = IssuerName::parse("k8s").unwrap();
        self.test.app.issuers.check(&name).await.unwrap().error
    }

    fn failed_fetches(&self) -> u64 {
        self.test.app.issuers.metrics()[0].failed_fetches
    }
}

#[tokio::test]
async fn a_host_that_gets_a_private_address_gives_no_keys_and_those_of_before_serve() {
    let it = Trusted::at_jwks_uri().await;
    let (right, forger) = (&it.signer, Signer::new("ES256"));
    it.names.answer(&[&PUBLIC[..1]]);
    assert_eq!(it.log_in(right, "k", CLUSTER).await, 200);
    // One look-up, and the connection goes to what it returned.
    assert_eq!(it.names.seen(), (1, vec![PUBLIC[0].to_owned()]));
    assert_eq!(it.server.asked().len(), 1);

    // Who has the name now has keys of the same name and of another.
    let keys = json!({"keys": [forger.jwk("k"), forger.jwk("forged")]});
    it.server.show("/keys", Page::Json(keys));
    for (round, address) in PRIVATE.into_iter().enumerate() {
        it.names.answer(&[&[address]]);
        it.test.clock.advance(301);
        assert_eq!(it.log_in(right, "k", CLUSTER).await, 200, "{address}");
        for kid in ["k", "forged"] {
            assert_eq!(it.log_in(&forger, kid, CLUSTER).await, 401, "{address}");
        }
        let told = it.error().await.unwrap();
        assert!(told.contains("no public address"), "{address}: {told}");
        let (looked_up, connected) = it.names.seen();
        assert!(looked_up > 0 && connected.is_empty(), "{connected:?}");
        assert_eq!(it.failed_fetches(), round as u64 + 1);
    }
    assert_eq!(it.server.asked(), [], "somebody connected");

    // The keys of before end, and a public address brings new ones.
    it.test.clock.advance(5 * 3_600);
    assert_eq!(it.log_in(right, "k", CLUSTER).await, 401);
    it.server.show("/keys", Page::Json(key_set(right)));
    it.names.answer(&[&PUBLIC[1..]]);
    it.test.clock.advance(61);
    assert_eq!(it.log_in(right, "k", CLUSTER).await, 200);
    assert_eq!(it.names.seen().1, [PUBLIC[1]]);
}

#[tokio::test]
async fn of_several_addresses_the_private_ones_are_left_out() {
    let it = Trusted::at_jwks_uri().await;
    let answer = [&PRIVATE[..], &PUBLIC[..1], &PRIVATE[..]].concat();
    it.names.answer(&[&answer]);
    assert_eq!(it.log_in(&it.signer, "k", CLUSTER).await, 200);
    assert_eq!(it.names.seen(), (1, vec![PUBLIC[0].to_owned()]));
    it.names.answer(&[&[]]);
    assert!(it.error().await.unwrap().contains("no public address"));
}

/// The discovery document comes from a public address, and a moment later the same name has a private one.
#[tokio::test]
async fn a_host_that_gets_a_private_address_after_its_discovery_document_gives_no_keys() {
    let discovered = |server: &Platform| json!({"issuer": server.url(""), "replay": "allow"});
    let it = Trusted::new(discovered).await;
    let iss = it.server.url("");
    let document = json!({"issuer": iss, "jwks_uri": it.server.url("/keys")});
    it.server.show(DISCOVERY, Page::Json(document));
    it.names.answer(&[&PUBLIC[..1], &PRIVATE[..1]]);
    assert_eq!(it.log_in(&it.signer, "k", &iss).await, 401);
    assert_eq!(it.names.seen(), (2, vec![PUBLIC[0].to_owned()]));
    let asked = it.server.asked();
    assert!(asked.iter().all(|(path, _)| path == DISCOVERY), "{asked:?}");

    // Each look-up is used: a name that changes after it was checked is not looked up again.
    it.names
        .answer(&[&PUBLIC[..1], &PUBLIC[..1], &PRIVATE[..1]]);
    it.test.clock.advance(61);
    assert_eq!(it.log_in(&it.signer, "k", &iss).await, 200);
    assert_eq!(it.names.seen().0, 2);
    assert_eq!(it.server.asked().len(), 2);
}
