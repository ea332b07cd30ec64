//! `migrate`, also by two at once.

use super::serve::{read_until, signal};
use crate::harness::{Ran, Shell};

#[tokio::test]
async fn it_says_what_it_applied_and_then_that_there_is_nothing_to_do() {
    let shell = Shell::new().await;

    let first = shell.run(&["migrate"]);
    let second = shell.run(&["migrate"]);

    assert_eq!((first.code, second.code), (0, 0), "{first:?} {second:?}");
    assert!(first.err.starts_with("applied 0100 clients\n"), "{first:?}");
    let files = std::fs::read_dir("migrations").unwrap().count();
    let told = first.err.lines();
    assert_eq!(
        told.filter(|line| line.starts_with("applied ")).count(),
        files
    );
    assert_eq!(second.err, "the schema is up to date\n");
    assert_eq!((first.out, second.out), (String::new(), String::new()));
    assert_eq!(shell.run(&["client", "list"]).code, 0);
}

#[tokio::test]
async fn several_at_once_all_end_well() {
    let shell = Shell::new().await;

    let running: Vec<_> = (0..4)
        .map(|_| shell.command(&["migrate"]).spawn().unwrap())
        .collect();
    for child in running {
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
    }

    assert_eq!(shell.run(&["migrate"]).err, "the schema is up to date\n");
}

/// In a rolling update the new version migrates while the old one serves, and it may be gone back to.
#[tokio::test]
async fn a_schema_newer_than_its_own_is_served_and_left_alone() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let newer = "insert into _sqlx_migrations \
                 (version, description, success, checksum, execution_time) \
                 select 9999, 'of a later version', success, checksum, 0 from _sqlx_migrations where version = 100";
    shell.database().connect().await.run(newer).await;

    let migrated = shell.run(&["migrate"]);
    let mut serving = shell
        .command(&["serve", "--no-migrate"])
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .spawn()
        .unwrap();
    read_until(&mut serving, "listening on");
    signal(&serving, "-TERM");

    assert_eq!(migrated.code, 0, "{migrated:?}");
    assert_eq!(migrated.err, "the schema is up to date\n");
    assert_eq!(serving.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_database_of_a_pre_release_is_refused_by_name() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let renamed = "update _sqlx_migrations set version = 22 where version = 109";
    shell.database().connect().await.run(renamed).await;

    for command in [
        &["migrate"][..],
        &["serve"],
        &["serve", "--no-migrate"],
        &["check"],
    ] {
        let ran = shell.run(command);
        assert_eq!(ran.code, 1, "{command:?}: {ran:?}");
        let told = ran.out + &ran.err;
        assert!(
            told.contains(
                "made by a pre-release of token-server: export its clients with the old binary"
            ),
            "{command:?}: {told}"
        );
    }
}

#[tokio::test]
async fn a_changed_migration_is_refused_also_when_nothing_is_pending() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let changed = "update _sqlx_migrations set checksum = (select checksum from _sqlx_migrations where version = 100) \
                   where version = 104";
    shell.database().connect().await.run(changed).await;

    for command in [&["migrate"][..], &["serve"], &["client", "list"]] {
        let ran = shell.run(command);
        assert_eq!(ran.code, 1, "{command:?}: {ran:?}");
        assert!(
            ran.err
                .contains("the database has another version of migration 0104 audit"),
            "{command:?}: {ran:?}"
        );
    }
}

#[tokio::test]
async fn in_production_it_alone_makes_the_file_of_sqlite() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let run = |arguments: &[&str]| {
        let mut command = shell.command(arguments);
        Ran::from(
            command
                .env("DATABASE_URL", "sqlite:data/tokens.db")
                .output()
                .unwrap(),
        )
    };
    let told = "there is no file data/tokens.db: run `token-server migrate` to create it";

    for arguments in [
        &["serve"][..],
        &["serve", "--no-migrate"],
        &["client", "list"],
        &["audit", "verify"],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 1, "{arguments:?}: {ran:?}");
        let last = ran.err.lines().last().unwrap();
        assert!(
            last.contains("DATABASE_URL") && last.contains(told),
            "{arguments:?}: {ran:?}"
        );
    }
    let checked = run(&["check"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    let failed = format!("FAIL  database: DATABASE_URL: {told}");
    assert!(checked.out.contains(&failed), "{}", checked.out);
    assert!(!shell.path().join("data").exists());

    assert_eq!(run(&["migrate"]).code, 0);
    assert_eq!(run(&["check"]).code, 0);
}

/// There `serve` makes it, as everything else that is missing.
#[tokio::test]
async fn in_development_mode_check_makes_no_file_either() {
    let shell = Shell::migrated().await;
    shell.certificate();

    let mut command = shell.command(&["check"]);
    let ran = Ran::from(
        command
            .env("DATABASE_URL", "sqlite:data/tokens.db")
            .env("DEVELOPMENT", "true")
            .env("LISTEN_ADDR", "127.0.0.1:2600")
            .output()
            .unwrap(),
    );

    assert_eq!(ran.code, 0, "{ran:?}");
    let told = "ok    database: SQLite has no file yet; `serve` creates it";
    assert!(ran.out.contains(told), "{}", ran.out);
    assert!(!shell.path().join("data").exists());
}
