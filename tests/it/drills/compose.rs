//! The Postgres of deploy/compose with the TLS that `prepare` and compose.yaml give it: as the containers run it, with a real
//! Postgres and the built server.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use tempfile::TempDir;
use yaml_rust2::YamlLoader;

use super::{Server, done, register, run, until, worked};
use crate::clients::free_port;
use crate::deploy::compose::prepare_in;
use crate::harness::{Shell, make_program};

/// What stands for the image: its user, and what its `docker-entrypoint.sh` comes to.
const ENTRYPOINT: &str = "#!/bin/sh
cd /
exec $AS_OWNER \"$BIN/$@\" -D \"$SITE/data\" -k \"$SITE\" -p \"$PORT\" -c listen_addresses=127.0.0.1
";

/// The user and the group as which Postgres runs here where the test is root's.
const NOBODY: u32 = 65_534;

/// A folder of compose after `prepare`, and the container of its Postgres.
struct Site {
    folder: TempDir,
    postgres: Option<Child>,
    port: u16,
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut postgres) = self.postgres.take() {
            let _ = postgres.kill();
            let _ = postgres.wait();
        }
    }
}

/// Postgres refuses to run as root.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
}

/// What makes a program run as the user of the container.
fn owner() -> &'static str {
    if is_root() {
        "setpriv --reuid=nobody --regid=nogroup --clear-groups --"
    } else {
        ""
    }
}

/// A program of Postgres' server, as scripts/lib.sh finds it.
fn programs() -> PathBuf {
    let find = Command::new("bash")
        .args(["-c", ". scripts/lib.sh && find_postgres"])
        .output()
        .unwrap();
    let found = String::from_utf8(find.stdout).unwrap();
    assert!(!found.trim().is_empty(), "install the package postgresql");
    found.trim().into()
}

impl Site {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn secret(&self, name: &str) -> String {
        let text = fs::read_to_string(self.path("secrets").join(name)).unwrap();
        text.trim().to_owned()
    }

    /// What compose.yaml runs in the container, with the paths and the user of this machine.
    fn command(&self) -> String {
        let compose = fs::read_to_string("deploy/compose/compose.yaml").unwrap();
        let compose = YamlLoader::load_from_str(&compose).unwrap().remove(0);
        let entrypoint = &compose["services"]["postgres"]["entrypoint"];
        assert_eq!(entrypoint[0].as_str(), Some("/bin/sh"));
        assert_eq!(entrypoint[1].as_str(), Some("-euc"));
        let user = if is_root() {
            "-o nobody -g nogroup"
        } else {
            ""
        };
        let folder = self.folder.path().display();
        let script = entrypoint[2].as_str().unwrap();
        script
            .replace("-o postgres -g postgres", user)
            .replace("/run/secrets/", &format!("{folder}/secrets/"))
            .replace("/run/tls/", &format!("{folder}/"))
    }

    /// A program as the user of the container.
    fn as_owner(program: &Path) -> Command {
        let mut words = owner().split_whitespace().map(str::to_owned);
        let mut command = match words.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir("/");
        command
    }

    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let prepare = prepare_in(folder.path());
        worked(&Command::new(prepare).output().unwrap());
        let site = Self {
            folder,
            postgres: None,
            port: free_port(),
        };
        if is_root() {
            // As Docker mounts it: the folder on the host is another one.
            chown(site.folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
            let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
            fs::set_permissions(site.path("secrets"), open).unwrap();
        }
        site
    }

    /// Makes the data folder as the image does, and starts Postgres.
    async fn start(&mut self) {
        let bin = programs();
        let made = Self::as_owner(&bin.join("initdb"))
            .args(["-U", "token_server", "-A", "scram-sha-256", "-E", "UTF8"])
            .arg("-D")
            .arg(self.path("data"))
            .arg("--pwfile")
            .arg(self.path("secrets/postgres-password"))
            .output();
        worked(&made.unwrap());
        make_program(&self.path("docker-entrypoint.sh"), ENTRYPOINT);
        let log = fs::File::create(self.path("log")).unwrap();
        let started = Command::new("/bin/sh")
            .args(["-euc", &format!("PATH=$SITE:$PATH\n{}", self.command())])
            .env("SITE", self.folder.path())
            .env("BIN", bin)
            .env("PORT", self.port.to_string())
            .env("AS_OWNER", owner())
            .stderr(log)
            .spawn();
        self.postgres = Some(started.unwrap());
        until("Postgres answers", async || {
            let ended = self.postgres.as_mut().unwrap().try_wait().unwrap();
            let log = fs::read_to_string(self.path("log")).unwrap();
            assert!(ended.is_none(), "{log}");
            self.psql("postgres", "select 1").status.success()
        })
        .await;
    }

    /// The address of `prepare`, as it is on this machine.
    fn url(&self, host: &str) -> String {
        let folder = self.folder.path().display();
        self.secret("database-url")
            .replace("@postgres/", &format!("@{host}:{}/", self.port))
            .replace("/run/secrets/", &format!("{folder}/secrets/"))
    }

    fn psql(&self, database: &str, sql: &str) -> Output {
        let url = self.url("localhost");
        let url = url.replace("/token_server?", &format!("/{database}?"));
        let mut psql = Command::new("psql");
        let psql = psql.args(["--no-psqlrc", "-At", &url, "-c", sql]).output();
        psql.unwrap()
    }
}

#[tokio::test]
async fn the_postgres_of_compose_is_reached_by_tls_alone_and_under_its_name() {
    let shell = Shell::new().await;
    if shell.database().url.starts_with("sqlite:") {
        return;
    }
    let mut site = Site::new();
    site.start().await;
    worked(&site.psql("postgres", "create database token_server"));
    shell.certificate();

    let url = site.url("localhost");
    let settings = [("DATABASE_URL", &*url)];
    done(&shell, &settings, &["migrate"]);
    let secret = register(&shell, &settings, "billing");
    let server = Server::start(&shell, "a", &settings);
    let token = server.token("billing", &secret).await;
    assert_eq!(server.verify(&token).await, 200);
    let sql = "select bool_and(ssl), min(version), count(*) > 0 from pg_stat_ssl join pg_stat_activity using (pid)
        where application_name = 'token-server'";
    let seen = site.psql("token_server", sql);
    assert_eq!(String::from_utf8_lossy(&seen.stdout), "t|TLSv1.3|t\n");

    // Another name, and another authority.
    let other = site.url("127.0.0.1");
    let refused = run(&shell, &[("DATABASE_URL", &other)], &["client", "list"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("TLS fails"), "{refused:?}");
    let stranger = url.replace("postgres-ca.pem", "cert.pem");
    let refused = run(&shell, &[("DATABASE_URL", &stranger)], &["client", "list"]);
    assert!(refused.err.contains("TLS fails"), "{refused:?}");
    server.stop().await;
}
