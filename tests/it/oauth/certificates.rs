//! `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 §2), over a real port.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType, date_time_ymd,
};
use reqwest::Identity;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use serde_json::{Value, json};
use tempfile::TempDir;
use token_server::app::NewClient;
use token_server::domain::{
    AllowedNetworks, AuthMethods, AuthenticationSettings, CertificateSubject, ClientChanges,
    ClientId, ClientKeys, ExpectedVersion, JwkSet, Scope,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{BY, CLIENT, Holder, Served};

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
        client_id: Some(ClientId::parse(CLIENT).unwrap()),
        scopes: Scope::parse("read").unwrap(),
        authentication,
        ..NewClient::default()
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
async fn a_certificate_of_the_authority_proves_whom_it_names() {
    let ca = Ca::new();
    let holder = ca.sign(&params());

    for subject in [
        "subject_dn=CN=billing,O=Acme",
        "san_dns=Billing.example.com",
        "san_uri=spiffe://example.com/billing",
        "san_ip=2001:db8::7",
        "san_email=billing@example.com",
    ] {
        let served = ca.serve().await;
        register_subject(&served, subject).await;
        assert_eq!(ask(&served, Some(&holder)).await, accepted(), "{subject}");
    }
}

#[tokio::test]
async fn a_good_certificate_is_refused_from_a_network_that_is_not_the_clients() {
    let ca = Ca::new();
    let holder = ca.sign(&params());
    let served = ca.serve().await;
    register_subject(&served, "san_dns=billing.example.com").await;
    let id = ClientId::parse(CLIENT).unwrap();

    for (networks, expected) in [
        ("10.0.0.0/8", refused()),
        ("127.0.0.0/8", accepted()),
        ("::1", refused()),
        ("", accepted()),
    ] {
        let changes = ClientChanges {
            allowed_networks: AllowedNetworks::parse(networks).ok(),
            ..ClientChanges::default()
        };
        let app = &served.test.app;
        app.clients
            .update(BY, &id, &ExpectedVersion::Any, changes)
            .await
            .unwrap();
        assert_eq!(ask(&served, Some(&holder)).await, expected, "{networks}");
    }
    let refusals = served
        .test
        .app
        .audit
        .list_rejected_requests(&id, 9)
        .await
        .unwrap();
    let reasons: Vec<&str> = refusals.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(reasons, ["wrong network: 127.0.0.1"; 2]);
}

#[tokio::test]
async fn a_certificate_that_names_somebody_else_is_refused() {
    let ca = Ca::new();
    let holder = ca.sign(&params());

    for subject in [
        "subject_dn=O=Acme,CN=billing",
        "subject_dn=CN=billing",
        "subject_dn=CN=Billing,O=Acme",
        "san_dns=example.com",
        "san_dns=a.wild.example.com",
        "san_uri=spiffe://example.com/billin",
        "san_ip=2001:db8::8",
        "san_email=Billing@example.com",
    ] {
        let served = ca.serve().await;
        register_subject(&served, subject).await;
        assert_eq!(ask(&served, Some(&holder)).await, refused(), "{subject}");
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (ca, other) = (Ca::new(), Ca::new());
    let served = ca.serve().await;
    register_subject(&served, "san_dns=billing.example.com").await;
    let mut expired = params();
    expired.not_after = date_time_ymd(2026, 1, 1);
    let mut future = params();
    future.not_before = date_time_ymd(2028, 1, 1);
    let mut for_servers = params();
    for_servers.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];

    for holder in [
        other.sign(&params()),
        Holder::self_signed(&params()),
        ca.sign(&expired),
        ca.sign(&future),
        ca.sign(&for_servers),
    ] {
        assert_eq!(ask(&served, Some(&holder)).await, refused());
    }
    assert_eq!(ask(&served, None).await, refused());
    assert_eq!(ask(&served, Some(&ca.sign(&params()))).await, accepted());
}

#[tokio::test]
async fn a_new_authority_is_taken_over_and_a_bad_one_refused() {
    let (ca, other) = (Ca::new(), Ca::new());
    let served = ca.serve().await;
    register_subject(&served, "san_dns=billing.example.com").await;
    let (old, new) = (ca.sign(&params()), other.sign(&params()));

    std::fs::write(ca.path(), "garbage").unwrap();
    served.test.app.authentication.reread_client_ca();
    assert_eq!(ask(&served, Some(&old)).await, accepted());

    std::fs::write(ca.path(), other.issuer.pem()).unwrap();
    served.test.app.authentication.reread_client_ca();
    assert_eq!(ask(&served, Some(&old)).await, refused());
    assert_eq!(ask(&served, Some(&new)).await, accepted());
}

#[tokio::test]
async fn a_registered_certificate_proves_by_its_key_itself_or_its_hash() {
    let holder = Holder::self_signed(&params());
    let stranger = Holder::self_signed(&params());
    let mut by_certificate = stranger.jwk();
    by_certificate["x5c"] = json!([STANDARD.encode(holder.der())]);
    let mut by_hash = stranger.jwk();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &holder.der());
    by_hash["x5t#S256"] = json!(URL_SAFE_NO_PAD.encode(hash));

    for jwk in [holder.jwk(), by_certificate, by_hash] {
        let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
        register_key(&served, &jwk).await;
        assert_eq!(ask(&served, Some(&holder)).await, accepted(), "{jwk}");
    }
}

#[tokio::test]
async fn rsa_and_other_curves_are_registered_by_their_keys_too() {
    use rcgen::{PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let (x, y) = p384.public_key_raw()[1..].split_at(48);
    let p384_jwk = json!({"kty": "EC", "crv": "P-384", "x": text(x), "y": text(y)});
    let ed = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let ed_jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": text(ed.public_key_raw())});
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let der = rsa.public_key_raw();
    // RSAPublicKey of 2048 bits and e = 65537: 4 bytes, 4 of the modulus' header, 1 zero, 256, 2, 3.
    let rsa_jwk = json!({"kty": "RSA", "n": text(&der[9..265]), "e": text(&der[267..])});

    for (key, jwk) in [(p384, p384_jwk), (ed, ed_jwk), (rsa, rsa_jwk)] {
        let pem = params().self_signed(&key).unwrap().pem();
        let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
        register_key(&served, &jwk).await;
        assert_eq!(
            ask(&served, Some(&Holder { pem, key })).await,
            accepted(),
            "{jwk}"
        );
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_registered_or_expired_is_refused() {
    let ca = Ca::new();
    let served = ca.serve().await;
    let mut expired = params();
    expired.not_after = date_time_ymd(2026, 1, 1);
    let expired = Holder::self_signed(&expired);
    register_key(&served, &expired.jwk()).await;

    // Also one of the authority that is trusted: this client may not use that method.
    for holder in [Holder::self_signed(&params()), ca.sign(&params()), expired] {
        assert_eq!(ask(&served, Some(&holder)).await, refused());
    }
}

#[tokio::test]
async fn a_self_signed_certificate_as_openssl_makes_it_is_taken() {
    let mut params = params();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.extended_key_usages.clear();
    params.subject_alt_names.clear();
    let holder = Holder::self_signed(&params);
    let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
    register_key(&served, &holder.jwk()).await;

    assert_eq!(ask(&served, Some(&holder)).await, accepted());
}

#[tokio::test]
async fn endless_certificates_are_not_taken() {
    let holder = Holder::self_signed(&params());
    let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
    let send = async |certificates: usize| {
        let pem = holder.pem.repeat(certificates) + &holder.key.serialize_pem();
        let identity = Identity::from_pem(pem.as_bytes()).unwrap();
        let client = served.client().identity(identity).build().unwrap();
        client.get(served.url("/healthz")).send().await.is_ok()
    };
    let most = 16 * 1024 / holder.der().len();

    assert!(send(most).await);
    assert!(!send(most + 1).await);
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
async fn a_certificate_without_its_key_gets_no_answer() {
    #[derive(Debug)]
    struct Thief(Arc<CertifiedKey>);
    impl ResolvesClientCert for Thief {
        fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
        fn has_certs(&self) -> bool {
            true
        }
    }
    let (holder, thief) = (
        Holder::self_signed(&params()),
        Holder::self_signed(&params()),
    );
    let served = Served::start(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;
    register_key(&served, &holder.jwk()).await;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = PrivateKeyDer::from_pem_slice(thief.key.serialize_pem().as_bytes()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let stolen = Arc::new(Thief(Arc::new(CertifiedKey::new(
        vec![holder.der().into()],
        key,
    ))));

    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let answer = match served.connect_as(stolen.clone(), version).await {
            Err(_) => String::new(),
            Ok(mut stream) => {
                let _ = stream
                    .write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                    .await;
                let mut answer = String::new();
                let _ = stream.read_to_string(&mut answer).await;
                answer
            }
        };
        assert_eq!(answer, "");
    }
}

#[tokio::test]
async fn a_listener_that_does_not_ask_gets_no_certificate() {
    let holder = Holder::self_signed(&params());
    let served = Served::start(&[]).await;
    register_key(&served, &holder.jwk()).await;

    assert_eq!(ask(&served, Some(&holder)).await, refused());
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
async fn a_resumed_connection_has_its_certificate_still() {
    let ca = Ca::new();
    let served = ca.serve().await;
    register_subject(&served, "san_dns=billing.example.com").await;
    let holder = ca.sign(&params());
    // No connection is kept, so that each request resumes the session of the one before.
    let client = served
        .client()
        .identity(holder.identity())
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();

    for _ in 0..3 {
        let form = [("grant_type", "client_credentials"), ("client_id", CLIENT)];
        let answer = client
            .post(served.url("/token"))
            .form(&form)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
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
