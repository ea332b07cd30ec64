//! What the docs tell operators to do now and then, done step by step with the built server: restore a backup, rotate SECRET,
//! serve under a role that can change no table.

mod backup;
mod compose;
mod page;
mod restoring;
mod roles;
mod rotation;
mod secret;
mod site;

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::process::{Child, Output};
use std::time::Duration;

use serde_json::Value;

use crate::cli::signal;
use crate::clients;
use crate::harness::{Ran, Shell};

type Settings<'a> = &'a [(&'a str, &'a str)];

/// A running server; killed when it is dropped.
struct Server {
    child: Child,
    port: u16,
    caller: Caller,
}

impl Deref for Server {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// Asks a server.
struct Caller {
    origin: String,
    client: reqwest::Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts one whose log is in the folder `name`.
    fn start(shell: &Shell, name: &str, settings: Settings<'_>) -> Self {
        let folder = shell.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        let mut command = shell.command(&["serve", "--no-migrate"]);
        command
            // The same for all, whatever their ports are.
            .env("ISSUER", "https://localhost:2600")
            .envs(settings.iter().copied());
        let (child, port) = clients::serve(&folder, &mut command, |_| vec![]);
        Self {
            child,
            port,
            caller: Caller::of(shell, SocketAddr::from(([127, 0, 0, 1], port))),
        }
    }

    /// Stops it as a service manager does. The client closes its connections meanwhile.
    async fn stop(mut self) {
        signal(&self.child, "-TERM");
        until("it stops", async || {
            self.child.try_wait().unwrap().is_some()
        })
        .await;
        assert!(self.child.wait().unwrap().success());
    }
}

impl Caller {
    /// Trusts the certificate of the shell.
    fn of(shell: &Shell, address: SocketAddr) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let certificate = fs::read(shell.path().join("certs/cert.pem")).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&certificate).unwrap()])
            .no_proxy()
            // A restart closes what would be kept.
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .resolve("localhost", address)
            .build()
            .unwrap();
        Self {
            origin: format!("https://localhost:{}", address.port()),
            client,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.client.post(self.url(path)).form(form).send().await;
        let answer = answer.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn log_in(&self, id: &str, secret: &str) -> (u16, Value) {
        let form = [("client_id", id), ("client_secret", secret)];
        self.post("/authorize", &form).await
    }

    async fn token(&self, id: &str, secret: &str) -> String {
        let (status, answer) = self.log_in(id, secret).await;
        assert_eq!(status, 200, "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn verify(&self, token: &str) -> u16 {
        let asked = self.client.get(self.url("/verify")).bearer_auth(token);
        asked.send().await.unwrap().status().as_u16()
    }

    async fn revoke(&self, id: &str, secret: &str, token: &str) -> u16 {
        let form = [
            ("client_id", id),
            ("client_secret", secret),
            ("token", token),
        ];
        self.post("/revoke", &form).await.0
    }

    /// What `/readyz` says.
    async fn readiness(&self) -> String {
        let answer = self.client.get(self.url("/readyz")).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["status"].as_str().unwrap_or_default().to_owned()
    }
}

/// What a command does with these settings.
fn run(shell: &Shell, settings: Settings<'_>, arguments: &[&str]) -> Ran {
    let mut command = shell.command(arguments);
    command.env("ISSUER", "https://localhost:2600");
    Ran::from(command.envs(settings.iter().copied()).output().unwrap())
}

/// Runs a command, which has to work.
#[track_caller]
fn done(shell: &Shell, settings: Settings<'_>, arguments: &[&str]) -> Ran {
    let ran = run(shell, settings, arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    ran
}

/// Registers a client; its secret.
#[track_caller]
fn register(shell: &Shell, settings: Settings<'_>, id: &str) -> String {
    let ran = done(shell, settings, &["client", "create", id, "--json"]);
    ran.json()["client_secret"].as_str().unwrap().to_owned()
}

/// Waits in real time for other processes.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    panic!("it did not come to that: {what}");
}

/// Asserts that a program of Postgres did its work.
#[track_caller]
fn worked(output: &Output) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}
