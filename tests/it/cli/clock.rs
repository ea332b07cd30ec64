//! `clock`, and what `check` says of the clock.

use crate::harness::{Database, Ran, Shell};

/// A database that a server used long ago, or `None` on Postgres.
async fn used_long_ago() -> Option<Shell> {
    let shell = Shell::migrated().await;
    shell.certificate();
    let connection = shell.database();
    connection
        .execute("update installation set clock_noted_at = 1000")
        .await;
    is_sqlite(connection).then_some(shell)
}

fn is_sqlite(database: &Database) -> bool {
    database.url.starts_with("sqlite:")
}

fn rotate(shell: &Shell) -> Ran {
    let mut command = shell.command(&["key", "rotate", "--now", "--yes"]);
    Ran::from(command.env("SIGNING_ALG", "ES256").output().unwrap())
}

#[tokio::test]
async fn a_doubt_is_told_by_check_and_ends_by_a_confirmation() {
    let Some(shell) = used_long_ago().await else {
        return;
    };
    let check = shell.run(&["check"]);
    assert_eq!(check.code, 1, "{check:?}");
    let said = "FAIL  clock: the server removes, rotates and expires nothing by time: the newest row of the database is";
    assert!(check.out.contains(said), "{check:?}");
    let mut development = shell.command(&["check"]);
    development.envs([("DEVELOPMENT", "true"), ("LISTEN_ADDR", "127.0.0.1:1")]);
    let development = Ran::from(development.output().unwrap());
    assert!(development.out.contains("warn  clock: the newest row"));
    let rotated = rotate(&shell);
    assert_eq!(rotated.code, 1, "{rotated:?}");
    assert!(rotated.err.contains("while the clock may be wrong"));

    // Nobody is there to be asked.
    let asked = shell.run(&["clock", "confirm"]);
    assert_eq!(asked.code, 2, "{asked:?}");
    assert!(asked.err.contains("this machine's clock says") && asked.err.contains("--yes"));
    assert_eq!(rotate(&shell).code, 1);
    let confirmed = shell.run(&["clock", "confirm", "--yes"]);

    assert_eq!((confirmed.code, confirmed.out.as_str()), (0, ""));
    assert!(
        confirmed.err.contains("confirmed the time"),
        "{confirmed:?}"
    );
    assert_eq!(rotate(&shell).code, 0);
    let check = shell.run(&["check"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert!(check.out.contains("ok    clock: "));
    let events = shell.run(&["audit", "list", "--action", "clock.confirm"]);
    assert!(events.out.contains("cli:"), "{events:?}");
}

#[tokio::test]
async fn on_postgres_the_database_has_the_time() {
    let shell = Shell::migrated().await;
    if is_sqlite(shell.database()) {
        return;
    }
    shell.certificate();

    let confirmed = shell.run(&["clock", "confirm", "--yes"]);
    assert_eq!(confirmed.code, 2, "{confirmed:?}");
    assert!(confirmed.err.contains("the clock of Postgres"));
    let check = shell.run(&["check"]);
    let said = "ok    clock: this machine's clock agrees with the database's";
    assert!(check.out.contains(said), "{check:?}");
}
