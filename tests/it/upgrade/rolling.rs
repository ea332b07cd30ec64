//! A rolling upgrade and a rollback with the real program of a release: `scripts/interop` builds it from its commit, and it
//! serves beside this one on one Postgres.

use std::process::{Child, Command};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{free_port, read_until, signal};
use crate::harness::{Ran, Shell, form};

/// Where `scripts/interop` puts the program of the release.
const OLD: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/target/interop/0.1.0/token-server"
);

/// Replicas know each other's changes within two seconds; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program on the database of both.
#[derive(Clone, Copy)]
enum Program {
    Old,
    New,
}

/// Two versions on one database.
struct Fleet {
    shell: Shell,
    client: reqwest::Client,
}

/// A replica that serves.
struct Replica {
    child: Child,
    port: u16,
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Replica {
    /// Stops it as an orchestrator does.
    fn stop(mut self) {
        signal(&self.child, "-TERM");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Fleet {
    async fn new() -> Self {
        assert!(
            std::path::Path::new(OLD).exists(),
            "{OLD} is not here: scripts/interop builds it"
        );
        let shell = Shell::new().await;
        assert!(
            shell.database_url().starts_with("postgres:"),
            "replicas need Postgres"
        );
        shell.certificate();
        // Another test may have installed it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder().danger_accept_invalid_certs(true);
        Self {
            shell,
            client: client.build().unwrap(),
        }
    }

    fn command(&self, program: Program, arguments: &[&str]) -> Command {
        let mut command = match program {
            Program::Old => self.shell.command_of(OLD, arguments),
            Program::New => self.shell.command(arguments),
        };
        command.env("ISSUER", "https://tokens.test");
        command
    }

    fn run(&self, program: Program, arguments: &[&str]) -> Ran {
        let ran = Ran::from(self.command(program, arguments).output().unwrap());
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran
    }

    /// Disables a client or revokes its tokens. The old version asks nothing, and knows no `--yes`.
    fn stop_by(&self, program: Program, how: &str, id: &str) {
        let yes = match program {
            Program::Old => None,
            Program::New => Some("--yes"),
        };
        let arguments: Vec<_> = ["client", how, id].into_iter().chain(yes).collect();
        self.run(program, &arguments);
    }

    fn serve(&self, program: Program) -> Replica {
        let port = free_port();
        let mut command = self.command(program, &["serve", "--no-migrate"]);
        let mut child = command
            .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
            .spawn()
            .unwrap();
        read_until(&mut child, "listening on");
        Replica { child, port }
    }

    /// Makes a client; its secret.
    fn create(&self, program: Program, id: &str) -> String {
        let made = self.run(
            program,
            &["client", "create", id, "--scope", "read", "--json"],
        );
        made.json()["client_secret"].as_str().unwrap().to_owned()
    }

    async fn post(&self, replica: &Replica, path: &str, params: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("https://127.0.0.1:{}{path}", replica.port);
        let request = self.client.post(url).body(form(params));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn authorize(&self, replica: &Replica, id: &str, secret: &str) -> (u16, Value) {
        let params = [("client_id", id), ("client_secret", secret)];
        self.post(replica, "/authorize", &params).await
    }

    async fn token(&self, replica: &Replica, id: &str, secret: &str) -> String {
        let (status, answer) = self.authorize(replica, id, secret).await;
        assert_eq!(status, 200, "{id}: {answer}");
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn verify(&self, replica: &Replica, token: &str) -> u16 {
        self.post(replica, "/verify", &[("token", token)]).await.0
    }

    /// Waits until the replica answers so of a token.
    async fn wait_for(&self, replica: &Replica, token: &str, status: u16) {
        let waiting = async {
            while self.verify(replica, token).await != status {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "the replica does not answer {status}");
    }
}

/// Step by step as docs/upgrading.md says: migrate, one replica after another, and back.
#[tokio::test]
#[ignore = "interop"]
async fn both_versions_serve_on_one_database_and_the_old_one_alone_again() {
    use Program::{New, Old};
    let fleet = Fleet::new().await;
    fleet.run(Old, &["migrate"]);
    let secret = fleet.create(Old, "before");
    let old = fleet.serve(Old);
    let before = fleet.token(&old, "before", &secret).await;

    // The schema of the new version, under the replica of the old one.
    fleet.run(New, &["migrate"]);
    assert_eq!(fleet.verify(&old, &before).await, 200);
    fleet.token(&old, "before", &secret).await;
    let new = fleet.serve(New);
    both_know_what_either_does(&fleet, &old, &new, &before, &secret).await;
    what_only_the_new_version_has_harms_nobody(&fleet, &old, &new).await;
    for program in [New, Old] {
        fleet.run(program, &["audit", "verify"]);
        fleet.run(program, &["client", "list"]);
    }

    // The rollback: the old version alone, also started anew.
    let during = fleet.token(&new, "before", &secret).await;
    new.stop();
    assert_eq!(fleet.verify(&old, &during).await, 200);
    old.stop();
    let old = fleet.serve(Old);
    assert_eq!(fleet.verify(&old, &during).await, 200);
    fleet.token(&old, "before", &secret).await;
    let secret = fleet.create(Old, "after");
    fleet.token(&old, "after", &secret).await;
    fleet.run(Old, &["audit", "verify"]);

    // And the upgrade again.
    fleet.run(New, &["migrate"]);
    let new = fleet.serve(New);
    fleet.token(&new, "after", &secret).await;
    fleet.run(New, &["audit", "verify"]);
}

async fn both_know_what_either_does(
    fleet: &Fleet,
    old: &Replica,
    new: &Replica,
    before: &str,
    secret: &str,
) {
    assert_eq!(fleet.verify(new, before).await, 200);
    let during = fleet.token(new, "before", secret).await;
    assert_eq!(fleet.verify(old, &during).await, 200);

    for (program, id) in [(Program::Old, "by-old"), (Program::New, "by-new")] {
        let secret = fleet.create(program, id);
        let other = match program {
            Program::Old => Program::New,
            Program::New => Program::Old,
        };
        for replica in [old, new] {
            let token = fleet.token(replica, id, &secret).await;
            fleet.stop_by(other, "revoke-tokens", id);
            for replica in [old, new] {
                fleet.wait_for(replica, &token, 401).await;
            }
        }
        fleet.stop_by(other, "disable", id);
        for replica in [old, new] {
            let waiting = async {
                while fleet.authorize(replica, id, &secret).await.0 != 401 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(PATIENCE, waiting).await.unwrap();
        }
    }
}

/// Fields and flags of new columns, of which the old version knows nothing.
async fn what_only_the_new_version_has_harms_nobody(fleet: &Fleet, old: &Replica, new: &Replica) {
    let row = json!({"client_id": "moved", "scope": "read", "explicit_scopes_only": true,
        "client_secret": "kjirPsUee1w9UN2J2pwQrDxcZV5sNhDd"});
    std::fs::write(fleet.shell.path().join("moved.json"), row.to_string()).unwrap();
    let import = ["client", "import", "moved.json", "--secrets", "generated"];
    fleet.run(Program::New, &import);
    let secret = row["client_secret"].as_str().unwrap();

    let (status, answer) = fleet.authorize(new, "moved", secret).await;
    assert_eq!((status, &answer["scope"]), (200, &json!("")));
    // It grants what it always did.
    let (status, answer) = fleet.authorize(old, "moved", secret).await;
    assert_eq!((status, &answer["scope"]), (200, &json!("read")));
    // A change by the old version keeps what it does not know.
    fleet.run(
        Program::Old,
        &["client", "update", "moved", "--name", "Moved"],
    );
    let shown = fleet.run(Program::New, &["client", "show", "moved", "--json"]);
    assert_eq!(shown.json()["explicit_scopes_only"], true);
    fleet.token(new, "moved", secret).await;
}
