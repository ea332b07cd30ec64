//! `admin`: the first owner, and those who are locked out.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;
use token_server::app::AdminLogIn;
use token_server::base::secret::Secret;

use crate::harness::{Ran, Shell, TestApp};

const CHOSEN: &str = "correct horse battery";

impl Shell {
    /// The service on the same database.
    async fn service(&self) -> TestApp {
        TestApp::on(self.database().clone(), &[]).await
    }
}

/// Whether somebody gets in with this password.
async fn gets_in(test: &TestApp, name: &str, password: &str) -> bool {
    let presented = AdminLogIn {
        name: name.to_owned(),
        password: Secret::from(password),
        source: [192, 0, 2, 1].into(),
        user_agent: String::new(),
    };
    test.app.admins.log_in(None, presented).await.is_ok()
}

fn list(shell: &Shell) -> Vec<Value> {
    let listed = shell.run(&["admin", "list", "--json"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    listed.json().as_array().unwrap().clone()
}

fn password(ran: &Ran) -> String {
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json()["password"].as_str().unwrap().to_owned()
}

/// A command that is told a password by its standard input.
fn run_told(shell: &Shell, arguments: &[&str], typed: &str) -> Ran {
    let mut command = shell.command(arguments);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(typed.as_bytes())
        .unwrap();
    Ran::from(child.wait_with_output().unwrap())
}

#[tokio::test]
async fn the_first_owner_gets_a_password_that_is_printed_once() {
    let shell = Shell::migrated().await;

    let made = shell.run(&["admin", "create", "Olga@Example.com", "--json"]);

    let password = password(&made);
    assert_eq!(
        (password.len(), &made.json()["role"]),
        (24, &"owner".into())
    );
    assert!(!made.err.contains(&password));
    let listed = shell.run(&["admin", "list"]);
    assert!(listed.out.contains("olga@example.com") && !listed.out.contains(&password));
    assert_eq!(list(&shell)[0]["must_change_password"], true);
    let test = shell.service().await;
    assert!(gets_in(&test, "olga@example.com", &password).await);
}

#[tokio::test]
async fn a_password_is_read_from_a_file_or_stdin_and_not_repeated() {
    let shell = Shell::migrated().await;
    std::fs::write(shell.path().join("password"), format!("{CHOSEN}\n")).unwrap();
    let create = ["admin", "create"];

    let file = [&create[..], &["olga", "--password-file", "password"]].concat();
    let from_file = shell.run(&file);
    let stdin = [
        &create[..],
        &["omar", "--role", "operator", "--password-stdin"],
    ]
    .concat();
    let from_stdin = run_told(&shell, &stdin, &format!("{CHOSEN}\r\n"));

    for ran in [&from_file, &from_stdin] {
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!ran.out.contains(CHOSEN) && !ran.err.contains(CHOSEN));
    }
    let roles: Vec<Value> = list(&shell).iter().map(|it| it["role"].clone()).collect();
    assert_eq!(roles, ["owner", "operator"]);
    let test = shell.service().await;
    assert!(gets_in(&test, "olga", CHOSEN).await && gets_in(&test, "omar", CHOSEN).await);
}

#[tokio::test]
async fn who_is_locked_out_gets_another_password_and_who_left_gets_no_further() {
    let shell = Shell::migrated().await;
    let first = password(&shell.run(&["admin", "create", "olga", "--json"]));
    shell.run(&["admin", "create", "omar", "--role", "operator"]);
    let test = shell.service().await;

    let second = password(&shell.run(&["admin", "reset", "olga", "--json"]));
    assert!(!gets_in(&test, "olga", &first).await && gets_in(&test, "olga", &second).await);

    let reset = password(&shell.run(&["admin", "reset", "omar", "--json"]));
    assert_eq!(shell.run(&["admin", "disable", "omar", "--yes"]).code, 0);
    assert!(!gets_in(&test, "omar", &reset).await);
    assert_eq!(list(&shell)[1]["status"], "disabled");
    assert_eq!(shell.run(&["admin", "enable", "omar"]).code, 0);
    assert!(gets_in(&test, "omar", &reset).await);
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_is_done() {
    let shell = Shell::migrated().await;
    shell.run(&["admin", "create", "olga"]);
    std::fs::write(shell.path().join("short"), "short").unwrap();
    let before = list(&shell);

    for (arguments, code, said) in [
        (
            &["create", "olga"][..],
            4,
            "the admin `olga` exists already",
        ),
        (&["create", "no spaces"], 2, "an admin's name is"),
        (
            &["create", "omar", "--role", "root"],
            2,
            "a role must be one of `viewer`, `operator`, `owner`",
        ),
        (
            &["create", "omar", "--password-file", "short"],
            2,
            "at least 15 characters",
        ),
        (
            &["create", "omar", "--password-file", "nowhere"],
            1,
            "cannot read nowhere",
        ),
        (
            &[
                "create",
                "omar",
                "--password-file",
                "short",
                "--password-stdin",
            ],
            2,
            "cannot be used with",
        ),
        (&["reset", "nobody"], 3, "no admin `nobody`"),
        (&["disable", "nobody"], 3, "no admin `nobody`"),
        (&["enable", "nobody"], 3, "no admin `nobody`"),
        (
            &["disable", "olga", "--yes"],
            4,
            "the last owner who can log in",
        ),
    ] {
        let ran = shell.run(&[&["admin"], arguments].concat());
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{ran:?}");
        assert!(ran.err.contains(said), "{ran:?}");
    }
    assert_eq!(list(&shell), before);
}

#[tokio::test]
async fn roles_sessions_and_those_who_left_are_for_the_command_line_too() {
    let shell = Shell::migrated().await;
    let first = password(&shell.run(&["admin", "create", "olga", "--json"]));
    shell.run(&["admin", "create", "omar", "--role", "viewer"]);
    let test = shell.service().await;
    assert!(gets_in(&test, "olga", &first).await);

    let sessions = shell.run(&["admin", "sessions", "--json"]).json();
    assert_eq!(sessions[0]["name"], "olga");
    let session_id = sessions[0]["session_id"].as_str().unwrap();
    assert!(shell.run(&["admin", "sessions"]).out.contains(session_id));
    assert_eq!(shell.run(&["admin", "end-session", session_id]).code, 0);
    assert_eq!(shell.run(&["admin", "end-session", session_id]).code, 3);
    assert_eq!(shell.run(&["admin", "end-session", "x"]).code, 2);
    let left = shell.run(&["admin", "sessions", "--json"]).json();
    assert_eq!(left, serde_json::json!([]));

    assert_eq!(shell.run(&["admin", "role", "omar", "operator"]).code, 0);
    assert_eq!(list(&shell)[1]["role"], "operator");
    for (arguments, code) in [
        (&["role", "omar", "root"][..], 2),
        (&["role", "olga", "viewer"], 4),
        (&["delete", "olga", "--yes"], 4),
        (&["delete", "nobody", "--yes"], 3),
        // Nobody is there to be asked.
        (&["delete", "omar"], 2),
    ] {
        let ran = shell.run(&[&["admin"], arguments].concat());
        assert_eq!(ran.code, code, "{ran:?}");
    }
    assert_eq!(shell.run(&["admin", "delete", "omar", "--yes"]).code, 0);
    assert_eq!(list(&shell).len(), 1);
}
