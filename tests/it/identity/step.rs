//! A real `step`: it makes the keys and the assertions of an issuer, and the certificates of workloads (X.509-SVID).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use reqwest::Identity;
use serde_json::{Value, json};
use tempfile::TempDir;
use token_server::app::NewClient;
use token_server::base::clock::Clock;
use token_server::base::secret::random_base62;
use token_server::domain::{
    AuthMethods, AuthenticationSettings, CertificateSubject, ClientId, Scope,
};

use super::{WORKLOAD, add, assert_refused, assert_told, present, register};
use crate::clients::installed;
use crate::harness::{BY, Database, Served, TestApp, id, new_client};

const ISSUER: &str = "https://ci.test";
const AUDIENCE: &str = "https://tokens.test";
const SPIFFE_ID: &str = "spiffe://acme.test/ns/prod/sa/billing";

/// For keys that nobody else sees.
const IN_CLEAR: [&str; 2] = ["--no-password", "--insecure"];

/// A workload's certificate that signs others, which the profiles of `step` have without a URI.
const AUTHORITY_WITH_A_URI: &str = r#"{
  "subject": {{ toJson .Subject }},
  "sans": {{ toJson .SANs }},
  "keyUsage": ["certSign", "digitalSignature"],
  "extKeyUsage": ["clientAuth"],
  "basicConstraints": {"isCA": true, "maxPathLen": 0}
}"#;

/// A folder in which `step` works.
struct Step {
    folder: TempDir,
}

impl Step {
    fn new() -> Self {
        installed("tests/step/go.sum", "target/step");
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    /// What a command prints.
    fn run(&self, arguments: &[&str]) -> String {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/step/step");
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .env("STEPPATH", self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A key of an issuer; its public part.
    fn create_key(&self, name: &str, kind: &[&str]) -> Value {
        let (public, private) = (format!("{name}.pub"), format!("{name}.key"));
        let create = [
            "crypto", "jwk", "create", &public, &private, "--use", "sig", "--kid", name,
        ];
        self.run(&[&create[..], kind, &IN_CLEAR].concat());
        let public = fs::read_to_string(self.file(&public)).unwrap();
        token_server::base::json::from_str(&public).unwrap()
    }

    /// An assertion by that key; `claims`: beside `iss` and `iat`.
    fn sign(&self, key: &str, claims: &[&str]) -> String {
        let key = format!("{key}.key");
        let sign = ["crypto", "jwt", "sign", "--key", &key, "--iss", ISSUER];
        self.run(&[&sign[..], claims].concat())
    }

    /// A good one for a subject.
    fn assertion(&self, key: &str, subject: &str) -> String {
        let (expires_at, jti) = (in_seconds(300), random_base62(22));
        let claims = [
            "--sub",
            subject,
            "--aud",
            AUDIENCE,
            "--exp",
            &expires_at,
            "--jti",
            &jti,
        ];
        self.sign(key, &claims)
    }

    /// An authority `ca.crt`.
    fn create_authority(&self) -> PathBuf {
        let create = ["certificate", "create", "Acme CA", "ca.crt", "ca.key"];
        self.run(&[&create[..], &["--profile", "root-ca"], &IN_CLEAR].concat());
        self.file("ca.crt")
    }

    /// A certificate of the authority with these alternative names, and its key.
    fn certify(&self, names: &[&str], more: &[&str]) -> Identity {
        let create = [
            "certificate",
            "create",
            "billing",
            "workload.crt",
            "workload.key",
            "--force",
            "--ca",
            "ca.crt",
            "--ca-key",
            "ca.key",
            "--not-after",
            "1h",
        ];
        let names: Vec<&str> = names.iter().flat_map(|name| ["--san", name]).collect();
        self.run(&[&create[..], &names, more, &IN_CLEAR].concat());
        let read = |name: &str| fs::read_to_string(self.file(name)).unwrap();
        let pem = read("workload.crt") + &read("workload.key");
        Identity::from_pem(pem.as_bytes()).unwrap()
    }
}

/// The time then, as a claim has it.
fn in_seconds(seconds: i64) -> String {
    (Clock::system().now().0 + seconds).to_string()
}

#[tokio::test]
#[ignore = "interop"]
async fn an_issuer_with_keys_of_step_is_trusted() {
    let step = Step::new();
    let test = TestApp::at(Clock::system(), Database::fresh().await, &[]).await;
    let keys = [
        step.create_key("ec", &["--kty", "EC", "--crv", "P-256"]),
        step.create_key("rsa", &["--kty", "RSA", "--size", "2048"]),
        step.create_key("okp", &["--kty", "OKP", "--crv", "Ed25519"]),
    ];
    let issuer = json!({"name": "ci", "issuer": ISSUER, "jwks": {"keys": keys}});
    add(&test.app, &issuer).await;
    let identities = json!([{"issuer": "ci", "subject": "job"}]);
    register(&test, WORKLOAD, &identities).await;

    for key in ["ec", "rsa", "okp"] {
        for client_id in [None, Some(WORKLOAD)] {
            let assertion = step.assertion(key, "job");
            let answer = present(&test, &assertion, client_id).await;
            assert_eq!(answer.status, 200, "{key}: {}", answer.text());
            let token = answer.access_token();
            assert_eq!(test.verify(&token).await.json()["sub"], WORKLOAD);
            let again = present(&test, &assertion, client_id).await;
            assert_refused(&again, "replayed");
        }
    }

    let other = step.assertion("ec", "another-job");
    assert_refused(&present(&test, &other, Some(WORKLOAD)).await, "subject");
    let stranger = Step::new();
    stranger.create_key("ec", &["--kty", "EC", "--crv", "P-256"]);
    let forged = stranger.assertion("ec", "job");
    assert_refused(&present(&test, &forged, Some(WORKLOAD)).await, "key");
    let (expires_at, later) = (in_seconds(300), in_seconds(90_000));
    let claims = ["--sub", "job", "--jti", "j", "--exp", &expires_at];

    let two = [&claims[..], &["--aud", AUDIENCE, "--aud", "b"]].concat();
    let long = ["--sub", "job", "--jti", "j", "--aud", AUDIENCE];
    let long = [&long[..], &["--exp", &later]].concat();
    for (claims, told) in [(two, "exactly one audience"), (long, "lifetime")] {
        let assertion = step.sign("ec", &claims);
        assert_told(&present(&test, &assertion, Some(WORKLOAD)).await, told);
    }
}

/// As `docs/workload-identity/spiffe.md` has it.
async fn register_svid(test: &TestApp) {
    let subject = format!("san_uri={SPIFFE_ID}");
    let new = NewClient {
        scopes: Scope::parse("read").unwrap(),
        authentication: AuthenticationSettings {
            auth_methods: AuthMethods::parse("tls_client_auth").unwrap(),
            certificate_subject: Some(CertificateSubject::parse(&subject).unwrap()),
            ..AuthenticationSettings::default()
        },
        ..new_client(WORKLOAD)
    };
    test.app.clients.register(BY, new, None).await.unwrap();
}

/// The status of a login on a connection with this certificate.
async fn log_in(served: &Served, svid: Identity) -> u16 {
    let client = served.client().identity(svid).build().unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", WORKLOAD),
    ];
    let request = client.post(served.url("/token")).form(&form);
    request.send().await.unwrap().status().as_u16()
}

/// Why the last login was refused.
async fn reason(served: &Served) -> String {
    let workload: ClientId = id(WORKLOAD);
    let audit = &served.test.app.audit;
    audit.write_rejected_requests().await.unwrap();
    let refused = audit.list_rejected_requests(&workload, 1).await.unwrap();
    refused[0].reason.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "interop"]
async fn an_x509_svid_of_step_logs_in_and_no_other_certificate_does() {
    let step = Step::new();
    let ca = step.create_authority();
    let settings = [("TLS_CLIENT_CA", ca.to_str().unwrap())];
    let test = TestApp::at(Clock::system(), Database::fresh().await, &settings).await;
    let served = Served::of(test);
    register_svid(&served.test).await;
    fs::write(step.file("authority.tpl"), AUTHORITY_WITH_A_URI).unwrap();

    assert_eq!(log_in(&served, step.certify(&[SPIFFE_ID], &[])).await, 200);
    let with_host = step.certify(&[SPIFFE_ID, "billing.acme.test"], &[]);
    assert_eq!(log_in(&served, with_host).await, 200);
    let other = "spiffe://acme.test/ns/prod/sa/billing2";
    let template = ["--template", "authority.tpl"];
    for (names, more, why) in [
        (
            &[SPIFFE_ID, other][..],
            &[][..],
            "does not have exactly one URI",
        ),
        (
            &[SPIFFE_ID, "https://billing.acme.test"],
            &[],
            "does not have exactly one URI",
        ),
        (&[other], &[], "no alternative name"),
        (&["billing.acme.test"], &[], "does not have exactly one URI"),
        (&[SPIFFE_ID], &template, "one of an authority"),
    ] {
        let svid = step.certify(names, more);
        assert_eq!(log_in(&served, svid).await, 401, "{names:?} {more:?}");
        let told = reason(&served).await;
        assert!(told.contains(why), "{names:?} {more:?}: {told}");
    }

    // Another authority of the same name.
    let stranger = Step::new();
    stranger.create_authority();
    assert_eq!(
        log_in(&served, stranger.certify(&[SPIFFE_ID], &[])).await,
        401
    );
    assert_eq!(log_in(&served, step.certify(&[SPIFFE_ID], &[])).await, 200);
}
