//! The commands about clients.

mod authentication;
mod import;
mod transfer;

use std::io::Write;
use std::process::Stdio;

use crate::harness::{Ran, Shell};

#[tokio::test]
async fn a_client_is_made_shown_changed_and_deleted() {
    let shell = Shell::migrated().await;

    let made = shell.run(&[
        "client",
        "create",
        "billing",
        "--scope",
        "read write",
        "--metadata",
        "{\"a\":1}",
        "--json",
    ]);
    assert_eq!(made.code, 0, "{made:?}");
    let secret = made.json()["client_secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("tks_") && !made.err.contains(&secret));

    let shown = shell.run(&["client", "show", "billing", "--json"]);
    assert_eq!(shown.json()["scopes"], "read write");
    assert_eq!(shown.json()["metadata"]["a"], 1);
    assert_eq!(shown.json()["secrets"].as_array().unwrap().len(), 1);
    assert!(!shown.out.contains(&secret) && !shown.out.contains("argon2"));

    let changed = shell.run(&[
        "client",
        "update",
        "billing",
        "--name",
        "Billing",
        "--token-ttl",
        "5m",
        "--json",
    ]);
    assert_eq!(
        (
            changed.json()["name"].as_str(),
            changed.json()["token_ttl"].as_i64()
        ),
        (Some("Billing"), Some(300))
    );
    assert_eq!(changed.json()["scopes"], "read write");
    let disabled = shell.run(&["client", "disable", "billing", "--yes", "--json"]);
    assert_eq!(disabled.json()["status"], "disabled");
    assert_eq!(
        shell.run(&["client", "enable", "billing", "--json"]).json()["status"],
        "enabled"
    );

    let named = |name| shell.run(&["client", "list", "--name-prefix", name, "--json"]);
    assert_eq!(named("BILL").json()["clients"][0]["client_id"], "billing");
    assert_eq!(named("worker").json()["clients"], serde_json::json!([]));
    let table = shell.run(&["client", "list"]);
    assert!(
        table.out.contains("CLIENT_ID") && table.out.contains("billing"),
        "{}",
        table.out
    );
    assert_eq!(shell.run(&["client", "delete", "billing"]).code, 2);
    assert_eq!(shell.run(&["client", "delete", "billing", "--yes"]).code, 0);
    assert_eq!(
        shell.run(&["client", "list", "--json"]).json()["clients"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn exit_codes_tell_what_went_wrong() {
    let shell = Shell::migrated().await;
    assert_eq!(shell.run(&["client", "create", "a"]).code, 0);

    for (arguments, code) in [
        (&["client", "create", "a"][..], 4),
        (&["client", "show", "nobody"], 3),
        (&["client", "delete", "nobody", "--yes"], 3),
        (&["client", "secret", "expire", "a", "AAAAAAAA"], 3),
        (&["client", "create", "b", "--metadata", "[]"], 2),
        (&["client", "create", "b", "--token-ttl", "1s"], 2),
        (&["client", "create", "no such id"], 2),
        (&["client", "frobnicate"], 2),
        (&["token", "inspect", "nonsense"], 1),
    ] {
        let ran = shell.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        assert!(
            ran.out.is_empty() && !ran.err.is_empty(),
            "{arguments:?}: {ran:?}"
        );
    }
}

#[tokio::test]
async fn secrets_are_added_listed_and_ended() {
    let shell = Shell::migrated().await;
    shell.run(&["client", "create", "a"]);

    let added = shell.run(&[
        "client",
        "secret",
        "add",
        "a",
        "--expires-in",
        "90d",
        "--json",
    ]);
    let id = added.json()["secret_id"].as_str().unwrap().to_owned();
    assert_eq!(
        shell
            .run(&["client", "secret", "expire", "a", &id, "--yes"])
            .code,
        0
    );

    let listed = shell
        .run(&["client", "secret", "list", "a", "--json"])
        .json();
    let ended = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["secret_id"] == id.as_str())
        .unwrap();
    assert!(ended["expires_at"].as_str() >= ended["created_at"].as_str());
    assert_eq!(listed.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_secret_of_ones_own_comes_from_stdin() {
    let shell = Shell::migrated().await;
    let create = |secret: &str| {
        let mut child = shell
            .command(&["client", "create", "--secret-stdin"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(secret.as_bytes())
            .unwrap();
        Ran::from(child.wait_with_output().unwrap())
    };

    assert_eq!(create("a secret of my own\n").code, 0);
    assert_eq!(create("short\n").code, 2);
}

#[tokio::test]
async fn completions_and_help_need_no_configuration() {
    let shell = Shell::new().await;
    for arguments in [
        &["completions", "bash"][..],
        &["--help"],
        &["client", "import", "--help"],
    ] {
        let ran = Ran::from(
            shell
                .command(arguments)
                .env_remove("SECRET")
                .output()
                .unwrap(),
        );
        assert_eq!(ran.code, 0);
        assert!(ran.out.len() > 200);
    }
}

#[tokio::test]
async fn what_tokens_are_bound_to_is_set_shown_and_taken_back() {
    let shell = Shell::migrated().await;
    let made = shell.run(&["client", "create", "a", "--dpop-bound-access-tokens"]);
    assert_eq!(made.code, 0, "{made:?}");

    let update = |argument: &str| {
        let ran = shell.run(&["client", "update", "a", "--json", argument]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let client = ran.json();
        let bound = |name: &str| client[name].as_bool().unwrap();
        (
            bound("tls_client_certificate_bound_access_tokens"),
            bound("dpop_bound_access_tokens"),
        )
    };

    let both = update("--tls-client-certificate-bound-access-tokens");
    assert_eq!(both, (true, true));
    let one = update("--dpop-bound-access-tokens=false");
    assert_eq!(one, (true, false));
    let shown = shell.run(&["client", "show", "a"]).out;
    let line = |name: &str| {
        let mut lines = shown.lines().map(|line| line.split_whitespace());
        let found = lines.find_map(|mut words| (words.next() == Some(name)).then(|| words.next()));
        found.flatten()
    };
    let certificate = line("tls_client_certificate_bound_access_tokens");
    assert_eq!(certificate, Some("true"), "{shown}");
    assert_eq!(line("dpop_bound_access_tokens"), Some("false"), "{shown}");
    let listed = shell.run(&["client", "list", "--json"]).json();
    let listed = &listed["clients"][0];
    assert_eq!(listed["tls_client_certificate_bound_access_tokens"], true);
    assert_eq!(listed["dpop_bound_access_tokens"], false);
    update("--dpop-bound-access-tokens");
    let listed = shell.run(&["client", "list"]).out;
    assert!(listed.contains("BOUND_TO"), "{listed}");
    assert!(listed.contains("certificate dpop"), "{listed}");
}

#[tokio::test]
async fn networks_are_set_shown_and_taken_away() {
    let shell = Shell::migrated().await;
    let run = |more: &[&str]| shell.run(&[&["client"], more].concat());
    let two = [
        "--allowed-network",
        "2001:db8::/32",
        "--allowed-network=10.1.2.3/8",
    ];
    let made = run(&[&["create", "billing"], &two[..]].concat());
    assert_eq!(made.code, 0, "{made:?}");
    let shown = run(&["show", "billing", "--json"]).json();
    let both = serde_json::json!(["10.0.0.0/8", "2001:db8::/32"]);
    assert_eq!(shown["allowed_networks"], both);
    let shown = run(&["show", "billing"]);
    assert!(shown.out.contains("10.0.0.0/8 2001:db8::/32"), "{shown:?}");

    for wrong in ["10.0.0.0/33", "example.com", "", "10.0.0.0/8 ::/0"] {
        let argument = format!("--allowed-network={wrong}");
        let refused = run(&["update", "billing", &argument]);
        assert!(refused.err.contains("is not a network"), "{refused:?}");
    }
    let argument = "--allowed-network=192.0.2.7";
    assert_eq!(
        run(&["update", "billing", argument, "--any-network"]).code,
        2
    );
    let changed = run(&["update", "billing", argument, "--json"]).json();
    let one = serde_json::json!(["192.0.2.7/32"]);
    assert_eq!(changed["allowed_networks"], one);
    // What is not named stays.
    let named = run(&["update", "billing", "--name", "Billing", "--json"]).json();
    assert_eq!(named["allowed_networks"], one);
    let cleared = run(&["update", "billing", "--any-network", "--json"]).json();
    assert_eq!(cleared["allowed_networks"], serde_json::json!([]));
}
