//! The built binary, in a folder and with a database of its own.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::{Database, SECRET};

/// Writes a program. Another process does it: a child that this process forks meanwhile would inherit the open file, and the
/// kernel does not start a program that a process has open for writing (ETXTBSY).
pub(crate) fn make_program(file: &Path, text: &str) {
    let mut install = Command::new("install");
    let install = install.args(["-m", "755", "/dev/stdin"]).arg(file);
    let mut install = install.stdin(Stdio::piped()).spawn().unwrap();
    let written = install.stdin.take().unwrap().write_all(text.as_bytes());
    written.unwrap();
    assert!(install.wait().unwrap().success());
}

/// A folder and a database for one test, and the binary in it.
pub(crate) struct Shell {
    folder: TempDir,
    database: Database,
}

impl Shell {
    /// On an empty database.
    pub(crate) async fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            database: Database::empty().await,
        }
    }

    /// On a migrated database.
    pub(crate) async fn migrated() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            database: Database::fresh().await,
        }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a certificate and its key where the default settings look for them.
    pub(crate) fn certificate(&self) {
        self.certificate_for("localhost");
    }

    pub(crate) fn certificate_for(&self, host: &str) {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let folder = self.path().join("certs");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    }

    pub(crate) fn database_url(&self) -> &str {
        &self.database.url
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_token-server"), arguments)
    }

    /// The same with another program.
    pub(crate) fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    /// A script of a shell that stops at the first error.
    pub(crate) fn script(&self, script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-euc", script]);
        self.prepare(&mut command);
        command
    }

    /// The same under limits that the shell sets, such as `ulimit -n 200`.
    pub(crate) fn limited_command(&self, limits: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        let script = format!("{limits} && exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_token-server")]);
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command
            .current_dir(self.path())
            .env_clear()
            .env("SECRET", SECRET)
            .env("DATABASE_URL", &self.database.url)
            .env("OPS_LISTEN", "off")
            // As many as a machine with few descriptors allows.
            .env("MAX_CONNECTIONS", "500")
            .env("ARGON2_GENERATED", "m=8,t=1,p=1")
            .env("ARGON2_CHOSEN", "m=8,t=1,p=1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    /// Without the line that says which database the command uses.
    pub(crate) err: String,
    pub(crate) database: Option<String>,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let err = String::from_utf8(output.stderr).unwrap();
        let first = err.split_once('\n');
        let (database, err) =
            match first.map(|(line, rest)| (line.strip_prefix("database: "), rest)) {
                Some((Some(database), rest)) => (Some(database.to_owned()), rest.to_owned()),
                _ => (None, err),
            };
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err,
            database,
        }
    }
}

impl Ran {
    pub(crate) fn json(&self) -> serde_json::Value {
        token_server::base::json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
