//! A chain of real services, each in another language as `docs/call-chains` shows it, over two replicas on real ports.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use token_server::app::{NewClient, background};
use token_server::base::clock::Stopwatch;
use token_server::domain::{Audience, ClientStatus, ExpectedVersion, Identifiers, Metadata, Scope};
use tokio_util::sync::CancellationToken;

use super::{ACCESS_TOKEN, GRANT, access_token, id, parse_rules, token_at};
use crate::harness::{BY, Served, TestApp};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/call-chains");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/call-chains.md");

/// Nobody waits for longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// How each language is run, in the order of the chain.
const LANGUAGES: [(&str, &str); 4] = [
    ("node", "middle.mjs"),
    ("python3", "middle.py"),
    ("go", "middle.go"),
    ("java", "Middle.java"),
];

/// Two replicas that follow each other's changes.
struct Replicas {
    served: [Served; 2],
    /// What services are built to, and what they trust.
    folder: TempDir,
    stop: CancellationToken,
}

impl Drop for Replicas {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Replicas {
    async fn new() -> Self {
        let first = TestApp::with(&[]).await;
        let other = TestApp::on(first.database.clone(), &[]).await;
        let stop = CancellationToken::new();
        for test in [&first, &other] {
            let app = || Arc::clone(&test.app);
            let interval = Duration::from_secs(1);
            tokio::spawn(background::follow_changes(app(), interval, stop.clone()));
            tokio::spawn(background::listen(app(), stop.clone()));
        }
        let served = [Served::of(first), Served::of(other)];
        let folder = TempDir::new().unwrap();
        Self {
            served,
            folder,
            stop,
        }
    }

    fn first(&self) -> &TestApp {
        &self.served[0].test
    }

    /// A trust store of Java with the certificate of a replica.
    fn trust_store(&self, served: &Served) -> PathBuf {
        let store = self.folder.path().join("trust.p12");
        let made = Command::new("keytool")
            .args([
                "-importcert",
                "-noprompt",
                "-storepass",
                "changeit",
                "-file",
            ])
            .arg(served.folder.path().join("cert.pem"))
            .arg("-keystore")
            .arg(&store)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        store
    }

    /// Registers the client of a place in the chain; its secret.
    async fn register(&self, place: &str, next: Option<&str>) -> String {
        let rules = next.map(|next| {
            let rules = json!({ audience(next): { "scopes": "read" } });
            parse_rules(&rules.to_string())
        });
        let is_app = place == "app";
        let to = next.filter(|_| is_app).map(audience).unwrap_or_default();
        let own = if is_app {
            String::new()
        } else {
            audience(place)
        };
        let new = NewClient {
            client_id: Some(id(place)),
            scopes: Scope::parse("read").unwrap(),
            audiences: Audience::parse_list(&to).unwrap(),
            identifiers: Identifiers::parse(&own).unwrap(),
            exchange_rules: rules.filter(|_| !is_app).unwrap_or_default(),
            metadata: Metadata::parse(&json!({ "of": place }).to_string()).unwrap(),
            ..NewClient::default()
        };
        self.first().register(new).await
    }
}

fn audience(place: &str) -> String {
    format!("https://{place}.test")
}

/// A service of the chain, until this is dropped.
struct Service {
    child: Child,
    url: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a service is told, beside where the token server is.
struct Place<'a> {
    language: &'a str,
    file: &'a str,
    secret: &'a str,
    next: Option<(&'a str, &'a str)>,
}

impl Service {
    fn start(replicas: &Replicas, number: usize, place: &Place<'_>) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let served = &replicas.served[number % 2];
        let mut command = command(replicas, served, place);
        let certificate = served.folder.path().join("cert.pem");
        let (next, target) = place.next.unwrap_or_default();
        let target = Some(target).filter(|it| !it.is_empty()).map(audience);
        command
            .env("TOKEN_SERVER", served.url(""))
            .env("CLIENT_ID", place.language)
            .env("CLIENT_SECRET", place.secret)
            .env("AUDIENCE", audience(place.language))
            .env("TARGET", target.unwrap_or_default())
            .env("NEXT", next)
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
        assert_eq!(line.trim(), "ready", "{}", place.language);
        Self {
            child,
            url: format!("http://127.0.0.1:{port}/"),
        }
    }
}

fn command(replicas: &Replicas, served: &Served, place: &Place<'_>) -> Command {
    let path = Path::new(FOLDER).join(place.file);
    let mut command = match place.language {
        // Compiled, so that what is killed is the service itself.
        "go" => {
            let program = replicas.folder.path().join("middle");
            let mut compiler = Command::new("go");
            compiler.args(["build", "-o"]).arg(&program).arg(path);
            let done = compiler.env("GOTOOLCHAIN", "local").output().unwrap();
            assert!(done.status.success(), "{done:?}");
            return Command::new(program);
        }
        "java" => {
            let mut java = Command::new("java");
            let store = replicas.trust_store(served);
            java.arg(format!("-Djavax.net.ssl.trustStore={}", store.display()));
            java.arg("-Djavax.net.ssl.trustStorePassword=changeit");
            java
        }
        other => Command::new(other),
    };
    command.arg(path);
    command
}

fn is_here(program: &str) -> bool {
    let asked = Command::new(program)
        .arg(if program == "go" {
            "version"
        } else {
            "--version"
        })
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

async fn call(url: &str, token: &str) -> (u16, serde_json::Value) {
    // Another test may have been the first; the provider is the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(url).bearer_auth(token).timeout(PATIENCE);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

/// Each service is a process of its own, and asks another replica than its neighbour.
#[tokio::test(flavor = "multi_thread")]
async fn services_in_four_languages_call_one_another_on_behalf_of_an_app_and_end_together() {
    let languages: Vec<_> = LANGUAGES.into_iter().filter(|it| is_here(it.0)).collect();
    assert!(!languages.is_empty(), "none of the languages is here");
    let replicas = Replicas::new().await;
    let mut services = Vec::new();
    let mut next: Option<(String, &str)> = None;
    for (number, (language, file)) in languages.iter().enumerate().rev() {
        let secret = replicas
            .register(language, next.as_ref().map(|it| it.1))
            .await;
        let place = Place {
            language,
            file,
            secret: &secret,
            next: next.as_ref().map(|it| (it.0.as_str(), it.1)),
        };
        let service = Service::start(&replicas, number, &place);
        next = Some((service.url.clone(), language));
        services.push(service);
    }
    let (url, entrance) = next.unwrap();
    let secret = replicas.register("app", Some(entrance)).await;
    let userinfo = format!("app:{secret}");
    let token = token_at(replicas.first(), &userinfo, "").await;

    // The second time every service has its token still.
    for _ in 0..2 {
        let (status, claims) = call(&url, &token).await;
        assert_eq!(status, 200, "{claims}");
        assert_eq!(
            (&claims["sub"], &claims["metadata"]),
            (&json!("app"), &json!({"of": "app"}))
        );
        let actors = actors(&claims["act"]);
        let expected: Vec<&str> = languages.iter().rev().skip(1).map(|it| it.0).collect();
        assert_eq!(actors, expected);
    }
    let (status, _) = call(&url, "nonsense").await;
    assert_eq!(status, 401);
    let tokens = &replicas.first().app.tokens;
    tokens.revoke(BY, &token).await.unwrap();
    until("it is refused", async || call(&url, &token).await.0 == 401).await;

    // The last but one goes: what it called on its callers' behalf is refused, and it gets nothing more.
    if let [.., off, _] = languages.as_slice() {
        let token = token_at(replicas.first(), &userinfo, "").await;
        assert_eq!(call(&url, &token).await.0, 200);
        let clients = &replicas.first().app.clients;
        let (off, disabled) = (id(off.0), ClientStatus::Disabled);
        clients.set_status(BY, &off, disabled).await.unwrap();
        until("it is refused", async || call(&url, &token).await.0 != 200).await;
        for served in &replicas.served {
            assert_eq!(served.test.verify(&token).await.status, 200);
        }
    }
}

/// The actors from the outermost one on.
fn actors(act: &serde_json::Value) -> Vec<&str> {
    let nested = std::iter::successors(Some(act), |act| act.get("act"));
    nested.filter_map(|act| act["sub"].as_str()).collect()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(in_time.is_ok(), "never: {what}");
}

/// How each round ends the tokens that came of the first one.
#[derive(Clone, Copy)]
enum End {
    Token,
    Disable,
    Delete,
    RevokeTokens,
}

/// Prints the times: `cargo test --test it -- exchange::services --nocapture`.
#[tokio::test(flavor = "multi_thread")]
async fn every_descendant_is_refused_on_both_replicas_in_the_time_that_is_printed() {
    let replicas = Replicas::new().await;
    // SQLite notifies nobody: there each round takes as long as the interval between two readings.
    let notifies = replicas
        .first()
        .app
        .store()
        .listen()
        .await
        .unwrap()
        .is_some();
    let rounds = if notifies { 200 } else { 4 };
    let mut times = Vec::new();
    for round in 0..rounds {
        let end = [End::Token, End::Disable, End::Delete, End::RevokeTokens][round % 4];
        times.push(end_chain(&replicas, round, end).await);
    }
    times.sort();
    println!(
        "of {rounds} chains that were ended, their last tokens were refused on both replicas after: median {:?}, worst {:?}",
        times[rounds / 2],
        times[rounds - 1]
    );
}

/// A chain of three clients of its own, ended; the time until its last token is refused on both replicas.
async fn end_chain(replicas: &Replicas, round: usize, end: End) -> Duration {
    let [a, b, c] = ["a", "b", "c"].map(|name| format!("{name}{round}"));
    let test = replicas.first();
    let userinfo = async |place: &str, next: Option<&str>, is_app: bool| {
        let rules = next.filter(|_| !is_app);
        let rules = rules.map(|next| json!({ audience(next): { "scopes": "read" } }).to_string());
        let to = next.filter(|_| is_app).map(audience).unwrap_or_default();
        let new = NewClient {
            client_id: Some(id(place)),
            scopes: Scope::parse("read").unwrap(),
            audiences: Audience::parse_list(&to).unwrap(),
            identifiers: Identifiers::parse(&audience(place)).unwrap(),
            exchange_rules: rules.as_deref().map(parse_rules).unwrap_or_default(),
            ..NewClient::default()
        };
        format!("{place}:{}", test.register(new).await)
    };
    let [app, middle, last] = [
        userinfo(&a, Some(&b), true).await,
        userinfo(&b, Some(&c), false).await,
        userinfo(&c, Some("end"), false).await,
    ];
    let first = token_at(test, &app, "").await;
    let second = exchange_at(test, &middle, &first, &audience(&c)).await;
    let other = &replicas.served[1].test;
    let (app, clients) = (&test.app, &test.app.clients);
    let any = ExpectedVersion::Any;
    let third = exchange_at(other, &last, &second, "https://end.test").await;

    match end {
        End::Token => drop(app.tokens.revoke(BY, &first).await.unwrap()),
        End::Disable => {
            let off = ClientStatus::Disabled;
            clients.set_status(BY, &id(&b), off).await.unwrap();
        }
        End::Delete => clients.delete(BY, &id(&c), &any).await.unwrap(),
        End::RevokeTokens => {
            app.tokens.revoke_client(BY, &id(&a)).await.unwrap();
        }
    }
    let stopwatch = Stopwatch::start();
    // What the other replica gives as long as it does not know it ends too.
    let params = [
        ("grant_type", GRANT),
        ("subject_token", &*second),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", "https://end.test"),
    ];
    let late = other.post_basic("/token", &last, &params).await;
    let late = (late.status == 200).then(|| access_token(&late));
    for token in [Some(third), late].into_iter().flatten() {
        for test in [test, other] {
            until("it is refused", async || {
                test.verify(&token).await.status == 401
            })
            .await;
        }
    }
    let ended = stopwatch.elapsed();
    // Nothing else ends.
    let still = !matches!(end, End::Token | End::RevokeTokens);
    for test in [test, other] {
        assert_eq!(test.verify(&first).await.status == 200, still);
    }
    ended
}

async fn exchange_at(test: &TestApp, userinfo: &str, token: &str, target: &str) -> String {
    let params = [
        ("grant_type", GRANT),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", target),
    ];
    access_token(&test.post_basic("/token", userinfo, &params).await)
}

#[test]
fn every_snippet_on_the_page_is_part_of_a_service_that_is_run() {
    let page = fs::read_to_string(PAGE).unwrap();
    let mut snippets = BTreeMap::new();
    for (_, file) in LANGUAGES {
        let text = fs::read_to_string(Path::new(FOLDER).join(file)).unwrap();
        let (_, rest) = text.split_once(" snippet: ").unwrap();
        let (name, rest) = rest.split_once('\n').unwrap();
        let lines = rest.lines().take_while(|line| {
            let line = line.trim_start();
            line != "// end" && line != "# end"
        });
        let lines: Vec<&str> = lines.collect();
        let inked = lines.iter().filter(|line| !line.is_empty());
        let depth = |line: &&str| line.len() - line.trim_start().len();
        let margin = inked.map(depth).min().unwrap();
        let cut = lines
            .iter()
            .map(|line| line.get(margin..).unwrap_or_default());
        let snippet = cut.collect::<Vec<_>>().join("\n").trim_end().to_owned();
        assert!(
            page.contains(&snippet),
            "docs/call-chains.md has not:\n{snippet}"
        );
        snippets.insert(name.to_owned(), snippet);
    }
    assert_eq!(snippets.len(), LANGUAGES.len());
}
