//! The pages of `docs/workload-identity`: every step of each is run as it stands there, by a shell, with the built binary as server
//! and as command, and with stand-ins for the programs and servers of the platform.

mod stand_in;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};
use stand_in::StandIn;

use super::platform::{Page, Platform};
use crate::clients::{self, log};
use crate::harness::{Ran, Shell, Signer};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/workload-identity");

/// The server of the pages.
const ISSUER: &str = "https://tokens.example";

/// Where a page has the token of a pod.
const MOUNTED: &str = "/var/run/secrets/token-server";

/// With which the API server is asked for its keys.
const SERVERS_TOKEN: &str = "token-of-the-servers-pod";

/// A change of a client counts on every replica within a second; nobody tries for longer than this.
const TRIES: usize = 50;

/// A piece of a page that is more than words.
enum Block {
    Shell(String),
    Yaml(Value),
}

/// A page, and a new server with what its steps need.
struct Walk {
    platform: &'static str,
    blocks: Vec<Block>,
    shell: Shell,
    server: Child,
    keys: Platform,
    stand_in: StandIn,
    /// Commands that were run.
    commands: usize,
    /// What `client create` printed.
    created: String,
    tokens: usize,
}

impl Drop for Walk {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn blocks(platform: &str) -> Vec<Block> {
    let text = fs::read_to_string(Path::new(FOLDER).join(format!("{platform}.md"))).unwrap();
    let parts = text.split("\n```").skip(1).step_by(2);
    parts
        .map(|part| match part.split_once('\n').unwrap() {
            ("sh", script) => Block::Shell(script.to_owned()),
            ("yaml", document) => Block::Yaml(read_yaml(document)),
            (other, _) => panic!("{platform}: a block of `{other}` is run by nobody"),
        })
        .collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a JSON value is read, and no struct"
)]
fn read_yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn serve(shell: &Shell) -> (Child, u16) {
    let mut command = shell.command(&["serve"]);
    command.env("ISSUER", ISSUER);
    clients::serve(shell.path(), &mut command, |_| vec![])
}

impl Walk {
    async fn begin(platform: &'static str) -> Self {
        let shell = Shell::migrated().await;
        shell.certificate_for("tokens.example");
        let (server, port) = serve(&shell);
        let keys = Platform::start();
        let stand_in = StandIn::start(platform, shell.path());
        let curlrc = format!(
            "connect-to = \"tokens.example:443:127.0.0.1:{port}\"\n\
             connect-to = \"metadata.google.internal:80:127.0.0.1:{}\"\n\
             cacert = \"{}\"\nnoproxy = \"*\"\n",
            stand_in.port,
            shell.path().join("certs/cert.pem").display()
        );
        fs::write(shell.path().join(".curlrc"), curlrc).unwrap();
        Self {
            platform,
            blocks: blocks(platform),
            shell,
            server,
            keys,
            stand_in,
            // The server itself.
            commands: 1,
            created: String::new(),
            tokens: 0,
        }
    }

    fn pod(&self) -> PathBuf {
        self.shell.path().join("pod")
    }

    fn run(&self, script: &str, variables: &[(&str, String)]) -> Ran {
        let script = script.replace(MOUNTED, self.pod().to_str().unwrap());
        let path = format!(
            "{}:/usr/local/bin:/usr/bin:/bin",
            self.stand_in.programs.display()
        );
        let output = self
            .shell
            .script(&script)
            .env("PATH", path)
            .env("HOME", self.shell.path())
            .env("ISSUER", ISSUER)
            .env("STAND_IN", self.stand_in.url())
            .envs(
                variables
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            )
            .output()
            .unwrap();
        Ran::from(output)
    }

    /// Has the issuer's keys come from the stand-in; all else stays as the page registered it.
    fn redirect_keys(&self, signer: &Signer) {
        let ca = self.keys.folder.path().join("cert.pem");
        let (ca, url) = (ca.to_str().unwrap().to_owned(), |path: &str| {
            self.keys.url(path)
        });
        let mut arguments = vec![
            "issuer",
            "update",
            self.platform,
            "--private-addresses",
            "--ca-file",
            &ca,
        ];
        let (discovery, jwks, bundle) = (url("/discovery"), url("/jwks"), url("/bundle"));
        let token = self.keys.write("pod-token", SERVERS_TOKEN);
        match self.platform {
            "kubernetes" => {
                self.keys.require(SERVERS_TOKEN);
                arguments.extend(["--jwks-uri", &jwks, "--bearer-token-file", &token]);
            }
            "spiffe" => arguments.extend(["--bundle-endpoint", &bundle]),
            _ => arguments.extend(["--discovery-url", &discovery]),
        }
        let iss = stand_in::issuer_of(self.platform);
        self.keys.show(
            "/discovery",
            Page::Json(json!({"issuer": iss, "jwks_uri": jwks})),
        );
        let keys = token_server::base::json::from_str(&signer.jwks("k")).unwrap();
        self.keys.show("/jwks", Page::Json(keys));
        let mut jwk = signer.jwk("k");
        jwk["use"] = "jwt-svid".into();
        self.keys.show(
            "/bundle",
            Page::Json(json!({"keys": [jwk], "spiffe_sequence": 1})),
        );
        let updated = self.shell.run(&arguments);
        assert_eq!(updated.code, 0, "{updated:?}");
    }

    /// Runs every step of the page, in its order.
    fn go(&mut self) {
        for block in std::mem::take(&mut self.blocks) {
            match block {
                Block::Shell(script) => self.step(&script, &[]),
                Block::Yaml(document) => self.paste(&document),
            }
        }
        assert!(self.tokens > 0, "{}: no step gets a token", self.platform);
    }

    fn step(&mut self, script: &str, variables: &[(&str, String)]) {
        self.commands += count_commands(script);
        if script.contains("grant_type=client_credentials") {
            return self.log_in(script, variables);
        }
        let ran = self.run(script, variables);
        assert_eq!(ran.code, 0, "{script}: {ran:?}");
        if script.contains("client create") {
            self.created = ran.out;
            self.redirect_keys(self.stand_in.signer());
        }
    }

    /// What is pasted on the platform is what `client create` printed.
    fn log_in(&mut self, script: &str, variables: &[(&str, String)]) {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words(&self.created).contains(&words(script)),
            "{script} is not what was printed: {}",
            self.created
        );
        let mut told = String::new();
        for _ in 0..TRIES {
            let ran = self.run(script, variables);
            assert_eq!(ran.code, 0, "{script}: {ran:?}");
            let answer = ran.out.lines().last().unwrap_or_default().to_owned();
            let answer: Value = token_server::base::json::from_str(&answer).unwrap();
            if answer["access_token"].is_string() {
                self.tokens += 1;
                return;
            }
            let _ = writeln!(told, "{answer}");
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{script}: {told}; {}", log(self.shell.path()));
    }

    /// The file of a page: what of it the platform runs is run.
    fn paste(&mut self, document: &Value) {
        match self.platform {
            "kubernetes" => {
                fs::create_dir_all(self.pod()).unwrap();
                fs::write(self.shell.path().join("billing.yaml"), document.to_string()).unwrap();
            }
            "github" => {
                assert_eq!(document["permissions"]["id-token"], "write");
                let job = &document["jobs"]["deploy"];
                assert_eq!(job["environment"], "production");
                let script = job["steps"][0]["run"].as_str().unwrap().to_owned();
                let url = format!("{}/github?api-version=2.0", self.stand_in.url());
                let token = stand_in::REQUEST_TOKEN.to_owned();
                let variables = [
                    ("ACTIONS_ID_TOKEN_REQUEST_URL", url),
                    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", token),
                ];
                self.step(&script, &variables);
            }
            "gitlab" => {
                let job = &document["deploy"];
                assert_eq!(job["environment"], "production");
                let audience = job["id_tokens"]["ASSERTION"]["aud"].as_str().unwrap();
                let assertion = self.stand_in.mint(audience);
                let script = job["script"][0].as_str().unwrap().to_owned();
                self.step(&script, &[("ASSERTION", assertion)]);
            }
            other => panic!("{other}: nobody reads this file"),
        }
    }
}

/// A line that goes on is of the command before it.
fn count_commands(script: &str) -> usize {
    let mut goes_on = false;
    let mut count = 0;
    for line in script.lines().filter(|line| !line.trim().is_empty()) {
        count += usize::from(!goes_on);
        goes_on = line.ends_with('\\');
    }
    count
}

async fn walk(platform: &'static str) -> usize {
    let mut walk = Walk::begin(platform).await;
    walk.go();
    walk.commands
}

#[test]
fn every_platform_has_a_page() {
    let mut pages: Vec<String> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    assert_eq!(
        pages,
        [
            "aws.md",
            "github.md",
            "gitlab.md",
            "google.md",
            "kubernetes.md",
            "spiffe.md"
        ]
    );
}

/// From a fresh server to a token and to the explanation of an assertion.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_gets_a_token_by_the_steps_of_its_page() {
    assert_eq!(walk("kubernetes").await, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_github_job_gets_a_token_by_the_steps_of_its_page() {
    assert_eq!(walk("github").await, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gitlab_job_gets_a_token_by_the_steps_of_its_page() {
    walk("gitlab").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workload_with_an_svid_gets_a_token_by_the_steps_of_its_page() {
    walk("spiffe").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_of_aws_gets_a_token_by_the_steps_of_its_page() {
    walk("aws").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_account_of_google_gets_a_token_by_the_steps_of_its_page() {
    walk("google").await;
}
