//! A backup, further writes, and the backup restored: docs/backup.md.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Server, done, register, run, until, worked};
use crate::harness::{SECRET, Shell};
use crate::history::{administer, name_of};

/// What was there before the backup, and what came after it.
struct Life {
    secret: String,
    before: String,
    revoked_after: String,
    late: String,
    late_token: String,
}

impl Life {
    /// What the server answers to the tokens of before; it issues good new ones.
    async fn assert_judged(&self, server: &Server, before: u16, revoked_after: u16) {
        assert_eq!(server.verify(&self.before).await, before);
        assert_eq!(server.verify(&self.revoked_after).await, revoked_after);
        let token = server.token("billing", &self.secret).await;
        assert_eq!(server.verify(&token).await, 200);
    }
}

/// The backup is made in the middle of it.
async fn live(shell: &Shell, server: &Server, backup: &Path) -> Life {
    let secret = register(shell, &[], "billing");
    let before = server.token("billing", &secret).await;
    let revoked_after = server.token("billing", &secret).await;
    back_up(shell, backup);
    let late = register(shell, &[], "late");
    let late_token = server.token("late", &late).await;
    let revoked = server.revoke("billing", &secret, &revoked_after).await;
    assert_eq!(revoked, 200);
    assert_eq!(server.verify(&revoked_after).await, 401);
    Life {
        secret,
        before,
        revoked_after,
        late,
        late_token,
    }
}

fn back_up(shell: &Shell, file: &Path) {
    if is_sqlite(shell) {
        let ran = done(shell, &[], &["backup", file.to_str().unwrap()]);
        assert!(ran.err.contains("SECRET"), "{ran:?}");
    } else {
        let dump = Command::new("pg_dump")
            .args(["--format=custom", "--file"])
            .arg(file)
            .arg(&shell.database().url)
            .output();
        worked(&dump.unwrap());
    }
}

fn is_sqlite(shell: &Shell) -> bool {
    shell.database().url.starts_with("sqlite:")
}

/// The service stops, and its file is replaced.
fn restore_file(shell: &Shell, backup: &Path, arguments: &[&str]) -> Server {
    let file = PathBuf::from(shell.database().url.strip_prefix("sqlite:").unwrap());
    for beside in ["-wal", "-shm"] {
        let mut name = file.clone().into_os_string();
        name.push(beside);
        let _ = fs::remove_file(name);
    }
    fs::copy(backup, &file).unwrap();
    done(shell, &[], arguments);
    Server::start(shell, "restored", &[])
}

/// Into a database beside the lost one, to which the replicas' address leads then. Where it is.
async fn restore_beside(shell: &Shell, backup: &Path, arguments: &[&str]) -> String {
    let url = &shell.database().url;
    let name = format!("{}_restored", name_of(url));
    administer(url, &[&format!("create database {name}")]).await;
    let mut restored = url::Url::parse(url).unwrap();
    restored.set_path(&name);
    let restored = restored.to_string();
    let load = Command::new("pg_restore")
        .args(["--exit-on-error", "--dbname", &restored])
        .arg(backup)
        .output();
    worked(&load.unwrap());
    let settings = [("DATABASE_URL", &*restored)];
    done(shell, &settings, &["migrate"]);
    done(shell, &settings, arguments);
    restored
}

async fn drill(keep_tokens: bool) {
    let shell = Shell::migrated().await;
    shell.certificate();
    let backup = shell.path().join("backup");
    let arguments = &["restore", "--keep-tokens"][..=usize::from(keep_tokens)];
    let address = shell.path().join("database-url");
    fs::write(&address, &shell.database().url).unwrap();
    let from_file = [
        ("DATABASE_URL", ""),
        ("DATABASE_URL_FILE", address.to_str().unwrap()),
    ];
    let (life, server, restored) = if is_sqlite(&shell) {
        let server = Server::start(&shell, "before", &[]);
        let life = live(&shell, &server, &backup).await;
        server.stop().await;
        (life, restore_file(&shell, &backup, arguments), None)
    } else {
        let server = Server::start(&shell, "running", &from_file);
        let life = live(&shell, &server, &backup).await;
        let restored = restore_beside(&shell, &backup, arguments).await;
        fs::write(&address, &restored).unwrap();
        end_connections(&shell.database().url).await;
        (life, server, Some(restored))
    };
    let settings: &[(&str, &str)] = if restored.is_some() { &from_file } else { &[] };

    // A replica that ran all the time notices by itself.
    until("the client that the backup lacks is unknown", async || {
        server.log_in("late", &life.late).await.0 == 401
    })
    .await;
    until("it is ready", async || server.readiness().await == "ready").await;
    let kept = if keep_tokens { 200 } else { 401 };
    // Its revocation is lost, unless somebody still knows it.
    let is_known = restored.is_some() || !keep_tokens;
    let revoked = if is_known { 401 } else { 200 };
    life.assert_judged(&server, kept, revoked).await;
    if !keep_tokens {
        assert_eq!(server.verify(&life.late_token).await, 401);
    }
    if restored.is_some() {
        let later = Server::start(&shell, "later", settings);
        life.assert_judged(&later, kept, revoked).await;
    }
    done(&shell, settings, &["audit", "verify"]);
    let events = done(&shell, settings, &["audit", "list"]);
    assert!(events.out.contains("installation.restore"), "{events:?}");
    server.stop().await;
    if let Some(restored) = restored {
        remove(&restored).await;
    }
}

async fn remove(restored: &str) {
    let drop = format!("drop database {} with (force)", name_of(restored));
    administer(restored, &[&drop]).await;
}

/// As when the lost server is taken off the network.
async fn end_connections(url: &str) {
    let name = name_of(url);
    let shut = format!("alter database {name} with allow_connections false");
    let end =
        format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
    administer(url, &[&shut, &end]).await;
}

#[tokio::test]
async fn after_a_restore_every_token_of_before_is_refused_and_clients_log_in_again() {
    drill(false).await;
}

#[tokio::test]
async fn a_restore_that_keeps_tokens_loses_only_what_nobody_knows_any_more() {
    drill(true).await;
}

#[tokio::test]
async fn a_backup_is_private_whole_and_without_secret() {
    let shell = Shell::migrated().await;
    if !is_sqlite(&shell) {
        return;
    }
    register(&shell, &[], "billing");
    let file = shell.path().join("a'b.backup");
    let path = file.to_str().unwrap();

    let ran = done(&shell, &[], &["backup", path, "--json"]);

    assert_eq!(ran.json()["file"], path);
    let found = fs::read(&file).unwrap();
    assert_eq!(ran.json()["bytes"], found.len());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let has = |text: &str| found.windows(text.len()).any(|it| it == text.as_bytes());
    assert!(has("billing") && !has(SECRET));
    let copy = format!("sqlite:{path}");
    let settings = [("DATABASE_URL", &*copy)];
    let listed = done(&shell, &settings, &["client", "list"]);
    assert!(listed.out.contains("billing"), "{listed:?}");
    done(&shell, &settings, &["audit", "verify"]);
}

#[tokio::test]
async fn a_backup_is_never_written_over_anything() {
    let shell = Shell::migrated().await;
    if !is_sqlite(&shell) {
        return;
    }
    let file = shell.path().join("backup");
    fs::write(&file, "mine").unwrap();
    let link = shell.path().join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();

    for place in [&file, &link] {
        let ran = run(&shell, &[], &["backup", place.to_str().unwrap()]);
        assert_eq!(ran.code, 4, "{ran:?}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    assert!(!shell.path().join("nowhere").exists());
    let nowhere = shell.path().join("no/such/folder");
    assert_eq!(
        run(&shell, &[], &["backup", nowhere.to_str().unwrap()]).code,
        1
    );
}

/// A copy beside writers is of one moment: never a client without the secret that came with it.
#[tokio::test]
async fn a_backup_while_others_write_is_of_one_moment() {
    let shell = Shell::migrated().await;
    if !is_sqlite(&shell) {
        return;
    }
    shell.certificate();
    let server = Server::start(&shell, "a", &[]);
    for n in 0..4 {
        let id = format!("client-{n}");
        let writes = shell.command(&["client", "create", &id]).spawn().unwrap();
        let file = shell.path().join(format!("backup-{n}"));
        done(&shell, &[], &["backup", file.to_str().unwrap()]);
        assert!(writes.wait_with_output().unwrap().status.success());
        let copy = format!("sqlite:{}", file.display());
        done(&shell, &[("DATABASE_URL", &copy)], &["audit", "verify"]);
    }
    server.stop().await;
}

#[tokio::test]
async fn of_a_postgres_backup_names_pg_dump() {
    let shell = Shell::migrated().await;
    if is_sqlite(&shell) {
        return;
    }
    let file = shell.path().join("backup");

    let ran = run(&shell, &[], &["backup", file.to_str().unwrap()]);

    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("pg_dump --format=custom"), "{ran:?}");
    assert!(!file.exists());
}
