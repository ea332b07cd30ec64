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
pub(super) const PYTHON: &str = "target/clients/python";
pub(super) const NODE: &str = "tests/clients/node/node_modules";

pub(super) const GO: &str = "target/clients/go";
pub(super) const JAVA: &str = "target/clients/java";

/// With which the trust store of the tests of Java is protected, as all are that `keytool` makes.
const STORE_PASSWORD: &str = "changeit";

pub(super) struct Script {
    path: PathBuf,
    program: PathBuf,
    arguments: Vec<String>,
}

impl Script {
    /// Fails when its libraries are not here in the versions that are to be tested.
    pub(super) fn find(path: &str) -> Self {
        let full_path = folder().join(path);
        let mut arguments = vec![full_path.display().to_string()];
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
            "rb" => "ruby".into(),
            "php" => "php".into(),
            "go" => {
                installed("tests/clients/go/go.sum", GO);
                arguments.clear();
                at(GO).join(module(path))
            }
            "java" => {
                let folder = format!("{JAVA}/{}", module(path));
                installed(
                    &format!("tests/clients/java/{}/pom.xml", module(path)),
                    &folder,
                );
                arguments = java(&at(&folder), &full_path);
                "java".into()
            }
            other => panic!("{other}"),
        };
        Self {
            path: full_path,
            program,
            arguments,
        }
    }

    /// Runs it to its end; the library and its version.
    pub(super) async fn run(&self, scene: &Scene) -> String {
        if self.program == Path::new("java") {
            write_trust_store(scene);
        }
        let mut command = Command::new(&self.program);
        if self.program == Path::new("php") {
            let ca = scene.variable("SSL_CERT_FILE");
            command.args(["-d".to_owned(), format!("curl.cainfo={ca}")]);
        }
        let child = command
            .args(&self.arguments)
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
        let (name, number) = version.rsplit_once(' ').unwrap();
        let row = format!("| {name} | {number} |");
        // Whichever is here of some: all are alike in what is tested.
        let page = super::docs::text();
        let mut names = version.match_indices(' ').map(|(end, _)| &version[..end]);
        assert!(
            names.any(|name| page.contains(&format!("| {name} | any |"))) || page.contains(&row),
            "docs/integrations.md does not say `{row}`, with which {} passes",
            self.path.display()
        );
        version.to_owned()
    }
}

/// The folder that a script is in.
fn module(path: &str) -> &str {
    path.split('/').nth(1).unwrap()
}

/// The arguments of `java` for a class that was compiled, with its libraries, and for the folder of its settings.
fn java(folder: &Path, source: &Path) -> Vec<String> {
    let (classes, libraries) = (folder.join("classes"), folder.join("lib/*"));
    let settings = source.ancestors().nth(2).unwrap().join("spring");
    let class = source.file_stem().unwrap().display();
    [
        format!("-Dproperties={}", settings.display()),
        "-cp".to_owned(),
        format!("{}:{}", classes.display(), libraries.display()),
        class.to_string(),
    ]
    .into()
}

/// Java reads authorities from a file of its own kind, as docs/integrations.md says.
pub(super) fn write_trust_store(scene: &Scene) {
    let (ca, store) = (
        scene.variable("SSL_CERT_FILE"),
        scene.variable("TRUST_STORE"),
    );
    let made = std::process::Command::new("keytool")
        .args([
            "-importcert",
            "-noprompt",
            "-alias",
            "token-server",
            "-file",
            ca,
        ])
        .args(["-keystore", store, "-storepass", STORE_PASSWORD])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stdout)
    );
}

/// The folder with the scripts.
pub(super) fn folder() -> PathBuf {
    at("tests/clients")
}

pub(super) fn at(path: &str) -> PathBuf {
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
