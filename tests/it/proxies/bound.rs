//! Callers with bound tokens.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::CertificateParams;
use reqwest::header::WWW_AUTHENTICATE;
use token_server::app::NewClient;
use token_server::domain::{Audience, Metadata, Scope, SenderConstraint};

use super::scene::peers::Arrived;
use super::scene::proxy::Proxy;
use super::scene::{AUDIENCE, METADATA, SCOPE, Scene};
use crate::harness::{Holder, Prover, TestApp, new_client};

/// Where token and proofs are got in these tests.
const AUTHORIZE: &str = "https://tokens.test/authorize";

/// A caller behind the proxy, its key, and a token bound to it.
pub(super) struct KeyHolder {
    pub(super) scene: Scene,
    pub(super) prover: Prover,
    pub(super) token: String,
    /// What its URLs begin with, as a proof has to have them.
    pub(super) origin: String,
    _test: TestApp,
}

impl KeyHolder {
    pub(super) async fn new(proxy: &Proxy, settings: &[(&str, &str)]) -> Self {
        let (scene, test) = Scene::trusted(proxy, settings).await;
        let prover = Prover::new("ES256");
        let proof = prover.prove("POST", AUTHORIZE);
        let headers = [("dpop", proof.as_str())];
        let token = token(&test, SenderConstraint::default(), &headers).await;
        Self {
            origin: scene.origin(proxy),
            scene,
            prover,
            token,
            _test: test,
        }
    }

    /// A good proof for a request.
    pub(super) fn proof(&self, method: &str, path: &str) -> String {
        let uri = format!("{}{path}", self.origin);
        self.prover.prove_with(method, &uri, &self.token)
    }

    /// A request with the token and these proofs.
    pub(super) fn request(
        &self,
        method: &str,
        target: &str,
        proofs: &[&str],
    ) -> reqwest::RequestBuilder {
        let mut request = self.scene.request(method, target);
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        request.header("authorization", self.authorization())
    }

    pub(super) fn authorization(&self) -> String {
        format!("DPoP {}", self.token)
    }
}

/// A caller behind the proxy, its certificate, and a token bound to it.
pub(super) struct CertificateHolder {
    pub(super) scene: Scene,
    pub(super) holder: Holder,
    pub(super) token: String,
    _test: TestApp,
}

impl CertificateHolder {
    pub(super) async fn new(proxy: &Proxy) -> Self {
        Self::with(proxy, &CertificateParams::default()).await
    }

    pub(super) async fn with(proxy: &Proxy, params: &CertificateParams) -> Self {
        let (scene, test) = Scene::trusted(proxy, &[]).await;
        let holder = Holder::self_signed(params);
        let header = rfc_9440(&holder);
        let headers = [(proxy.certificate_header, header.as_str())];
        let token = token(&test, certificate_bound(), &headers).await;
        Self {
            scene,
            holder,
            token,
            _test: test,
        }
    }

    /// A request with the token and this certificate, on a connection of its own.
    pub(super) fn request(&self, holder: Option<&Holder>) -> reqwest::RequestBuilder {
        let client = self.scene.client_of(holder);
        let request = self.scene.request_by(&client, "GET", "/invoices/7");
        request.bearer_auth(&self.token)
    }
}

/// A certificate as RFC 9440 has it.
pub(super) fn rfc_9440(holder: &Holder) -> String {
    format!(":{}:", STANDARD.encode(holder.der()))
}

pub(super) fn certificate_bound() -> SenderConstraint {
    SenderConstraint {
        tls_client_certificate_bound_access_tokens: true,
        ..SenderConstraint::default()
    }
}

/// A token that the examples let pass from who has what is in these headers, got without the proxy.
pub(super) async fn token(
    test: &TestApp,
    sender_constraint: SenderConstraint,
    headers: &[(&str, &str)],
) -> String {
    let new = NewClient {
        scopes: Scope::parse(SCOPE).unwrap(),
        audiences: Audience::parse_list(AUDIENCE).unwrap(),
        metadata: Metadata::parse(METADATA).unwrap(),
        sender_constraint,
        ..new_client("billing")
    };
    let secret = test.register(new).await;
    let params = [("client_id", "billing"), ("client_secret", secret.as_str())];
    test.post_form_with("/authorize", &params, headers)
        .await
        .token()
}

/// Asserts that the service got the request, and answered it; the request.
#[track_caller]
pub(super) fn passed(scene: &Scene, answer: &reqwest::Response) -> Arrived {
    assert_eq!(answer.status(), 200, "{:?}", answer.headers());
    let mut arrived = scene.arrived();
    assert_eq!(arrived.len(), 1);
    arrived.remove(0)
}

/// Asserts that the caller is asked for a token by this scheme, and the service for nothing; the challenge.
#[track_caller]
pub(super) fn challenged(scene: &Scene, answer: &reqwest::Response, scheme: &str) -> String {
    let arrived = scene.arrived();
    assert!(arrived.is_empty(), "{arrived:?}");
    assert_eq!(answer.status(), 401);
    let challenges: Vec<_> = answer.headers().get_all(WWW_AUTHENTICATE).iter().collect();
    assert_eq!(challenges.len(), 1, "{challenges:?}");
    let challenge = challenges[0].to_str().unwrap().to_owned();
    assert!(challenge.starts_with(&format!("{scheme} ")), "{challenge}");
    challenge
}
