//! What the server writes is for its owner alone, and `check` warns of what is not.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::harness::{Ran, SECRET, Shell};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// A command on a file of SQLite below the shell's folder, with a umask that forbids nothing.
fn run(shell: &Shell, url: &str, arguments: &str) -> Ran {
    let binary = env!("CARGO_BIN_EXE_token-server");
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("umask 000; exec {binary} {arguments}")])
        .current_dir(shell.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("SECRET", SECRET)
        // As many as every machine permits.
        .env("MAX_CONNECTIONS", "500")
        .env("DATABASE_URL", url);
    Ran::from(command.output().unwrap())
}

#[tokio::test]
async fn the_database_and_its_folders_are_made_for_their_owner_alone() {
    let shell = Shell::new().await;
    let ran = run(&shell, "sqlite:a/b/tokens.db", "migrate");
    assert_eq!(ran.code, 0, "{ran:?}");

    // While it is open SQLite has its other files too.
    let file = shell.path().join("a/b/tokens.db");
    let url = format!("sqlite:{}", file.display());
    let mut open = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::Executor::execute(&mut open, "create table x (y bigint)")
        .await
        .unwrap();
    let mut files = 0;
    for entry in fs::read_dir(shell.path().join("a/b")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 3);
    assert_eq!(mode(&shell.path().join("a")), 0o700);
    assert_eq!(mode(&shell.path().join("a/b")), 0o700);
}

#[tokio::test]
async fn a_folder_that_was_there_stays_as_it_is() {
    let shell = Shell::new().await;
    let folder = shell.path().join("data");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o750)).unwrap();

    assert_eq!(run(&shell, "sqlite:data/tokens.db", "migrate").code, 0);

    assert_eq!(mode(&folder), 0o750);
    assert_eq!(mode(&folder.join("tokens.db")), 0o600);
}

#[tokio::test]
async fn check_warns_of_a_database_and_an_env_that_others_can_read() {
    let shell = Shell::new().await;
    shell.certificate();
    let folder = shell.path().join("data");
    fs::create_dir(&folder).unwrap();
    let warnings = || {
        let ran = run(&shell, "sqlite:data/tokens.db", "check");
        assert_eq!(ran.code, 0, "{ran:?}");
        let lines = ran.out.lines().filter(|line| line.starts_with("warn  "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(run(&shell, "sqlite:data/tokens.db", "migrate").code, 0);
    assert_eq!(warnings(), Vec::<String>::new());

    let readable = Permissions::from_mode(0o644);
    let database = folder.join("tokens.db");
    fs::set_permissions(&database, readable.clone()).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    let env = shell.path().join(".env");
    fs::write(&env, "LOG=info\n").unwrap();
    fs::set_permissions(&env, readable).unwrap();
    fs::set_permissions(shell.path(), Permissions::from_mode(0o755)).unwrap();

    let warnings = warnings();
    for exposed in [
        "DATABASE_URL: data/tokens.db has the mode 644",
        "SECRET: .env has the mode 644",
    ] {
        assert!(
            warnings.iter().any(|warning| warning.contains(exposed)),
            "{exposed}: {warnings:?}"
        );
    }
    // It is the operator's: warned of, not changed.
    assert_eq!(mode(&database), 0o644);

    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    fs::remove_file(&env).unwrap();
    let warnings = run(&shell, "sqlite:data/tokens.db", "check").out;
    assert!(
        !warnings.contains("warn  "),
        "nobody gets into the folder: {warnings}"
    );
}
