//! `key`, and what the other commands say of keys.

use token_server::base::clock::{Clock, UnixTime};

use crate::harness::{Ran, SECRET, Shell, TestApp};

const OTHER: &str = "another secret for tests, of more than 32 bytes";

/// The command with `SIGNING_ALG=ES256` and more settings.
fn run_with(shell: &Shell, arguments: &[&str], settings: &[(&str, &str)]) -> Ran {
    let mut command = shell.command(arguments);
    command.env("SIGNING_ALG", "ES256");
    Ran::from(command.envs(settings.iter().copied()).output().unwrap())
}

fn run(shell: &Shell, arguments: &[&str]) -> Ran {
    run_with(shell, arguments, &[])
}

/// The names of the keys in a state, as `key list` tells them.
fn kids(shell: &Shell, state: &str) -> Vec<String> {
    let listed = run(shell, &["key", "list", "--json"]).json();
    let keys = listed["keys"].as_array().unwrap().iter();
    keys.filter(|key| key["state"] == state)
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn keys_are_rotated_listed_retired_and_deleted() {
    let shell = Shell::migrated().await;
    let first = run(&shell, &["key", "rotate", "--json"]);
    assert_eq!(first.code, 0, "{first:?}");
    let active = first.json()["active"].as_str().unwrap().to_owned();
    let next = first.json()["next"].as_str().unwrap().to_owned();
    assert!(first.json()["retired"].is_null());

    let early = run(&shell, &["key", "rotate"]);
    assert_eq!((early.code, early.out.as_str()), (1, ""), "{early:?}");
    assert!(early.err.contains("--now"), "{early:?}");
    let forced = run(&shell, &["key", "rotate", "--now", "--yes"]);
    assert_eq!(forced.code, 0, "{forced:?}");
    assert!(forced.out.contains(&next) && forced.out.contains(&active));

    assert_eq!(kids(&shell, "active"), [next.as_str()]);
    assert_eq!(kids(&shell, "retired"), [active.as_str()]);
    let table = run(&shell, &["key", "list"]);
    assert_eq!(table.out.lines().count(), 4, "{table:?}");
    assert!(table.out.contains("VERIFIES_UNTIL") && table.err.is_empty());

    for (arguments, code) in [
        (&["key", "retire", &next, "--yes"][..], 2),
        (&["key", "retire", &active], 2),
        (&["key", "retire", &active, "--yes"], 4),
        (&["key", "retire", "nobody"], 3),
        (&["key", "retire", "-_-"], 3),
        (&["key", "retire", "no/kid"], 2),
        (&["key", "delete", &active], 2),
        (&["key", "delete", &next, "--yes"], 2),
        (&["key", "delete", "--yes", "-_-"], 3),
        (&["key", "prepare", "HS256"], 2),
        (&["key", "prepare", "ES512"], 2),
        (&["key", "delete", &active, "--yes"], 0),
        (&["key", "delete", &active, "--yes"], 3),
    ] {
        let ran = run(&shell, arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{ran:?}");
    }
    assert!(kids(&shell, "retired").is_empty());
}

#[tokio::test]
async fn a_key_of_another_algorithm_is_prepared() {
    let shell = Shell::migrated().await;

    let prepared = run(&shell, &["key", "prepare", "EdDSA", "--json"]);
    assert_eq!(prepared.code, 0, "{prepared:?}");
    let kid = prepared.json()["next"].as_str().unwrap().to_owned();

    assert_eq!(kids(&shell, "next"), [kid.as_str()]);
    assert_eq!(run(&shell, &["key", "retire", &kid, "--yes"]).code, 0);
    assert!(kids(&shell, "next").is_empty());
}

#[tokio::test]
async fn hs256_has_nothing_to_rotate_and_says_so() {
    let shell = Shell::migrated().await;

    let rotated = shell.run(&["key", "rotate"]);
    let listed = shell.run(&["key", "list", "--json"]);

    assert_eq!(rotated.code, 2, "{rotated:?}");
    assert!(rotated.err.contains("SIGNING_ALG is HS256"), "{rotated:?}");
    assert_eq!(
        (listed.code, &listed.json()["keys"]),
        (0, &serde_json::json!([]))
    );
    assert!(listed.err.contains("SIGNING_ALG is HS256"), "{listed:?}");
}

#[tokio::test]
async fn check_reseal_and_serve_name_keys_that_cannot_be_opened() {
    let shell = Shell::migrated().await;
    shell.certificate();
    assert_eq!(run(&shell, &["key", "rotate"]).code, 0);
    let lost = [("SECRET", OTHER)];
    let kept = [("SECRET", OTHER), ("SECRET_PREVIOUS", SECRET)];

    let good = run(&shell, &["check"]);
    assert_eq!(good.code, 0, "{good:?}");
    assert!(good.out.contains("ok    keys: 2 can be opened"), "{good:?}");
    let bad = run_with(&shell, &["check"], &lost);
    assert_eq!(bad.code, 1);
    assert_eq!(bad.out.matches("FAIL  keys: ").count(), 2, "{bad:?}");
    for ran in [
        bad,
        run_with(&shell, &["key", "reseal"], &lost),
        run_with(&shell, &["serve"], &lost),
    ] {
        assert_eq!(ran.code, 1, "{ran:?}");
        let told = ran.out + &ran.err;
        assert!(told.contains("SECRET_PREVIOUS"), "{told}");
        assert!(!told.contains(OTHER) && !told.contains("v1."), "{told}");
    }

    let resealed = run_with(&shell, &["key", "reseal", "--json"], &kept);
    assert_eq!(resealed.json()["resealed"], 2, "{resealed:?}");
    assert_eq!(run_with(&shell, &["check"], &lost).code, 0);
}

#[tokio::test]
async fn a_token_under_a_key_pair_is_inspected() {
    let shell = Shell::migrated().await;
    let settings = [
        ("ISSUER", "https://localhost:2600"),
        ("SIGNING_ALG", "ES256"),
    ];
    let test = TestApp::on(shell.database().clone(), &settings).await;
    let secret = test.client().await;
    let UnixTime(now) = Clock::system().now();
    test.clock.advance(now - test.clock.now().0);
    let token = test.token(&secret).await;

    // Whatever signs today.
    for ran in [
        shell.run(&["token", "inspect", &token, "--json"]),
        run(&shell, &["token", "inspect", &token, "--json"]),
    ] {
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.json()["good"], true);
        assert_eq!(ran.json()["header"]["alg"], "ES256");
    }

    let elsewhere = Shell::new().await;
    let ran = elsewhere.run(&["token", "inspect", &token]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("run `token-server migrate`"), "{ran:?}");
}

#[tokio::test]
async fn check_says_whether_others_can_verify_tokens_offline() {
    let shell = Shell::migrated().await;
    shell.certificate();
    for (alg, told) in [
        (
            "HS256",
            "SIGNING_ALG is HS256, under which other services cannot verify tokens offline and must ask /verify",
        ),
        (
            "ES256",
            "SIGNING_ALG is ES256, under which other services can verify tokens offline",
        ),
    ] {
        let checked = shell.command(&["check"]).env("SIGNING_ALG", alg).output();
        let ran = Ran::from(checked.unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains(told), "{}", ran.out);
    }
}
