//! Which settings and which database a command uses, and what it says when it cannot reach it.

mod private_files;

use std::fs;
use std::process::Command;

use crate::harness::{Ran, SECRET, Shell};

fn run_with(url: &str) -> Ran {
    let folder = tempfile::TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_token-server"));
    command
        .args(["client", "list"])
        .current_dir(folder.path())
        .env_clear()
        .env("SECRET", SECRET)
        .env("DB_ACQUIRE_TIMEOUT", "2")
        .env("DATABASE_URL", url);
    Ran::from(command.output().unwrap())
}

#[test]
fn a_database_that_cannot_be_reached_is_named_with_the_reason() {
    let folder = tempfile::TempDir::new().unwrap();
    let folder = folder.path().display();
    for (url, error) in [
        (
            "postgres://app:hunter2@127.0.0.1:1/tokens".to_owned(),
            "error: DATABASE_URL: cannot reach postgres://app@127.0.0.1:1/tokens: connection refused: no server listens at \
             127.0.0.1:1\n"
                .to_owned(),
        ),
        (
            format!("postgres://app@localhost/tokens?host={folder}"),
            format!(
                "error: DATABASE_URL: cannot reach postgres://app@{folder}/tokens: there is no socket in {folder}: is the \
                 server running?\n"
            ),
        ),
        (
            format!("sqlite:{folder}"),
            format!(
                "error: DATABASE_URL: cannot reach sqlite:{folder}: cannot open {folder}: it is a directory\n"
            ),
        ),
    ] {
        let ran = run_with(&url);
        assert_eq!((ran.code, ran.err), (1, error));
    }
}

#[test]
fn an_unknown_host_may_be_a_password_that_is_not_encoded() {
    let ran = run_with("postgres://app:hunter2@db.invalid/tokens");

    assert!(
        ran.err.contains("the host `db.invalid` is unknown"),
        "{ran:?}"
    );
    assert!(ran.err.contains("`@` is %40"), "{ran:?}");
    assert!(!ran.err.contains("hunter2"), "{ran:?}");
    let unparsed = run_with("postgres://app:hun/ter2@db.invalid/tokens");
    assert!(unparsed.err.contains("percent-encoded"), "{unparsed:?}");
    assert!(!unparsed.err.contains("ter2"), "{unparsed:?}");
}

#[tokio::test]
async fn a_missing_database_and_a_missing_role_are_told_apart() {
    let shell = Shell::migrated().await;
    if !shell.database().is_postgres() {
        return;
    }
    let mut url = url::Url::parse(shell.database_url()).unwrap();
    url.set_path("/no_such_database");
    let missing = run_with(url.as_str());
    assert!(
        missing.err.contains(
            "there is no database `no_such_database`: make it with `createdb no_such_database`"
        ),
        "{missing:?}"
    );
    let mut url = url::Url::parse(shell.database_url()).unwrap();
    url.set_username("no_such_role").unwrap();
    let role = run_with(url.as_str());
    assert!(role.err.contains("authentication failed: "), "{role:?}");
    assert!(role.err.contains("no_such_role"), "{role:?}");
}

#[tokio::test]
async fn a_command_says_which_database_it_uses() {
    let shell = Shell::migrated().await;

    let listed = shell.run(&["client", "list"]);

    let database = listed.database.unwrap();
    match shell.database().url.strip_prefix("sqlite:") {
        Some(file) => assert_eq!(database, format!("sqlite:{file}")),
        None => assert!(database.starts_with("postgres://"), "{database}"),
    }
}

#[test]
fn without_any_setting_the_folder_is_most_likely_a_wrong_one() {
    let folder = tempfile::TempDir::new().unwrap();
    for arguments in [
        &["client", "list"][..],
        &["migrate"],
        &["token", "inspect", "x"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_token-server"));
        command
            .args(arguments)
            .current_dir(folder.path())
            .env_clear();
        let ran = Ran::from(command.output().unwrap());

        assert_eq!(ran.code, 1);
        let place = folder.path().canonicalize().unwrap();
        let told = format!("error: no .env in {}, and no setting", place.display());
        assert!(ran.err.starts_with(&told), "{ran:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn the_folder_and_the_file_of_settings_can_be_named() {
    let shell = Shell::migrated().await;
    let folder = tempfile::TempDir::new().unwrap();
    let settings = format!(
        "SECRET='{SECRET}'\nDATABASE_URL='{}'\n",
        shell.database().url
    );
    fs::write(folder.path().join("mine.env"), &settings).unwrap();
    fs::write(folder.path().join(".env"), &settings).unwrap();
    let place = folder.path().to_str().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_token-server"));
        command.args(arguments).current_dir("/").env_clear();
        Ran::from(command.output().unwrap())
    };
    let file = format!("{place}/mine.env");
    for arguments in [
        &["-C", place, "client", "list"][..],
        &["client", "list", "-C", place],
        &["client", "list", "--env-file", &file],
        &["--env-file", &file, "client", "list"],
        &["-C", place, "client", "list", "--env-file", "mine.env"],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    }
    let mixed = run(&["--no-migrate", "client", "list"]);
    assert_eq!(mixed.code, 2, "{mixed:?}");
    let missing = run(&["client", "list", "--env-file", "/no/such/file"]);
    assert_eq!(
        missing.err,
        "error: --env-file: there is no file /no/such/file\n"
    );
    let missing = run(&["client", "list", "-C", "/no/such/folder"]);
    assert!(
        missing
            .err
            .starts_with("error: -C: cannot change to /no/such/folder"),
        "{missing:?}"
    );
}

/// A copy of the one file is then a copy of the database.
#[tokio::test]
async fn a_command_leaves_nothing_beside_the_file_of_sqlite() {
    let shell = Shell::new().await;
    let Some(file) = shell.database().url.strip_prefix("sqlite:") else {
        return;
    };
    for arguments in [&["migrate"][..], &["client", "create", "billing"]] {
        assert_eq!(shell.run(arguments).code, 0);
        assert!(!fs::exists(format!("{file}-wal")).unwrap(), "{arguments:?}");
    }
}
