//! One script of `tests/clients`, and the interpreter and libraries that `scripts/interop` installed for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::Scene;

/// Beyond it the library is waiting for something that does not come.
const PATIENCE: Duration = Duration::from_mins(2);

/// What was installed, and the copy beside it of the list that it was installed from.
const PYTHON: &str = "target/clients/python";
const NODE: &str = "tests/clients/node/node_modules";

pub(super) struct Script {
    path: PathBuf,
    program: PathBuf,
}

impl Script {
    /// Fails when its libraries are not here in the versions that are to be tested.
    pub(super) fn find(path: &str) -> Self {
        let program = match path.rsplit_once('.').unwrap().1 {
            "py" => {
                installed("tests/clients/python/requirements.txt", PYTHON);
                at(PYTHON).join("bin/python3")
            }
            "mjs" => {
                installed("tests/clients/node/package-lock.json", NODE);
                "node".into()
            }
            "sh" => "bash".into(),
            other => panic!("{other}"),
        };
        Self {
            path: folder().join(path),
            program,
        }
    }

    /// Runs it to its end; the library and its version.
    pub(super) async fn run(&self, scene: &Scene) -> String {
        let child = Command::new(&self.program)
            .arg(&self.path)
            .envs(scene.variables.iter().map(|(name, value)| (name, value)))
            // Whatever proxies this machine has for the world outside.
            .envs([("NO_PROXY", "localhost"), ("no_proxy", "localhost")])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{error}: {}", self.program.display()));
        let ran = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let ran = ran.unwrap_or_else(|_| panic!("{} does not end", self.path.display()));
        let ran = ran.unwrap();
        let (out, err) = (
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr),
        );
        let log = scene.log();
        assert!(ran.status.success(), "{out}{err}\nthe server's log:\n{log}");
        self.check_version(&out)
    }

    /// Each script's first line is the library and its version, which the documentation has to name.
    fn check_version(&self, out: &str) -> String {
        let version = out.lines().next().unwrap_or_default();
        let (name, number) = version.split_once(' ').unwrap();
        let row = format!("| {name} | {number} |");
        // Whichever curl is here: all are alike in what is tested.
        assert!(
            name == "curl" || super::docs::text().contains(&row),
            "docs/integrations.md does not say `{row}`, with which {} passes",
            self.path.display()
        );
        version.to_owned()
    }
}

/// The folder with the scripts.
pub(super) fn folder() -> PathBuf {
    at("tests/clients")
}

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn installed(list: &str, folder: &str) {
    let wanted = fs::read_to_string(at(list)).unwrap();
    let found = fs::read_to_string(at(folder).join(".installed")).unwrap_or_default();
    assert!(
        found == wanted,
        "the libraries of {list} are not in {folder}: scripts/test installs those of the browser, scripts/interop the others"
    );
}
