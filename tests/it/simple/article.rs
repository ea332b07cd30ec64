//! The callers of the article that this server starts from, in Node.js over TLS: a form, JSON, the token bare, as Bearer and in the
//! body, and its decoding with the SECRET that a microservice shares.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::harness::{CLIENT, Database, SECRET, Served, TestApp};

/// Beyond it the script waits for something that does not come.
const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::test]
async fn the_articles_own_callers_in_node_work_unchanged() {
    // They look at the clock of the machine.
    let clock = token_server::base::clock::Clock::system();
    let test = TestApp::at(clock, Database::fresh().await, &[]).await;
    let served = Served::of(test);
    let secret = served.test.client().await;

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/simple/article.mjs");
    let child = Command::new("node")
        .arg(script)
        .env("BASE", served.url(""))
        .env("CLIENT_ID", CLIENT)
        .env("CLIENT_SECRET", secret)
        .env("SECRET", SECRET)
        .env("NODE_EXTRA_CA_CERTS", served.folder.path().join("cert.pem"))
        .env_remove("NODE_OPTIONS")
        // Whatever proxies this machine has for the world outside.
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("node: {error}"));
    let ran = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let ran = ran.expect("the script does not end").unwrap();

    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{err}");
}
