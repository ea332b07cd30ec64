//! `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 §2), over a real port.

mod authority;
mod connections;
mod registered;

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use token_server::app::NewClient;
use token_server::domain::{
    AuthMethods, AuthenticationSettings, CertificateSubject, ClientKeys, JwkSet, Scope,
};

use crate::harness::{BY, CLIENT, Holder, Served, new_client};

/// An authority and its certificate in a file.
struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Ca {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Test CA");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A service that trusts it.
    async fn serve(&self) -> Served {
        Served::start(&[("TLS_CLIENT_CA", self.path().to_str().unwrap())]).await
    }

    /// A certificate of this authority and its key.
    fn sign(&self, params: &CertificateParams) -> Holder {
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Holder { pem, key }
    }
}

/// `CN=billing,O=Acme` and one alternative name of each kind.
pub(super) fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Acme");
    params.distinguished_name.push(DnType::CommonName, CLIENT);
    params.subject_alt_names = vec![
        SanType::DnsName("billing.example.com".try_into().unwrap()),
        SanType::DnsName("*.wild.example.com".try_into().unwrap()),
        SanType::URI("spiffe://example.com/billing".try_into().unwrap()),
        SanType::IpAddress("2001:db8::7".parse().unwrap()),
        SanType::Rfc822Name("billing@example.com".try_into().unwrap()),
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

async fn register(served: &Served, authentication: AuthenticationSettings) {
    let new = NewClient {
        scopes: Scope::parse("read").unwrap(),
        authentication,
        ..new_client(CLIENT)
    };
    served
        .test
        .app
        .clients
        .register(BY, new, None)
        .await
        .unwrap();
}

async fn register_subject(served: &Served, subject: &str) {
    let authentication = AuthenticationSettings {
        auth_methods: AuthMethods::parse("tls_client_auth").unwrap(),
        keys: None,
        certificate_subject: Some(CertificateSubject::parse(subject).unwrap()),
        ..AuthenticationSettings::default()
    };
    register(served, authentication).await;
}

async fn register_key(served: &Served, jwk: &Value) {
    let set = json!({ "keys": [jwk] }).to_string();
    let authentication = AuthenticationSettings {
        auth_methods: AuthMethods::parse("self_signed_tls_client_auth").unwrap(),
        keys: Some(ClientKeys::Inline(JwkSet::parse(&set).unwrap())),
        certificate_subject: None,
        ..AuthenticationSettings::default()
    };
    register(served, authentication).await;
}

/// `POST /token` with a certificate: status and `error`.
async fn ask(served: &Served, holder: Option<&Holder>) -> (u16, String) {
    let params = [("grant_type", "client_credentials"), ("client_id", CLIENT)];
    ask_with(served, holder, &params).await
}

async fn ask_with(
    served: &Served,
    holder: Option<&Holder>,
    params: &[(&str, &str)],
) -> (u16, String) {
    let mut client = served.client();
    if let Some(holder) = holder {
        client = client.identity(holder.identity());
    }
    let request = client.build().unwrap().post(served.url("/token"));
    let answer = request.form(params).send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let error = body["error"].as_str().unwrap_or_default();
    (status, error.to_owned())
}

fn refused() -> (u16, String) {
    (401, "invalid_client".to_owned())
}

fn accepted() -> (u16, String) {
    (200, String::new())
}

#[tokio::test]
async fn the_server_says_which_methods_can_succeed() {
    let ca = Ca::new();
    let ca = ca.path();
    let supported = async |settings: &[(&str, &str)]| {
        let test = crate::harness::TestApp::with(settings).await;
        let methods = test.app.authentication.supported_methods();
        methods
            .iter()
            .map(|method| method.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let always = "client_secret_basic client_secret_post private_key_jwt";

    assert_eq!(supported(&[]).await, always);
    assert_eq!(
        supported(&[("TLS_CLIENT_CERTIFICATES", "true")]).await,
        format!("{always} self_signed_tls_client_auth")
    );
    assert_eq!(
        supported(&[("TLS_CLIENT_CA", ca.to_str().unwrap())]).await,
        format!("{always} tls_client_auth self_signed_tls_client_auth")
    );
}

#[tokio::test]
async fn a_client_without_a_certificate_is_served_all_the_same() {
    let ca = Ca::new();
    let served = ca.serve().await;
    let secret = served.test.client().await;
    let params = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", &secret),
    ];

    assert_eq!(ask_with(&served, None, &params).await, accepted());
    // A certificate beside a secret is no second method.
    assert_eq!(
        ask_with(&served, Some(&ca.sign(&self::params())), &params).await,
        accepted()
    );
}

/// RFC 8705 §2: the `client_id` says whose certificate it should be.
#[tokio::test]
async fn a_certificate_without_the_clients_id_is_no_authentication() {
    let ca = Ca::new();
    let served = ca.serve().await;
    register_subject(&served, "san_dns=billing.example.com").await;
    let holder = ca.sign(&params());
    let grant = ("grant_type", "client_credentials");

    assert_eq!(ask_with(&served, Some(&holder), &[grant]).await, refused());
    for id in ["other", "billing.example.com", "CN=billing,O=Acme"] {
        let params = [grant, ("client_id", id)];
        assert_eq!(ask_with(&served, Some(&holder), &params).await, refused());
    }
}

#[tokio::test]
async fn authorize_takes_certificates_too() {
    let ca = Ca::new();
    let served = ca.serve().await;
    register_subject(&served, "san_dns=billing.example.com").await;
    let holder = ca.sign(&params());
    let client = served.client().identity(holder.identity()).build().unwrap();

    let request = client
        .post(served.url("/authorize"))
        .form(&[("client_id", CLIENT)]);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();

    assert_eq!(answer["success"], true, "{answer}");
}

#[tokio::test]
async fn failures_with_certificates_are_counted() {
    let ca = Ca::new();
    let settings = [
        ("TLS_CLIENT_CA", ca.path().to_str().unwrap().to_owned()),
        ("THROTTLE_CLIENT_FAILURES", "2".to_owned()),
    ];
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let served = Served::start(&settings).await;
    register_subject(&served, "san_dns=billing.example.com").await;
    let stranger = Holder::self_signed(&params());

    assert_eq!(ask(&served, Some(&stranger)).await, refused());
    assert_eq!(ask(&served, Some(&stranger)).await, refused());
    assert_eq!(ask(&served, Some(&stranger)).await.0, 429);
    assert_eq!(ask(&served, Some(&ca.sign(&params()))).await, accepted());
}

/// A certificate of nobody in particular is enough to ask.
#[tokio::test]
async fn certificates_are_looked_up_as_often_as_a_source_may_fail() {
    let settings = [
        ("TLS_CLIENT_CERTIFICATES", "true"),
        ("THROTTLE_SOURCE_FAILURES", "3"),
    ];
    let served = Served::start(&settings).await;
    let stranger = Holder::self_signed(&params());
    let calls = || served.test.app.store().calls().waited.count();
    let before = calls();

    let mut statuses = Vec::new();
    for n in 0..6 {
        let id = format!("client-{n}");
        let params = [("grant_type", "client_credentials"), ("client_id", &id)];
        statuses.push(ask_with(&served, Some(&stranger), &params).await.0);
    }

    assert_eq!(statuses, [401, 401, 401, 429, 429, 429]);
    assert_eq!(calls() - before, 3);
}
