//! Two replicas, each a process of its own, on one database, and the command line of an operator beside them.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use reqwest::RequestBuilder;
use serde_json::Value;
use tempfile::TempDir;

use crate::clients;
use crate::exchange::{ACCESS_TOKEN, GRANT};
use crate::harness::{Database, SECRET, write_certificate};

pub(super) struct Replicas {
    /// Has the certificate of both.
    pub(super) folder: TempDir,
    servers: Vec<Server>,
    http: reqwest::Client,
    database: Database,
}

struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Replicas {
    pub(super) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        write_certificate(folder.path());
        // Another test may have been the first; the provider is the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let certificate = fs::read(folder.path().join("cert.pem")).unwrap();
        let certificate = reqwest::Certificate::from_pem(&certificate).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([certificate]);
        let mut replicas = Self {
            folder,
            servers: Vec::new(),
            http: http.no_proxy().build().unwrap(),
            database: Database::fresh().await,
        };
        for name in ["first", "second"] {
            let server = replicas.start_one(name);
            replicas.servers.push(server);
        }
        replicas
    }

    fn start_one(&self, name: &str) -> Server {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        let (child, port) = clients::serve(&folder, &mut self.program(&["serve"]), |_| vec![]);
        Server { child, port }
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_token-server"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("SECRET", SECRET)
            .env("ISSUER", "https://tokens.test")
            .env("DATABASE_URL", &self.database.url)
            .env("OPS_LISTEN", "off")
            .env("TLS_CERT", "cert.pem")
            .env("TLS_KEY", "key.pem")
            .env("ARGON2_CHOSEN", "m=8,t=1,p=1")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command of an operator to its end, with this on its standard input.
    pub(super) async fn operate(&self, arguments: &[&str], input: &str) {
        let file = self.folder.path().join("input");
        fs::write(&file, input).unwrap();
        let mut command = self.program(arguments);
        command.stdin(File::open(file).unwrap());
        let ran = tokio::process::Command::from(command).output().await;
        let ran = ran.unwrap();
        assert!(ran.status.success(), "{arguments:?}: {ran:?}");
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// A URL at one of the two.
    pub(super) fn url(&self, number: usize, path: &str) -> String {
        format!("https://localhost:{}{path}", self.servers[number % 2].port)
    }

    /// What each of the two says of a token.
    pub(super) async fn verify(&self, token: &str) -> [u16; 2] {
        let ask = async |number| {
            let request = self.http.get(self.url(number, "/verify"));
            answer(request.bearer_auth(token)).await.0
        };
        [ask(0).await, ask(1).await]
    }

    /// A form that a client sends to one of the two.
    pub(super) async fn post(
        &self,
        number: usize,
        path: &str,
        client: &str,
        form: &[(&str, &str)],
    ) -> (u16, Value) {
        let request = self.http.post(self.url(number, path));
        let secret = super::secret(client);
        answer(request.basic_auth(client, Some(secret)).form(form)).await
    }

    /// What a client gets for a token, unless it is refused.
    pub(super) async fn exchange(
        &self,
        number: usize,
        client: &str,
        token: &str,
        target: &str,
    ) -> Option<String> {
        let form = [
            ("grant_type", GRANT),
            ("subject_token", token),
            ("subject_token_type", ACCESS_TOKEN),
            ("audience", target),
        ];
        let (status, answer) = self.post(number, "/token", client, &form).await;
        let token = answer["access_token"].as_str();
        assert_eq!(status == 200, token.is_some(), "{status}: {answer}");
        token.map(str::to_owned)
    }
}

/// Status and JSON.
pub(super) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let answer = request.timeout(super::PATIENCE).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}
