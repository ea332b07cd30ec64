//! A backup and a restore by the shell lines of docs/backup.md.

use std::fs;
use std::process::Command;

use super::page::blocks;
use super::site::{SERVERS, Site, lines};
use super::until;
use crate::harness::SECRET;
use crate::history::{administer, name_of};

const PAGE: &str = "docs/backup.md";

/// The unit of the timer.
fn exec_start() -> String {
    let text = fs::read_to_string(PAGE).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    // As systemd reads it.
    line.unwrap().replace("$$", "$").replace("%%", "%")
}

/// Runs the blocks below a heading, on each server where the page says so. What the last line printed.
async fn run_all(site: &Site, heading: &str, servers: usize) -> String {
    let mut printed = String::new();
    for block in blocks(PAGE, heading) {
        let servers = if block.is_for_each() { servers } else { 1 };
        for server in 0..servers {
            for line in &block.lines {
                printed = site.run(server, line);
                if line.ends_with("/readyz") {
                    until("it is ready", async || {
                        site.run(server, line).contains("\"ready\"")
                    })
                    .await;
                }
            }
        }
    }
    printed
}

fn register(site: &Site, id: &str) -> String {
    let made = site.run(0, &format!("token-server-ctl client create {id} --json"));
    let (_, behind) = made.split_once("\"client_secret\"").unwrap();
    behind.split('"').nth(1).unwrap().to_owned()
}

fn today() -> String {
    let date = Command::new("date").arg("+%F").output().unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

/// That the service goes on from the backup: what came later is unknown, and every client gets new tokens.
async fn assert_restored(site: &Site, servers: usize, before: &Before) {
    for caller in &site.callers[..servers] {
        until("the client that the backup lacks is unknown", async || {
            caller.log_in("late", &before.late).await.0 == 401
        })
        .await;
        assert_eq!(caller.verify(&before.token).await, 401);
        let token = caller.token("billing", &before.secret).await;
        assert_eq!(caller.verify(&token).await, 200);
    }
    let events = site.run(0, "token-server-ctl audit list");
    assert!(events.contains("installation.restore"), "{events}");
}

struct Before {
    secret: String,
    token: String,
    late: String,
}

/// The commands below the heading `back_up` run in the middle of it.
async fn live(site: &Site, back_up: &str) -> Before {
    let secret = register(site, "billing");
    let token = site.callers[0].token("billing", &secret).await;
    run_all(site, back_up, 1).await;
    let late = register(site, "late");
    assert_eq!(site.callers[0].log_in("late", &late).await.0, 200);
    Before {
        secret,
        token,
        late,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_is_backed_up_and_restored_by_the_lines_of_the_page() {
    let mut site = Site::new(&[]).await;
    if !site.shell.database_url().starts_with("sqlite:") {
        return;
    }
    let state = site.path("state");
    fs::create_dir(&state).unwrap();
    let file = site.path("a/secret");
    fs::write(&file, SECRET).unwrap();
    let url = format!("sqlite:{}/token-server.db", state.display());
    let settings = [
        ("DATABASE_URL", &*url),
        ("SECRET_FILE", file.to_str().unwrap()),
    ];
    site.write("a/env", &lines(&settings));
    // There is no such user on this machine.
    let me = "-o $(id -u) -g $(id -g)";
    site.name("-o token-server -g token-server", me);
    site.name("/var/lib/token-server", state.to_str().unwrap());
    site.run(0, "token-server-ctl migrate");
    site.run(0, "systemctl start token-server");

    let before = live(&site, "## Back up SQLite").await;
    let backup = state.join(format!("backups/{}.db", today()));
    let earlier = state.join("backups/2026-11-29.db.earlier");
    fs::rename(&backup, &earlier).unwrap();
    // That of the timer, which lacks nothing of what came before either.
    let timer = format!(
        "env -i $(cat \"$SITE/a/env\") PATH=\"$PATH\" {}",
        exec_start()
    );
    site.run(0, &timer);
    assert!(backup.exists());
    fs::rename(&earlier, state.join("backups/2026-11-29.db")).unwrap();
    let verified = run_all(&site, "### Restore SQLite", 1).await;

    assert!(verified.contains("good: "), "{verified}");
    assert_restored(&site, 1, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_backed_up_and_restored_by_the_lines_of_the_page() {
    let mut site = Site::new(&[]).await;
    let url = site.shell.database_url().to_owned();
    if url.starts_with("sqlite:") {
        return;
    }
    let name = name_of(&url);
    let mut restored = url::Url::parse(&url).unwrap();
    restored.set_path(&format!("{name}_restored"));
    for server in SERVERS {
        let folder = site.path(server);
        fs::write(folder.join("secret"), SECRET).unwrap();
        fs::write(folder.join("database-url"), &url).unwrap();
        let [secret, address] =
            ["secret", "database-url"].map(|name| folder.join(name).display().to_string());
        let settings = [("DATABASE_URL_FILE", &*address), ("SECRET_FILE", &secret)];
        site.write(&format!("{server}/env"), &lines(&settings));
    }
    site.export("DATABASE_URL", &url);
    site.export("RESTORED_URL", restored.as_str());
    site.export("SECRET", SECRET);
    site.export("ISSUER", "https://localhost:2600");
    site.name("tokens_restored", &format!("{name}_restored"));
    site.name("database token_server", &format!("database {name}"));
    site.name("'token_server'", &format!("'{name}'"));
    for server in 0..2 {
        site.run(server, "systemctl start token-server");
    }

    let before = live(&site, "## Back up Postgres").await;
    // Written on each server, where the page says "on each server".
    let verified = run_all(&site, "### Restore Postgres", 2).await;

    assert!(verified.contains("good: "), "{verified}");
    assert_restored(&site, 2, &before).await;
    // So that nothing uses it any more.
    for server in 0..2 {
        site.run(server, "systemctl stop token-server");
    }
    let drop = format!("drop database {name}_restored with (force)");
    administer(&url, &[&drop]).await;
}
