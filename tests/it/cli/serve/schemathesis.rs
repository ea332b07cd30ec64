//! schemathesis reads the document that the built binary serves, sends what it says and what it does not, and holds
//! every answer against it: no 500, and no answer that is not documented. `scripts/interop` installs it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{free_port, signal};
use crate::harness::{Ran, Shell};

/// What is held against the document. Which methods a path takes is a test of its own, and one path takes all.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// Requests for each operation at random, beside those that follow from the document.
const EXAMPLES: &str = "100";

fn tool() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/schemathesis");
    let wanted = fs::read(root.join("tests/schemathesis/requirements.txt")).unwrap();
    assert!(
        fs::read(folder.join(".installed")).is_ok_and(|installed| installed == wanted),
        "schemathesis is not here in the version of tests/schemathesis: scripts/interop installs it"
    );
    folder.join("bin/schemathesis")
}

/// The binary, listening, with a good client's credentials.
struct Live {
    shell: Shell,
    child: Child,
    url: String,
}

impl Live {
    async fn start(alg: &str) -> Self {
        let shell = Shell::migrated().await;
        shell.certificate();
        let port = free_port();
        let audience = format!("https://localhost:{port}/admin/api");
        let arguments = [
            "client",
            "create",
            "caller",
            "--scope",
            "read write admin:read admin:write",
            "--audience",
            &audience,
            "--json",
        ];
        let ran = shell.run(&arguments);
        let made: Value = ran.json();
        let secret = made["client_secret"]
            .as_str()
            .unwrap_or_else(|| panic!("{ran:?}"));
        let mut child = shell
            .command(&["serve"])
            .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
            .env("SIGNING_ALG", alg)
            // What is wrong on purpose must not shut the caller out.
            .env("THROTTLE_CLIENT_FAILURES", "0")
            .env("THROTTLE_SOURCE_FAILURES", "0")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let listens = log.any(|line| line.unwrap().contains("listening on"));
        assert!(listens, "it ended before it listened");
        std::thread::spawn(move || log.count());
        let live = Self {
            url: format!("https://localhost:{port}"),
            shell,
            child,
        };
        live.write_credentials(secret).await;
        live
    }

    /// Tells schemathesis, by a file, what to send where the document asks for credentials.
    async fn write_credentials(&self, secret: &str) {
        let pem = fs::read(self.shell.path().join("certs/cert.pem")).unwrap();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .build()
            .unwrap();
        let request = client.post(format!("{}/token", self.url));
        let request = request.basic_auth("caller", Some(secret));
        let form = [("grant_type", "client_credentials")];
        let answer: Value = request
            .form(&form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let token = answer["access_token"].as_str().unwrap();
        let text = format!(
            "[auth.openapi.client_secret_basic]\nusername = \"caller\"\npassword = \"{secret}\"\n\
             [auth.openapi.access_token]\nbearer = \"{token}\"\n\
             # It would disable the caller, whom the list of clients names.\n\
             [phases.fuzzing.extra-data-sources]\nresponses = false\n\
             [phases.coverage.extra-data-sources]\nresponses = false\n\
             [phases.examples.extra-data-sources]\nresponses = false\n"
        );
        fs::write(self.shell.path().join("schemathesis.toml"), text).unwrap();
    }

    /// Runs schemathesis with a document.
    fn judge(&self, document: &str, more: &[&str]) -> Ran {
        let output = Command::new(tool())
            .current_dir(self.shell.path())
            .args(["--config-file", "schemathesis.toml", "run", document])
            .args(["--url", &self.url, "--tls-verify", "certs/cert.pem"])
            .args(["--phases", "examples,coverage,fuzzing", "--checks", CHECKS])
            .args(["--max-examples", EXAMPLES, "--seed", "1", "--no-color"])
            // On a busy machine a handshake may take longer than it may.
            .args(["--continue-on-failure", "--request-retries", "2"])
            .args(more)
            .output()
            .unwrap();
        Ran::from(output)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        signal(&self.child, "-TERM");
        let _ = self.child.wait();
    }
}

#[tokio::test]
#[ignore = "interop"]
async fn no_request_is_answered_by_a_500_or_by_what_is_not_documented() {
    let live = Live::start("HS256").await;

    let ran = live.judge(&format!("{}/openapi.json", live.url), &[]);

    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert!(ran.out.contains("generated"), "{}", ran.out);
}

/// The judge has eyes: without a line of the document it complains.
#[tokio::test]
#[ignore = "interop"]
async fn an_answer_that_is_not_documented_would_be_found() {
    let live = Live::start("ES256").await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let mut document: Value =
        token_server::base::json::from_slice(&fs::read(file).unwrap()).unwrap();
    let answers = &mut document["paths"]["/verify"]["get"]["responses"];
    answers.as_object_mut().unwrap().remove("400");
    fs::write(live.shell.path().join("blind.json"), document.to_string()).unwrap();

    let ran = live.judge("blind.json", &["--include-path", "/verify"]);

    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    assert!(
        ran.out.contains("Undocumented status code") && ran.out.contains("Received: 400"),
        "{}",
        ran.out
    );
}
