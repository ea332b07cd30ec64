//! The built server on a port, with the clients that a script logs in as, and what the script is told about it.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::certificates::{write_certificate, write_client_certificate, write_key};
use super::recording::{RecordedCertificate, RecordedKey, RecordedServer, Recording, Relay};
use crate::harness::{Connection, Database};

pub(super) const CLIENT: &str = "billing";
pub(super) const SECRET: &str = "a-secret-for-tests-of-client-libraries";
pub(super) const KEY_CLIENT: &str = "billing-with-a-key";
pub(super) const CERTIFICATE_CLIENT: &str = "billing-with-a-certificate";
pub(super) const CERTIFICATE_SECRET: &str = "another-secret-for-tests-of-client-libraries";
/// It is called with tokens for [`AUDIENCE`], and calls [`OTHER_AUDIENCE`] on behalf of its callers.
pub(super) const SERVICE: &str = "invoices";
pub(super) const SERVICE_SECRET: &str = "a-fifth-secret-for-tests-of-client-libraries";
pub(super) const SERVICE_RULES: &str =
    r#"{"https://shipping.example.com": {"scopes": "invoices.read"}}"#;
const MCP_CLIENT: &str = "agent";
const MCP_SECRET: &str = "a-fourth-secret-for-tests-of-client-libraries";
const MCP_SERVER: &str = "https://invoices.example.com/mcp";
const OPERATOR: &str = "operator";
const OPERATOR_SECRET: &str = "a-third-secret-for-tests-of-client-libraries";
pub(super) const AUDIENCE: &str = "https://invoices.example.com";
pub(super) const OTHER_AUDIENCE: &str = "https://shipping.example.com";

/// How often the port may be taken by another process before the server comes.
pub(crate) const PORTS: usize = 5;

/// The server, until this is dropped.
pub(super) struct Scene {
    server: Child,
    folder: TempDir,
    /// What scripts and snippets read from their environment.
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) database: Database,
}

impl Scene {
    /// `ES256`, or with a setting behind it: `ES256_JWT` (`TOKEN_TYP`), `ES256_authorization` (`AUTHORIZATION_ENDPOINT`).
    pub(super) async fn start(signing_alg: &str) -> Self {
        Self::behind(None, signing_alg).await
    }

    /// With a relay in front, through which a library is recorded.
    pub(super) async fn start_recorded(relay: &Relay) -> Self {
        Self::behind(Some(relay), "ES256").await
    }

    async fn behind(relay: Option<&Relay>, signing_alg: &str) -> Self {
        let (folder, database) = (TempDir::new().unwrap(), Database::fresh().await);
        write_certificate(folder.path());
        let (signing_alg, setting) = signing_alg.split_once('_').unwrap_or((signing_alg, ""));
        let place = Place {
            folder: folder.path(),
            database: &database.url,
            signing_alg,
            token_typ: if setting == "JWT" { "JWT" } else { "at+jwt" },
            authorization_endpoint: setting == "authorization",
        };
        place.register_clients();
        let front = relay.map(Relay::port);
        let (server, port) = place.serve(front);
        if let Some(relay) = relay {
            relay.start(port, folder.path());
        }
        let issuer = format!("https://localhost:{}", front.unwrap_or(port));
        place.register_operator(&issuer);
        let mut scene = Self {
            server,
            variables: place.variables(&issuer),
            folder,
            database,
        };
        let tokens = scene.tokens().await;
        scene.variables.extend(tokens);
        if let Some(relay) = relay {
            // Those were not asked for by the library.
            relay.exchanges.lock().unwrap().clear();
        }
        scene
    }

    /// What has passed the relay, sent by this library.
    pub(super) async fn recording(&self, client: String, relay: &Relay) -> Recording {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join(name)).unwrap();
        let mut exchanges = std::mem::take(&mut *relay.exchanges.lock().unwrap());
        let mut asked = std::collections::BTreeSet::new();
        // The same public document once more says nothing new.
        exchanges.retain(|it| {
            !it.request.starts_with("GET /.well-known/") || asked.insert(it.request.clone())
        });
        let shows_certificate = exchanges.iter().any(|it| it.shows_certificate);
        Recording {
            client,
            server: RecordedServer {
                issuer: self.variable("ISSUER").to_owned(),
                signing_keys: self.signing_keys().await,
                client_jwks: token_server::base::json::from_str(&read("client.jwks")).unwrap(),
                client_certificate: shows_certificate.then(|| RecordedCertificate {
                    certificate: read("client-cert.pem"),
                    key: read("client-cert.key"),
                }),
            },
            exchanges,
        }
    }

    async fn signing_keys(&self) -> Vec<RecordedKey> {
        let Connection::Sqlite(mut connection) = self.database.connect().await else {
            panic!("a recording is made on SQLite");
        };
        let list = "select kid, alg, state, state_since, created_at, sealed_key from signing_keys";
        let rows: Vec<(String, String, String, i64, i64, String)> = sqlx::query_as(list)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let key = |(kid, alg, state, state_since, created_at, sealed_key)| RecordedKey {
            kid,
            alg,
            state,
            state_since,
            created_at,
            sealed_key,
        };
        rows.into_iter().map(key).collect()
    }

    pub(super) fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(theirs, _)| *theirs == name);
        found.map(|(_, value)| value.as_str()).unwrap()
    }

    /// An HTTP client that trusts the server and nobody else.
    pub(super) fn http(&self) -> reqwest::Client {
        // Several tests race to be the first; the provider is the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let ca = std::fs::read(self.variable("SSL_CERT_FILE")).unwrap();
        reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap()
    }

    /// What the server has logged.
    pub(super) fn log(&self) -> String {
        log(self.folder.path())
    }

    /// Tokens for microservices to judge, the first of them good.
    async fn tokens(&self) -> Vec<(&'static str, String)> {
        let token = self.token(AUDIENCE).await;
        let signature = token.rfind('.').unwrap() + 10;
        let other = if token.as_bytes()[signature] == b'A' {
            "B"
        } else {
            "A"
        };
        let mut forged = token.clone();
        forged.replace_range(signature..=signature, other);
        let mut of_another_type = "nothing else is signed".to_owned();
        if self.variable("SIGNING_ALG") != "HS256" {
            let answer = self
                .post("/introspect", &[("token", &token)])
                .header("accept", "application/token-introspection+jwt");
            let introspected = answer.send().await.unwrap().error_for_status().unwrap();
            of_another_type = introspected.text().await.unwrap();
        }
        vec![
            ("TOKEN_FOR_ANOTHER", self.token(OTHER_AUDIENCE).await),
            ("TOKEN_FORGED", forged),
            ("TOKEN_OF_ANOTHER_TYPE", of_another_type),
            ("TOKEN", token),
        ]
    }

    async fn token(&self, audience: &str) -> String {
        let form = [("grant_type", "client_credentials"), ("audience", audience)];
        let answer = self.post("/token", &form).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
        self.http()
            .post(format!("{}{path}", self.variable("ISSUER")))
            .basic_auth(CLIENT, Some(self.variable("CLIENT_SECRET")))
            .form(form)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// What the server is started with.
struct Place<'a> {
    folder: &'a Path,
    database: &'a str,
    signing_alg: &'a str,
    token_typ: &'a str,
    authorization_endpoint: bool,
}

impl Place<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_token-server"));
        command
            .args(arguments)
            .current_dir(self.folder)
            .env_clear()
            .env("SECRET", crate::harness::SECRET)
            .env("OPS_LISTEN", "off")
            .env("DATABASE_URL", self.database)
            .env("SIGNING_ALG", self.signing_alg)
            .env("TOKEN_TYP", self.token_typ)
            .env(
                "AUTHORIZATION_ENDPOINT",
                self.authorization_endpoint.to_string(),
            )
            .env("TLS_CERT", "cert.pem")
            .env("TLS_KEY", "key.pem")
            .env("TLS_CLIENT_CERTIFICATES", "true")
            // Who can do with a nonce can do without.
            .env("DPOP_NONCE", "required")
            .env("ARGON2_CHOSEN", "m=8,t=1,p=1")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command with this on its standard input.
    fn run(&self, arguments: &[&str], input: &str) {
        std::fs::write(self.folder.join("input"), input).unwrap();
        let mut command = self.command(arguments);
        command.stdin(File::open(self.folder.join("input")).unwrap());
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{arguments:?}: {ran:?}");
    }

    /// One with a secret, one with a secret and a certificate, one with a key, and one that is a service.
    fn register_clients(&self) {
        let create = |id: &str, secret: &str, more: &[&str]| {
            self.run(&[&["client", "create", id], more].concat(), secret);
        };
        let scopes = ["--scope", "invoices.read invoices.write", "--secret-stdin"];
        let audiences = ["--audience", AUDIENCE, "--audience", OTHER_AUDIENCE];
        create(CLIENT, SECRET, &[&scopes[..], &audiences].concat());
        write_key(self.folder);
        let scope = ["--scope", "invoices.read"];
        let key = [
            "--auth-method",
            "private_key_jwt",
            "--jwks",
            "client.jwks",
            // Authlib sends it.
            "--token-endpoint-as-audience",
        ];
        create(KEY_CLIENT, "", &[&scope[..], &key].concat());
        write_client_certificate(self.folder);
        let bound = [
            "--tls-client-certificate-bound-access-tokens",
            "--secret-stdin",
        ];
        create(CERTIFICATE_CLIENT, CERTIFICATE_SECRET, &bound);
        let own = ["--identifier", AUDIENCE, "--secret-stdin"];
        let rules = ["--exchange-rules", SERVICE_RULES];
        create(SERVICE, SERVICE_SECRET, &[&own[..], &rules].concat());
        let audience = ["--audience", MCP_SERVER, "--secret-stdin"];
        create(MCP_CLIENT, MCP_SECRET, &[&scope[..], &audience].concat());
    }

    /// A program of an operator. Whom its tokens are for follows from the issuer.
    fn register_operator(&self, issuer: &str) {
        let audience = format!("{issuer}/admin/api");
        let scope = ["--scope", "admin:read admin:write"];
        let more = ["--audience", &audience, "--secret-stdin"];
        let create = ["client", "create", OPERATOR];
        self.run(&[&create[..], &scope, &more].concat(), OPERATOR_SECRET);
    }

    /// The server once it listens, and its port. Clients know it by the port in front of it, if there is one.
    fn serve(&self, front: Option<u16>) -> (Child, u16) {
        let issuer = |port| format!("https://localhost:{}", front.unwrap_or(port));
        let mut command = self.command(&["serve"]);
        serve(self.folder, &mut command, |port| {
            vec![("ISSUER", issuer(port))]
        })
    }

    fn variables(&self, issuer: &str) -> Vec<(&'static str, String)> {
        let file = |name: &str| self.folder.join(name).to_str().unwrap().to_owned();
        let mut variables = vec![
            ("ISSUER", issuer.to_owned()),
            // It stands for any microservice: it says 200 to a good token, and 401 to others.
            ("API", format!("{issuer}/verify")),
            ("AUDIENCE", AUDIENCE.to_owned()),
            ("SIGNING_ALG", self.signing_alg.to_owned()),
            // Some libraries take `SECRET` for a setting of their own.
            ("SERVER_SECRET", crate::harness::SECRET.to_owned()),
            ("TOKEN_TYP", self.token_typ.to_owned()),
            ("CLIENT_ID", CLIENT.to_owned()),
            ("CLIENT_SECRET", SECRET.to_owned()),
            ("KEY_CLIENT_ID", KEY_CLIENT.to_owned()),
            ("CLIENT_KEY_FILE", file("client.key")),
            ("CERT_CLIENT_ID", CERTIFICATE_CLIENT.to_owned()),
            ("CERT_CLIENT_SECRET", CERTIFICATE_SECRET.to_owned()),
            ("SERVICE_ID", SERVICE.to_owned()),
            ("SERVICE_SECRET", SERVICE_SECRET.to_owned()),
            ("NEXT_AUDIENCE", OTHER_AUDIENCE.to_owned()),
            ("MCP_CLIENT_ID", MCP_CLIENT.to_owned()),
            ("MCP_CLIENT_SECRET", MCP_SECRET.to_owned()),
            ("MCP_SERVER", MCP_SERVER.to_owned()),
            ("OPERATOR_ID", OPERATOR.to_owned()),
            ("OPERATOR_SECRET", OPERATOR_SECRET.to_owned()),
            ("CLIENT_CERT_FILE", file("client-cert.pem")),
            ("CLIENT_CERT_KEY_FILE", file("client-cert.key")),
        ];
        // How each library is told whom to trust, as docs/integrations.md says.
        let trust = [
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "NODE_EXTRA_CA_CERTS",
            "CURL_CA_BUNDLE",
        ];
        variables.extend(trust.map(|name| (name, file("ca.pem"))));
        let store = file("trust.p12");
        let options = "-Djavax.net.ssl.trustStorePassword=changeit -Djavax.net.ssl.trustStore=";
        variables.push(("JAVA_TOOL_OPTIONS", format!("{options}{store}")));
        variables.push(("TRUST_STORE", store));
        variables
    }
}

/// Starts a server whose log is in `folder`, with settings for its port; the server once it listens, and its port.
pub(crate) fn serve(
    folder: &Path,
    command: &mut Command,
    settings: impl Fn(u16) -> Vec<(&'static str, String)>,
) -> (Child, u16) {
    for _ in 0..PORTS {
        let port = free_port();
        let mut server = command
            .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
            .envs(settings(port))
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        if listens(&mut server, folder) {
            return (server, port);
        }
    }
    panic!("every one of {PORTS} ports was taken");
}

/// Waits for a process that is not ours to await, with its log in `folder`. False when its port was taken.
pub(crate) fn listens(server: &mut Child, folder: &Path) -> bool {
    for _ in 0..1_000 {
        let log = log(folder);
        if log.contains("listening on") {
            return true;
        }
        if server.try_wait().unwrap().is_some() {
            assert!(log.contains("ddress already in use"), "it ended: {log}");
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the server did not come up: {}", log(folder));
}

/// What the server in this folder has logged.
pub(crate) fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap()
}

/// Another process may take it before the server does, which then tries another one.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
