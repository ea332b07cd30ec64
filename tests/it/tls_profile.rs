//! sslyze holds the listener against Mozilla's intermediate profile for TLS. `scripts/interop` installs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};
use rustls::version::TLS13;
use token_server::base::clock::{Clock, UnixTime};

use crate::harness::Served;

const DAY: i64 = 86_400;

/// As long as the profile recommends.
const LIFESPAN: i64 = 90;

fn tool() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/sslyze");
    let wanted = fs::read(root.join("tests/sslyze/requirements.txt")).unwrap();
    assert!(
        fs::read(folder.join(".installed")).is_ok_and(|installed| installed == wanted),
        "sslyze is not here in the version of tests/sslyze: scripts/interop installs it"
    );
    folder.join("bin/sslyze")
}

/// A certificate authority that issues as public ones do.
struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    fn new(key: KeyPair) -> Self {
        let mut params = good_today(CertificateParams::default());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "a test's CA");
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Writes a certificate for localhost with this key where the listener reads it.
    fn certify(&self, key: &KeyPair, folder: &Path) {
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let mut params = good_today(params);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let made = params.signed_by(key, &self.0).unwrap();
        fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
        fs::write(folder.join("cert.pem"), made.pem()).unwrap();
        fs::write(folder.join("ca.pem"), self.0.pem()).unwrap();
    }
}

/// The judge looks at the real date.
fn good_today(mut params: CertificateParams) -> CertificateParams {
    let date = |at: UnixTime| {
        let text = at.to_string();
        let mut parts = text[..10]
            .split('-')
            .map(|part| part.parse::<u16>().unwrap());
        let (year, month, day) = (parts.next(), parts.next(), parts.next());
        let part = |part: Option<u16>| u8::try_from(part.unwrap()).unwrap();
        date_time_ymd(i32::from(year.unwrap()), part(month), part(day))
    };
    let yesterday = Clock::system().now().plus(-DAY);
    params.not_before = date(yesterday);
    params.not_after = date(yesterday.plus(LIFESPAN * DAY));
    params
}

/// What sslyze says of a listener with a certificate for this key by an authority with that one.
async fn judged(key: KeyPair, authority: KeyPair, profile: &'static str) -> (bool, String) {
    let served = Served::start(&[]).await;
    let ca = Ca::new(authority);
    ca.certify(&key, served.folder.path());
    served.reload.notify_one();
    let root = ca.0.der().clone();
    while served.connect(root.clone(), &[&TLS13]).await.is_err() {
        tokio::task::yield_now().await;
    }
    let mut judge = Command::new(tool());
    judge
        .arg(format!("--mozilla_config={profile}"))
        .arg("--certinfo_ca_file")
        .arg(served.folder.path().join("ca.pem"))
        .arg(format!("localhost:{}", served.address.port()));
    let ran = tokio::task::spawn_blocking(move || judge.output().unwrap());
    let ran = ran.await.unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.success(), String::from_utf8(said).unwrap())
}

fn rsa() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

fn ecdsa() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

#[tokio::test]
#[ignore = "interop"]
async fn the_listener_meets_mozillas_intermediate_profile() {
    for make in [ecdsa, rsa] {
        let (is_good, said) = judged(make(), make(), "intermediate").await;

        assert!(is_good && said.contains("OK - Compliant"), "{said}");
    }
}

/// So that it is known to look at all: TLS 1.2 is too old for the other one.
#[tokio::test]
#[ignore = "interop"]
async fn the_listener_does_not_meet_the_modern_profile() {
    let (is_good, said) = judged(ecdsa(), ecdsa(), "modern").await;

    assert!(!is_good && said.contains("tls_versions"), "{said}");
}
