//! Two servers as an operator sees them: folders with settings and secrets, and programs on the PATH that start, stop and ask
//! the built server (`stand_ins/`). So the shell lines of the docs are run as they stand.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use token_server::base::secret::random_bytes;

use super::Caller;
use crate::harness::Shell;

const PROGRAM: &str = env!("CARGO_BIN_EXE_token-server");
const STAND_INS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/drills/stand_ins");

/// The names of the servers.
pub(super) const SERVERS: [&str; 2] = ["a", "b"];

pub(super) struct Site {
    pub(super) shell: Shell,
    pub(super) callers: [Caller; 2],
    /// Each server has an address of its own on this machine, which it has again after a restart.
    addresses: [SocketAddr; 2],
    /// What is written otherwise in the docs.
    names: Vec<(String, String)>,
    variables: Vec<(String, String)>,
}

impl Drop for Site {
    fn drop(&mut self) {
        for name in SERVERS {
            if let Ok(pid) = fs::read_to_string(self.path(&format!("{name}.pid"))) {
                let _ = Command::new("kill").args(["-KILL", pid.trim()]).output();
            }
        }
    }
}

impl Site {
    /// Nothing serves yet. `settings` are those that the pages do not speak of.
    pub(super) async fn new(settings: &[(&str, &str)]) -> Self {
        let shell = Shell::migrated().await;
        shell.certificate();
        let [first, second] = random_bytes::<2>();
        let address =
            |last| SocketAddr::from((Ipv4Addr::new(127, first.max(1), second, last), 2600));
        let addresses = [address(1), address(2)];
        let site = Self {
            callers: addresses.map(|address| Caller::of(&shell, address)),
            shell,
            addresses,
            names: Vec::new(),
            variables: Vec::new(),
        };
        let certificate = site.path("certs/cert.pem");
        let key = site.path("certs/key.pem");
        let common = [
            ("ISSUER", "https://localhost:2600"),
            ("OPS_LISTEN", "off"),
            ("ARGON2_GENERATED", "m=8,t=1,p=1"),
            ("ARGON2_CHOSEN", "m=8,t=1,p=1"),
            ("TLS_CERT", certificate.to_str().unwrap()),
            ("TLS_KEY", key.to_str().unwrap()),
        ];
        site.write("common.settings", &lines(&[&common, settings].concat()));
        for (name, address) in SERVERS.iter().zip(site.addresses) {
            fs::create_dir(site.path(name)).unwrap();
            site.write(&format!("{name}.address"), &address.to_string());
        }
        fs::create_dir(site.path("bin")).unwrap();
        symlink(PROGRAM, site.path("bin/token-server")).unwrap();
        site
    }

    /// From now on `theirs`, which the docs say, stands for `ours`.
    pub(super) fn name(&mut self, theirs: &str, ours: &str) {
        self.names.push((theirs.to_owned(), ours.to_owned()));
    }

    /// What a shell of the operator has.
    pub(super) fn export(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.shell.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Runs a line of the docs on a server, in the folder; it has to work. What it printed.
    #[track_caller]
    pub(super) fn run(&self, server: usize, line: &str) -> String {
        let folder = self.path(SERVERS[server]);
        let mut script = line
            .replace("/etc/token-server", folder.to_str().unwrap())
            .replace("localhost:2600", &self.addresses[server].to_string());
        for (theirs, ours) in &self.names {
            script = script.replace(theirs, ours);
        }
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(server, &script).output().unwrap();
        let texts = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert!(status.success(), "{line}: {texts:?}");
        texts.concat()
    }

    fn command(&self, server: usize, script: &str) -> Command {
        let here = self.shell.path();
        let script = format!("PATH=$STAND_INS:$SITE/bin:$PATH\n{script}");
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(here)
            .env("STAND_INS", STAND_INS)
            .env("SITE", here)
            .env("PROGRAM", PROGRAM)
            .env("SERVER", SERVERS[server])
            .env("ADDRESS", self.addresses[server].to_string())
            .env("no_proxy", "*")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts both under the settings that a stand-in wrote or the test did.
    #[track_caller]
    pub(super) fn start(&self) {
        for (server, name) in SERVERS.iter().enumerate() {
            let start = format!(". \"$STAND_INS/replicas.sh\"; start_replica {name} \"$ADDRESS\"");
            self.run(server, &start);
        }
    }

    /// Each issues a token that the other accepts, and obeys the other's revocation. Both are ready.
    pub(super) async fn agree(&self, line: &str, secret: &str) {
        let [a, b] = &self.callers;
        for (issuing, other) in [(a, b), (b, a)] {
            let token = issuing.token("billing", secret).await;
            assert_eq!(other.verify(&token).await, 200, "after {line}");
            let revoked = other.revoke("billing", secret, &token).await;
            assert_eq!(revoked, 200, "after {line}");
            assert_eq!(issuing.readiness().await, "ready", "after {line}");
        }
    }

    pub(super) async fn judge(&self, line: &str, token: &str, status: u16) {
        for caller in &self.callers {
            assert_eq!(caller.verify(token).await, status, "after {line}");
        }
    }
}

/// A file of settings.
pub(super) fn lines(settings: &[(&str, &str)]) -> String {
    let lines = settings
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"));
    lines.collect()
}

/// Copies the files of a folder; by another process, as in [`make_program`](crate::harness::make_program).
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let mut copy = Command::new("find");
    copy.arg(from)
        .args("-maxdepth 1 -type f -exec cp -t".split(' '));
    assert!(copy.arg(to).args(["{}", "+"]).status().unwrap().success());
}
