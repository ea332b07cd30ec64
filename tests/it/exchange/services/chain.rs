//! Four services, each a process in another language as `docs/call-chains` shows it, that call one another. Between
//! them stands a tap, which knows with which tokens they do.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path as InPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};

use super::replicas::{Replicas, answer};
use super::{FOLDER, LANGUAGES, audience, secret, until};
use crate::clients::free_port;

/// The services in the order in which they are called.
pub(super) const SERVICES: [&str; 4] = ["a", "b", "c", "d"];
/// Who calls the first of them.
pub(super) const APPS: [&str; 2] = ["app", "other-app"];

pub(super) struct Chain {
    pub(super) replicas: Replicas,
    tap: Arc<Tap>,
    port: u16,
    _services: Vec<Service>,
}

impl Chain {
    pub(super) async fn start() -> Self {
        let languages: Vec<_> = LANGUAGES.into_iter().filter(|it| is_here(it.0)).collect();
        assert!(!languages.is_empty(), "none of the languages is here");
        let replicas = Replicas::start().await;
        for app in APPS {
            let to = audience(SERVICES[0]);
            register(&replicas, app, &["--audience", &to]).await;
        }
        for number in 0..SERVICES.len() {
            register_service(&replicas, number).await;
        }
        let ports = SERVICES.map(|_| free_port());
        let (port, tap) = Tap::start(ports.map(|port| format!("http://127.0.0.1:{port}/"))).await;
        let services = languages.iter().cycle().zip(ports).enumerate();
        let services = services.map(|(number, (language, own))| {
            let next = (number + 1 < SERVICES.len())
                .then(|| format!("http://127.0.0.1:{port}/{}", number + 1));
            Service::start(&replicas, number, *language, own, next)
        });
        let services = services.collect();
        Self {
            replicas,
            tap,
            port,
            _services: services,
        }
    }

    /// What the first service answers to a call with this token.
    pub(super) async fn call(&self, token: &str) -> (u16, Value) {
        self.tap.seen.lock().unwrap().clear();
        let request = self
            .tap
            .http
            .get(format!("http://127.0.0.1:{}/0", self.port));
        answer(request.bearer_auth(token)).await
    }

    pub(super) async fn token(&self, app: &str) -> String {
        let form = [("grant_type", "client_credentials")];
        let (status, answer) = self.replicas.post(0, "/token", app, &form).await;
        assert_eq!(status, 200, "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// The tokens of one call through all services: of this app, and of every service but the last.
    pub(super) async fn tokens(&self, app: &str) -> Vec<String> {
        let (status, answer) = self.call(&self.token(app).await).await;
        assert_eq!(status, 200, "{answer}");
        let seen = self.tap.seen.lock().unwrap().clone();
        assert_eq!(seen.len(), SERVICES.len());
        seen
    }

    /// Asserts that these tokens come to be refused by both replicas, and that those are good at both.
    pub(super) async fn assert_ended(&self, ended: &[String], good: &[String]) {
        for token in ended {
            until("both refuse it", async || {
                self.replicas.verify(token).await == [401; 2]
            })
            .await;
        }
        for token in good {
            assert_eq!(self.replicas.verify(token).await, [200; 2]);
        }
    }
}

/// Registers the client of a service, by its place in the chain.
pub(super) async fn register_service(replicas: &Replicas, number: usize) {
    let own = audience(SERVICES[number]);
    let next = SERVICES.get(number + 1);
    let rules = next.map(|next| json!({ audience(next): { "scopes": "read" } }));
    let rules = rules.unwrap_or_else(|| json!({})).to_string();
    let options = ["--identifier", &*own, "--exchange-rules", &*rules];
    register(replicas, SERVICES[number], &options).await;
}

async fn register(replicas: &Replicas, client: &str, options: &[&str]) {
    let metadata = json!({ "of": client }).to_string();
    let create = ["client", "create", client, "--secret-stdin"];
    let what = ["--scope", "read", "--metadata", &*metadata];
    let arguments = [&create[..], &what, options].concat();
    replicas.operate(&arguments, &secret(client)).await;
}

/// It is asked in the place of each service, and asks that one.
struct Tap {
    services: [String; 4],
    http: reqwest::Client,
    /// The tokens of the last call, in their order.
    seen: Mutex<Vec<String>>,
}

impl Tap {
    async fn start(services: [String; 4]) -> (u16, Arc<Self>) {
        let tap = Arc::new(Self {
            services,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            seen: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/{number}", get(pass_on));
        let router = router.with_state(Arc::clone(&tap));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (port, tap)
    }
}

async fn pass_on(
    State(tap): State<Arc<Tap>>,
    InPath(number): InPath<usize>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    let header = headers["authorization"].to_str().unwrap();
    let token = header.strip_prefix("Bearer ").unwrap();
    tap.seen.lock().unwrap().push(token.to_owned());
    let request = tap.http.get(&tap.services[number]).bearer_auth(token);
    let (status, body) = answer(request).await;
    (StatusCode::from_u16(status).unwrap(), body.to_string())
}

/// A service of the chain, until this is dropped.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Service {
    /// Each asks another replica than its neighbour.
    fn start(
        replicas: &Replicas,
        number: usize,
        language: (&str, &str),
        port: u16,
        next: Option<String>,
    ) -> Self {
        let name = SERVICES[number];
        let target = SERVICES.get(number + 1).map(|next| audience(next));
        let certificate = replicas.certificate();
        let own_folder = replicas.folder.path().join(name);
        fs::create_dir(&own_folder).unwrap();
        let mut command = command(&own_folder, language, &certificate);
        command
            .env("TOKEN_SERVER", replicas.url(number, ""))
            .env("CLIENT_ID", name)
            .env("CLIENT_SECRET", secret(name))
            .env("AUDIENCE", audience(name))
            .env("TARGET", target.unwrap_or_default())
            .env("NEXT", next.unwrap_or_default())
            .env("PORT", port.to_string())
            .env("NODE_EXTRA_CA_CERTS", &certificate)
            .env("SSL_CERT_FILE", &certificate)
            .envs([
                ("NO_PROXY", "localhost,127.0.0.1"),
                ("no_proxy", "localhost,127.0.0.1"),
            ])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready", "{}", language.0);
        Self(child)
    }
}

/// How a service is run, with what it is built to in a folder of its own.
fn command(folder: &Path, (language, file): (&str, &str), certificate: &Path) -> Command {
    let path = Path::new(FOLDER).join(file);
    let mut command = match language {
        // Compiled, so that what is killed is the service itself.
        "go" => {
            let program = folder.join("middle");
            let mut compiler = Command::new("go");
            compiler.args(["build", "-o"]).arg(&program).arg(path);
            let done = compiler.env("GOTOOLCHAIN", "local").output().unwrap();
            assert!(done.status.success(), "{done:?}");
            return Command::new(program);
        }
        "java" => {
            let mut java = Command::new("java");
            let store = trust_store(folder, certificate);
            java.arg(format!("-Djavax.net.ssl.trustStore={}", store.display()));
            java.arg("-Djavax.net.ssl.trustStorePassword=changeit");
            java
        }
        other => Command::new(other),
    };
    command.arg(path);
    command
}

/// A trust store of Java with this certificate.
fn trust_store(folder: &Path, certificate: &Path) -> PathBuf {
    let store = folder.join("trust.p12");
    let options = ["-importcert", "-noprompt", "-storepass", "changeit"];
    let made = Command::new("keytool")
        .args(options)
        .arg("-file")
        .arg(certificate)
        .arg("-keystore")
        .arg(&store)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    store
}

fn is_here(program: &str) -> bool {
    let version = if program == "go" {
        "version"
    } else {
        "--version"
    };
    let asked = Command::new(program)
        .arg(version)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}
