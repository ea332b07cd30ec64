//! What goes where: results to stdout, remarks to stderr, secrets once.

use std::io::Write;
use std::process::Stdio;

use crate::harness::{Ran, Shell};

#[tokio::test]
async fn a_secret_is_printed_once_and_to_stdout_only() {
    let shell = Shell::migrated().await;
    let made = [
        shell.run(&["client", "create", "a"]),
        shell.run(&["client", "create", "b", "--json"]),
        shell.run(&["client", "secret", "add", "a"]),
    ];
    let secrets = made.each_ref().map(|ran| {
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.out.matches("tks_").count(), 1, "{ran:?}");
        assert!(!ran.err.contains("tks_"), "{ran:?}");
        let start = ran.out.find("tks_").unwrap();
        ran.out[start..start + 61].to_owned()
    });

    for arguments in [
        &["client", "show", "a"][..],
        &["client", "show", "b", "--json"],
        &["client", "list"],
        &["client", "secret", "list", "a"],
        &["client", "secret", "list", "a", "--json"],
        &["client", "update", "a", "--name", "A"],
        &["client", "disable", "a", "--yes"],
        &["client", "create", "a"],
    ] {
        let ran = shell.run(arguments);
        for secret in &secrets {
            assert!(!ran.out.contains(&secret[20..]), "{arguments:?}: {ran:?}");
            assert!(!ran.err.contains(&secret[20..]), "{arguments:?}: {ran:?}");
        }
        assert!(!(ran.out + &ran.err).contains("$argon2"));
    }
}

#[tokio::test]
async fn a_secret_of_ones_own_is_read_whole_but_for_its_line_end() {
    let shell = Shell::migrated().await;
    let mut child = shell
        .command(&["client", "create", "own", "--secret-stdin", "--json"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let secret = "  spaces, \"quotes\" and ü  ";
    let mut stdin = child.stdin.take().unwrap();
    write!(stdin, "{secret}\r\n").unwrap();
    drop(stdin);

    let ran = Ran::from(child.wait_with_output().unwrap());

    assert_eq!(ran.json()["client_secret"], secret);
    let shown = shell.run(&["client", "show", "own", "--json"]).json();
    assert_eq!(shown["secrets"][0]["origin"], "chosen");
    assert_eq!(shown["secrets"][0]["hint"], "");
}

#[tokio::test]
async fn every_result_is_json_when_asked_for() {
    let shell = Shell::migrated().await;
    std::fs::write(
        shell.path().join("f"),
        "client_id,client_secret\nc,the old secret of c\n",
    )
    .unwrap();
    for arguments in [
        &["client", "create", "a"][..],
        &["client", "list"],
        &["client", "show", "a"],
        &["client", "update", "a", "--scope", "x y", "--scope", "z"],
        &["client", "disable", "a", "--yes"],
        &["client", "enable", "a"],
        &["client", "secret", "add", "a", "--expires-in", "90d"],
        &["client", "secret", "list", "a"],
        &["client", "import", "f"],
    ] {
        let ran = shell.run(&[arguments, &["--json"]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        assert!(!ran.json().is_null(), "{arguments:?}");
    }
    let shown = shell.run(&["client", "show", "a", "--json"]).json();
    assert_eq!(shown["scopes"], "x y z");
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let shell = Shell::migrated().await;
    assert!(
        shell
            .run(&["client", "list"])
            .err
            .contains("no clients found")
    );
    for id in ["a", "b", "c"] {
        shell.run(&["client", "create", id]);
    }

    let first = shell.run(&["client", "list", "--limit", "2", "--json"]);
    let after = first.json()["after"].as_str().unwrap().to_owned();
    let second = shell.run(&[
        "client", "list", "--limit", "2", "--after", &after, "--json",
    ]);

    assert!(first.err.contains("--after b"), "{}", first.err);
    assert_eq!(second.json()["clients"][0]["client_id"], "c");
    assert!(second.json()["after"].is_null());
}

#[tokio::test]
async fn changing_nothing_or_deleting_without_a_yes_is_calling_it_wrongly() {
    let shell = Shell::migrated().await;
    shell.run(&["client", "create", "a"]);
    let before = shell.run(&["client", "show", "a", "--json"]).json();

    for arguments in [
        &["client", "update", "a"][..],
        &["client", "delete", "a"],
        &["client", "disable", "a"],
        &["client", "revoke-tokens", "a"],
        &["client", "secret", "add", "a", "--output", "id"],
        &["client", "update", "a", "--scope", "a\"b"],
        &["client", "update", "a", "--scope", "x", "--metadata", "[1]"],
        &["client", "update", "a", "--audience", "ü"],
        &["client", "secret", "add", "a", "--expires-in", "0"],
        &["client", "secret", "expire", "a", "tks_nothing"],
        &["client", "list", "--limit", "0"],
    ] {
        let ran = shell.run(arguments);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (2, ""),
            "{arguments:?}: {ran:?}"
        );
        assert!(!ran.err.is_empty());
    }

    let after = shell.run(&["client", "show", "a", "--json"]).json();
    assert_eq!(after, before);
}

/// As `head` does. The reading end is closed before the command begins to write.
#[tokio::test]
async fn a_reader_that_has_gone_is_no_panic_and_a_lost_secret_is_told() {
    let shell = Shell::migrated().await;
    let unread = |arguments: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = shell.command(arguments).stdout(writer).spawn().unwrap();
        Ran::from(child.wait_with_output().unwrap())
    };

    let create = unread(&["client", "create", "a"]);
    assert_eq!(create.code, 1, "{create:?}");
    assert!(create.err.contains("could not be shown"), "{create:?}");
    assert!(!create.err.contains("tks_"), "{create:?}");
    for arguments in [
        &["client", "list"][..],
        &["client", "show", "a", "--json"],
        &["completions", "bash"],
        &["check"],
    ] {
        let ran = unread(arguments);
        assert!(!ran.err.contains("panicked"), "{arguments:?}: {ran:?}");
        let expected = i32::from(arguments == ["check"]);
        assert_eq!(ran.code, expected, "{arguments:?}: {ran:?}");
    }
}

#[tokio::test]
async fn what_others_wrote_does_not_steer_the_terminal() {
    let shell = Shell::migrated().await;
    let description = "two\nlines\tand\u{9b}31m";
    let refused = shell.run(&["client", "create", "a", "--description", description]);
    assert_eq!(refused.code, 2, "{refused:?}");

    shell.run(&["client", "create", "a", "--description", "two\nlines\tand"]);
    let shown = shell.run(&["client", "show", "a"]);

    assert_eq!(shown.code, 0);
    assert!(!shown.out.chars().any(|c| c.is_control() && c != '\n'));
}

#[tokio::test]
async fn every_shell_gets_its_completions() {
    let shell = Shell::new().await;
    for name in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = shell.run(&["completions", name]);
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains("inspect"), "{name}");
    }
    assert_eq!(shell.run(&["completions", "dos"]).code, 2);
}

#[tokio::test]
async fn an_error_that_quotes_a_secret_is_redacted() {
    let shell = Shell::migrated().await;
    let secret = "tks_AbCdEf12ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210zyxwvutsrq";
    for (arguments, code) in [
        (&["client", "show", secret][..], 3),
        (&["client", "list", secret], 2),
        (&["client", "create", secret], 2),
        (&["client", "create", "a", "--token-ttl", secret], 2),
    ] {
        let ran = shell.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{ran:?}");
        assert!(!ran.err.contains("ZYXW"), "{ran:?}");
    }
}
