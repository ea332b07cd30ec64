//! `token inspect`, `token revoke` and `client revoke-tokens`.

use std::io::Write;
use std::process::Stdio;

use token_server::base::clock::{Clock, UnixTime};

use crate::harness::{CLIENT, Ran, Shell, TestApp};

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
    assert!(text.out.starts_with("valid until "), "{}", text.out);
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

/// A service on the shell's database, at the time of the binary's clock, with a client and a token of it.
async fn serving(shell: &Shell) -> (TestApp, String) {
    let issuer = [("ISSUER", "https://localhost:2600")];
    let test = TestApp::on(shell.database().clone(), &issuer).await;
    let UnixTime(now) = Clock::system().now();
    test.clock.advance(now - test.clock.now().0);
    let token = test.token(&test.client().await).await;
    (test, token)
}

#[tokio::test]
async fn a_token_is_revoked_and_may_be_revoked_again() {
    let shell = Shell::migrated().await;
    let (test, first) = serving(&shell).await;

    let by_argument = shell.run(&["token", "revoke", &first]);
    let again = shell.run(&["token", "revoke", &first]);
    test.read_changes().await;

    for ran in [by_argument, again] {
        assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
        assert!(
            ran.err.contains("`billing`") && !ran.err.contains(&first),
            "{ran:?}"
        );
    }
    test.verify(&first).await.assert_error(401, "invalid_token");
    let alone = shell.run(&["token", "inspect", &first, "--json"]);
    let looked_up = shell.run(&["token", "inspect", &first, "--revoked", "--json"]);
    assert_eq!((alone.code, alone.json()["good"].clone()), (0, true.into()));
    assert_eq!(looked_up.code, 1, "{looked_up:?}");
    let verdict = looked_up.json()["verdict"].as_str().unwrap().to_owned();
    assert!(
        verdict.starts_with("the token is revoked: ") && verdict.ends_with("was revoked"),
        "{verdict}"
    );
}

#[tokio::test]
async fn a_token_to_be_revoked_may_come_by_stdin() {
    let shell = Shell::migrated().await;
    let (test, token) = serving(&shell).await;

    for arguments in [&["token", "revoke"][..], &["token", "revoke", "-"]] {
        let mut child = shell
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{token}").unwrap();
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    test.read_changes().await;

    test.verify(&token).await.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn what_is_no_good_token_cannot_be_revoked() {
    let shell = Shell::migrated().await;
    let (_, old) = tokens().await;

    for token in ["nonsense", &old] {
        let ran = shell.run(&["token", "revoke", token]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
        assert!(ran.err.starts_with("error: the token is"), "{ran:?}");
    }
}

#[tokio::test]
async fn all_tokens_of_a_client_are_revoked_by_a_command() {
    let shell = Shell::migrated().await;
    let (test, token) = serving(&shell).await;

    let ran = shell.run(&["client", "revoke-tokens", CLIENT, "--yes", "--json"]);
    let unknown = shell.run(&["client", "revoke-tokens", "nobody"]);
    test.read_changes().await;

    assert_eq!((ran.code, unknown.code), (0, 3), "{ran:?} {unknown:?}");
    assert_eq!(ran.json()["status"], "enabled");
    test.verify(&token).await.assert_error(401, "invalid_token");
}
