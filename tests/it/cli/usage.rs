use std::process::Command;

use serde_json::Value;

use super::serve::{free_port, read_until, signal};
use crate::harness::Shell;

/// Serves, logs the client in once, and ends the server by this signal at once.
async fn served_once(end: &str) -> Shell {
    let shell = Shell::migrated().await;
    shell.certificate();
    let made = shell.run(&["client", "create", "billing", "--json"]);
    let secret = made.json()["client_secret"].as_str().unwrap().to_owned();
    let port = free_port();
    let mut child = shell
        .command(&["serve"])
        .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
        .spawn()
        .unwrap();
    read_until(&mut child, "listening on");
    let url = format!("https://127.0.0.1:{port}/authorize");
    let got = Command::new("curl")
        .args(["-sSk", "--max-time", "30", "-d", "client_id=billing"])
        .args(["-d", &format!("client_secret={secret}"), &url])
        .output()
        .unwrap();
    let got = String::from_utf8(got.stdout).unwrap();
    assert!(got.contains(r#""success":true"#), "{got}");
    signal(&child, end);
    child.wait_with_output().unwrap();
    shell
}

#[tokio::test]
async fn what_is_in_use_is_stopped_after_a_question_that_says_how_it_is_used() {
    let shell = served_once("-TERM").await;
    let listed = shell.run(&["client", "secret", "list", "billing", "--output", "id"]);
    let secret_id = listed.out.trim();

    for (arguments, told) in [
        (
            &["client", "secret", "delete", "billing", secret_id][..],
            "In use: once in 24 hours",
        ),
        (
            &["client", "secret", "expire", "billing", secret_id],
            "from 127.0.0.1",
        ),
        (
            &["client", "disable", "billing"],
            "was issued 1 token(s) in the last 24 hours",
        ),
        (&["client", "delete", "billing"], "from 127.0.0.1"),
        (&["client", "revoke-tokens", "billing"], "last used at 20"),
    ] {
        let ran = shell.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains(told), "{ran:?}");
        assert!(ran.err.contains("add --yes"), "{ran:?}");
    }
    let shown = shell.run(&["client", "show", "billing", "--json"]).json();
    assert_eq!(shown["status"], "enabled");
    assert_eq!(shown["secrets"][0]["expires_at"], Value::Null);

    let delete = ["client", "secret", "delete", "billing", secret_id, "--yes"];
    assert_eq!(shell.run(&delete).code, 0);
    let left = shell.run(&["client", "secret", "list", "billing", "--output", "id"]);
    assert_eq!(left.out, "");
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_writes_its_last_counts() {
    let shell = served_once("-TERM").await;

    let shown = shell.run(&["client", "show", "billing", "--json"]).json();
    assert!(shown["last_used_at"].as_str().unwrap() > "2020");
    assert_eq!(shown["last_used_from"], "127.0.0.1");
    let secret = &shown["secrets"][0];
    assert_eq!(secret["last_used_from"], "127.0.0.1");
    assert_eq!(secret["uses_24h"], 1);
    let list = shell.run(&["client", "list", "--json"]).json();
    assert_eq!(list["clients"][0]["last_used_at"], shown["last_used_at"]);
    let hours = shell.run(&["usage", "client", "billing", "--json"]).json();
    assert_eq!((&hours[0]["issued"], &hours[1]), (&1.into(), &Value::Null));
    assert_eq!(shell.run(&["usage", "client", "nobody"]).code, 3);
    let people = shell.run(&["client", "show", "billing"]);
    assert!(people.out.contains("from 127.0.0.1"), "{people:?}");
    let secrets = shell.run(&["client", "secret", "list", "billing", "--json"]);
    assert_eq!(secrets.json()[0]["uses_24h"], 1);
}

#[tokio::test]
async fn a_server_that_is_killed_loses_counts_and_nothing_else() {
    let shell = served_once("-KILL").await;

    let shown = shell.run(&["client", "show", "billing", "--json"]).json();
    assert_eq!(shown["status"], "enabled");
    // Usually it is killed before it wrote the one use; it cannot have written more.
    assert!(shown["secrets"][0]["uses_24h"].as_u64().unwrap() <= 1);
    assert_eq!(shell.run(&["audit", "verify"]).code, 0);
}
