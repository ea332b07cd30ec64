//! The built server on a port, and a script with a browser at it.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::clients::{self, installed, log};
use crate::harness::Shell;

/// Beyond it the script is waiting for something that does not come.
const PATIENCE: Duration = Duration::from_mins(6);

const PASSWORD: &str = "correct horse battery staple";

/// The client that [`Scene::populate`] registers among others.
const CLIENT: &str = "billing-worker";

const ISSUER: &str = "k8s";

/// Two browsers at once take more than twice as long.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// The server, until this is dropped.
pub(super) struct Scene {
    pub(super) shell: Shell,
    server: Child,
    /// What the script reads from its environment.
    variables: Vec<(&'static str, String)>,
}

impl Scene {
    pub(super) async fn start() -> Self {
        let shell = Shell::migrated().await;
        shell.certificate();
        let (server, url) = serve(&shell);
        let variables = vec![
            ("SERVER", url.clone()),
            ("PORTAL", url),
            ("CLIENT", CLIENT.to_owned()),
            ("ISSUER", ISSUER.to_owned()),
        ];
        Self {
            shell,
            server,
            variables,
        }
    }

    pub(super) fn set(&mut self, name: &'static str, value: String) {
        self.variables.push((name, value));
    }

    /// Who uses the portal.
    pub(super) fn admin(&mut self, name: &str, password: &str) {
        self.set("ADMIN", name.to_owned());
        self.set("ADMIN_PASSWORD", password.to_owned());
    }

    /// An owner, who uses the portal.
    pub(super) fn owner(&mut self, name: &str) {
        self.create_admin(name, "owner");
        self.admin(name, PASSWORD);
    }

    pub(super) fn create_admin(&self, name: &str, role: &str) {
        std::fs::write(self.shell.path().join("password"), PASSWORD).unwrap();
        self.command(&[
            "admin",
            "create",
            name,
            "--role",
            role,
            "--password-file",
            "password",
        ]);
    }

    /// Clients as they are in life, one with everything as long as it may be, and one that would have the page do
    /// something.
    pub(super) fn populate(&self) {
        let create =
            |id: &str, more: &[&str]| self.command(&[&["client", "create", id], more].concat());
        create(
            CLIENT,
            &[
                "--name",
                "Billing worker",
                "--description",
                "Writes the invoices of each month.",
                "--scope",
                "invoices.read invoices.write",
                "--audience",
                "https://invoices.example.com",
                "--metadata",
                r#"{"tenant":"acme","roles":["writer"]}"#,
            ],
        );
        create(
            "reporting",
            &["--name", "Reporting", "--scope", "invoices.read"],
        );
        let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
        let metadata = json!({ hostile: "</script><svg onload=alert(1)>" }).to_string();
        create(
            "hostile",
            &[
                "--name",
                hostile,
                "--description",
                hostile,
                "--metadata",
                &metadata,
            ],
        );
        let (id, name) = (format!("longest-{}", "x".repeat(120)), "Wide".repeat(25));
        let scope = format!("short {}", "a.very.long.scope.".repeat(6));
        create(&id, &["--name", &name, "--scope", &scope]);
        self.command(&["client", "disable", "reporting", "--yes"]);
        create(
            "workload",
            &[
                "--from",
                "kubernetes",
                "--namespace",
                "prod",
                "--service-account",
                "billing",
                "--issuer-name",
                ISSUER,
            ],
        );
        let file =
            "version: 1\nclients:\n  - client_id: kept\n    scopes: read\n    secrets: make\n";
        std::fs::write(self.shell.path().join("team.yaml"), file).unwrap();
        let out = "made.jsonl";
        self.command(&["client", "apply", "-f", "team.yaml", "--secrets-out", out]);
    }

    fn command(&self, arguments: &[&str]) {
        let ran = self.shell.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    }

    /// Runs a script of `tests/browser`.
    pub(super) async fn run(&self, script: &str) {
        installed(
            "tests/browser/package-lock.json",
            "tests/browser/node_modules",
        );
        let certificate = self.shell.path().join("certs/cert.pem");
        let alone = ONE_AT_A_TIME.lock().await;
        let child = Command::new("node")
            .arg(at("tests/browser").join(script))
            .envs(
                self.variables
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            )
            .env("CHROMIUM", chromium())
            .env("SCREENSHOTS", at("target/screenshots"))
            .env("NODE_EXTRA_CA_CERTS", &certificate)
            .env("CURL_CA_BUNDLE", &certificate)
            // Whatever proxies this machine has for the world outside.
            .envs([("NO_PROXY", "localhost"), ("no_proxy", "localhost")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let ran = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        drop(alone);
        let ran = ran
            .unwrap_or_else(|_| panic!("{script} does not end"))
            .unwrap();
        let said = [ran.stdout, ran.stderr].concat();
        assert!(
            ran.status.success(),
            "{}\ntarget/screenshots/failed-0.png is what it saw; the server's log:\n{}",
            String::from_utf8_lossy(&said),
            log(self.shell.path())
        );
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The server once it listens, and its URL.
fn serve(shell: &Shell) -> (Child, String) {
    let url = |port| format!("https://localhost:{port}");
    let mut command = shell.command(&["serve"]);
    command.env("SIGNING_ALG", "ES256");
    let (server, port) = clients::serve(shell.path(), &mut command, |port| {
        vec![("ISSUER", url(port))]
    });
    (server, url(port))
}

/// Where the browser is; distributions name it in several ways.
#[expect(
    clippy::disallowed_methods,
    reason = "PATH is no setting of the service"
)]
fn chromium() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut found = names
        .iter()
        .flat_map(|name| folders.iter().map(move |it| it.join(name)));
    found
        .find(|it| it.is_file())
        .unwrap_or_else(|| panic!("no Chromium is here: run scripts/test, which installs it"))
}

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
