//! `token inspect`.

use std::io::Write;
use std::process::Stdio;

use token_server::clock::{Clock, UnixTime};

use super::{Ran, Shell};
use crate::harness::{CLIENT, TestApp};

/// Tokens that the binary's settings make good: one of now, one that has ended.
async fn tokens() -> (String, String) {
    let test = TestApp::with(&[("ISSUER", "https://localhost:2600")]).await;
    let secret = test.client().await;
    let UnixTime(now) = Clock::system().now();
    let old = test.token(&secret).await;
    let UnixTime(fixed) = test.clock.now();
    test.clock.advance(now - fixed);
    (test.token(&secret).await, old)
}

#[tokio::test]
async fn a_token_is_shown_with_its_verdict() {
    let shell = Shell::new().await;
    let (good, _) = tokens().await;

    let text = shell.run(&["token", "inspect", &good]);
    let json = shell.run(&["token", "inspect", &good, "--json"]);

    assert_eq!((text.code, json.code), (0, 0), "{text:?} {json:?}");
    assert!(text.out.starts_with("good until "), "{}", text.out);
    assert_eq!(json.json()["good"], true);
    assert_eq!(json.json()["header"]["typ"], "at+jwt");
    assert_eq!(json.json()["claims"]["client_id"], CLIENT);
}

#[tokio::test]
async fn a_token_may_come_by_stdin() {
    let shell = Shell::new().await;
    let (good, _) = tokens().await;

    let mut child = shell
        .command(&["token", "inspect", "--json"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{good}").unwrap();
    drop(stdin);
    let ran = Ran::from(child.wait_with_output().unwrap());

    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["good"], true);
}

#[tokio::test]
async fn a_token_that_is_no_good_is_shown_and_fails() {
    let shell = Shell::new().await;
    let (good, _) = tokens().await;

    let foreign = Ran::from(
        shell
            .command(&["token", "inspect", &good, "--json"])
            .env("SECRET", "another secret, of more than 32 bytes")
            .output()
            .unwrap(),
    );
    let garbage = shell.run(&["token", "inspect", "eyJ.hunter2.x", "--json"]);

    assert_eq!(foreign.code, 1, "{foreign:?}");
    assert_eq!(foreign.json()["good"], false);
    assert_eq!(foreign.json()["claims"]["client_id"], CLIENT);
    assert_eq!((garbage.code, garbage.out.as_str()), (1, ""));
    assert!(!garbage.err.contains("hunter2"), "{}", garbage.err);
}
