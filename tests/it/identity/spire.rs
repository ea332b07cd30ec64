//! A real SPIRE: its server with its bundle endpoint, its agent, and a workload that logs in with the JWT-SVID that the agent
//! gives it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use token_server::base::clock::Clock;
use token_server::domain::IssuerName;

use super::platform::Platform;
use super::{JWT_SPIFFE, WORKLOAD, add, present_as, register};
use crate::clients::{free_port, installed};
use crate::harness::{Answer, Database, TestApp};

const SPIFFE_ID: &str = "spiffe://acme.test/ns/prod/sa/billing";

/// What is not there after so many tries, a tenth of a second each, does not come.
const TRIES: usize = 600;

/// A server and an agent, until this is dropped.
struct Spire {
    folder: PathBuf,
    processes: Vec<Child>,
    bundle_port: u16,
}

impl Drop for Spire {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn program(name: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/spire");
    let mut command = Command::new(folder.join(name));
    command.stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Spire {
    /// Serves its bundle with the certificate of the stand-in, which the token server believes.
    fn start(platform: &Platform) -> Self {
        installed("tests/spire/go.sum", "target/spire");
        let mut spire = Self {
            folder: platform.folder.path().to_owned(),
            processes: Vec::new(),
            bundle_port: free_port(),
        };
        let port = free_port();
        spire.write_server(port);
        spire.write_agent(port);
        spire.run(
            "spire-server",
            &["run", "-config", &spire.file("server.conf")],
        );
        spire.until("server", |it| {
            it.server(&["healthcheck"]).status.success().then_some(())
        });
        let generated =
            spire.server(&["token", "generate", "-spiffeID", "spiffe://acme.test/node"]);
        let generated = text(&generated);
        let token = generated.trim().strip_prefix("Token: ").unwrap().to_owned();
        let config = spire.file("agent.conf");
        spire.run(
            "spire-agent",
            &["run", "-config", &config, "-joinToken", &token],
        );
        let id = Command::new("id").arg("-u").output().unwrap();
        let selector = format!("unix:uid:{}", text(&id).trim());
        let created = spire.server(&[
            "entry",
            "create",
            "-parentID",
            "spiffe://acme.test/node",
            "-spiffeID",
            SPIFFE_ID,
            "-selector",
            &selector,
        ]);
        assert!(created.status.success(), "{created:?}");
        spire
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn write_server(&self, port: u16) {
        let (socket, data) = (self.file("server.sock"), self.file("server"));
        let (database, bundle_port) = (self.file("spire.sqlite"), self.bundle_port);
        let (certificate, key) = (self.file("cert.pem"), self.file("key.pem"));
        fs::create_dir(&data).unwrap();
        let config = format!(
            r#"server {{
    bind_address = "127.0.0.1"
    bind_port = "{port}"
    socket_path = "{socket}"
    trust_domain = "acme.test"
    data_dir = "{data}"
    log_level = "INFO"
    jwt_key_type = "ec-p256"
    federation {{
        bundle_endpoint {{
            address = "127.0.0.1"
            port = {bundle_port}
            profile "https_web" {{
                serving_cert_file {{
                    cert_file_path = "{certificate}"
                    key_file_path = "{key}"
                    file_sync_interval = "1h"
                }}
            }}
        }}
    }}
}}
plugins {{
    DataStore "sql" {{ plugin_data {{ database_type = "sqlite3" connection_string = "{database}" }} }}
    NodeAttestor "join_token" {{ plugin_data {{}} }}
    KeyManager "memory" {{ plugin_data {{}} }}
}}
"#
        );
        fs::write(self.file("server.conf"), config).unwrap();
    }

    fn write_agent(&self, port: u16) {
        let (socket, data) = (self.file("agent.sock"), self.file("agent"));
        fs::create_dir(&data).unwrap();
        let config = format!(
            r#"agent {{
    server_address = "127.0.0.1"
    server_port = "{port}"
    socket_path = "{socket}"
    trust_domain = "acme.test"
    data_dir = "{data}"
    log_level = "INFO"
    insecure_bootstrap = true
}}
plugins {{
    NodeAttestor "join_token" {{ plugin_data {{}} }}
    KeyManager "memory" {{ plugin_data {{}} }}
    WorkloadAttestor "unix" {{ plugin_data {{}} }}
}}
"#
        );
        fs::write(self.file("agent.conf"), config).unwrap();
    }

    fn run(&mut self, name: &str, arguments: &[&str]) {
        let log = fs::File::create(self.file(&format!("{name}.log"))).unwrap();
        let errors = log.try_clone().unwrap();
        let mut command = program(name);
        command.args(arguments).stdout(log).stderr(errors);
        self.processes.push(command.spawn().unwrap());
    }

    /// A command of an operator.
    fn server(&self, arguments: &[&str]) -> Output {
        let socket = self.file("server.sock");
        let mut command = program("spire-server");
        command.args(arguments).args(["-socketPath", &socket]);
        command.output().unwrap()
    }

    fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        for _ in 0..TRIES {
            if let Some(found) = look(self) {
                return found;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = |name: &str| fs::read_to_string(self.file(name)).unwrap_or_default();
        panic!(
            "no {what}: {} {}",
            log("spire-server.log"),
            log("spire-agent.log")
        );
    }

    /// What the workload is given; `audience`: for whom.
    fn fetch(&self, audience: &str) -> String {
        let socket = self.file("agent.sock");
        self.until("SVID", |_| {
            let mut command = program("spire-agent");
            command.args([
                "api",
                "fetch",
                "jwt",
                "-audience",
                audience,
                "-output",
                "json",
                "-socketPath",
                &socket,
            ]);
            let output = command.output().unwrap();
            let fetched: Value = token_server::base::json::from_str(&text(&output)).ok()?;
            fetched[0]["svids"][0]["svid"].as_str().map(str::to_owned)
        })
    }
}

async fn service(database: Database) -> TestApp {
    TestApp::at(Clock::system(), database, &[]).await
}

async fn log_in(test: &TestApp, svid: &str, client_id: Option<&str>) -> Answer {
    present_as(test, "/token", JWT_SPIFFE, svid, client_id).await
}

/// The key of a token by its name.
fn kid(svid: &str) -> String {
    let (header, _) = token_server::jwt::decode_unverified(svid).unwrap();
    header["kid"].to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "interop"]
async fn a_workload_logs_in_with_the_svid_that_an_agent_gives_it() {
    let platform = Platform::start();
    let spire = Spire::start(&platform);
    let test = service(Database::fresh().await).await;
    let endpoint = format!("https://localhost:{}/", spire.bundle_port);
    let issuer =
        json!({"trust_domain": "acme.test", "bundle_endpoint": endpoint, "replay": "allow"});
    add(&test.app, &platform.issuer("spire", &issuer)).await;
    let identities = json!([{"issuer": "spire", "subject": SPIFFE_ID}]);
    register(&test, WORKLOAD, &identities).await;
    let name = IssuerName::parse("spire").unwrap();
    let check = test.app.issuers.check(&name).await.unwrap();
    assert_eq!((check.error, check.keys.len()), (None, 1));

    let svid = spire.fetch("https://tokens.test");
    for client_id in [None, Some(WORKLOAD)] {
        let answer = log_in(&test, &svid, client_id).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let for_another = spire.fetch("https://other.test");
    assert_eq!(log_in(&test, &for_another, None).await.status, 401);
    register(
        &test,
        "other",
        &json!([{"issuer": "spire", "subject": "spiffe://acme.test/ns/prod/sa/billing2"}]),
    )
    .await;
    assert_eq!(log_in(&test, &svid, Some("other")).await.status, 401);
}

/// The sequence of the bundle grows, as the one that is stored does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "interop"]
async fn an_authority_is_rotated() {
    let platform = Platform::start();
    let spire = Spire::start(&platform);
    let database = Database::fresh().await;
    let test = service(database.clone()).await;
    let endpoint = format!("https://localhost:{}/", spire.bundle_port);
    let issuer =
        json!({"trust_domain": "acme.test", "bundle_endpoint": endpoint, "replay": "allow"});
    add(&test.app, &platform.issuer("spire", &issuer)).await;
    register(
        &test,
        WORKLOAD,
        &json!([{"issuer": "spire", "subject": "spiffe://acme.test/ns/prod/*"}]),
    )
    .await;
    let before = spire.fetch("https://tokens.test");
    assert_eq!(log_in(&test, &before, Some(WORKLOAD)).await.status, 200);
    let name = IssuerName::parse("spire").unwrap();
    let stored = async || test.app.store().list_spiffe_sequences().await.unwrap()[&name];
    let first = stored().await;

    let prepared = spire.server(&["localauthority", "jwt", "prepare", "-output", "json"]);
    let prepared: Value = token_server::base::json::from_str(&text(&prepared)).unwrap();
    let authority = prepared["prepared_authority"]["authority_id"]
        .as_str()
        .unwrap();
    let activated = spire.server(&[
        "localauthority",
        "jwt",
        "activate",
        "-authorityID",
        authority,
    ]);
    assert!(activated.status.success(), "{activated:?}");
    // The agent gives out for minutes what it has; the server signs anew.
    let minted = spire.server(&[
        "jwt",
        "mint",
        "-spiffeID",
        SPIFFE_ID,
        "-audience",
        "https://tokens.test",
    ]);
    let after = text(&minted).trim().to_owned();
    assert_ne!(kid(&after), kid(&before));

    let restarted = service(database).await;
    for svid in [&before, &after] {
        let answer = log_in(&restarted, svid, Some(WORKLOAD)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert!(stored().await > first);
}
