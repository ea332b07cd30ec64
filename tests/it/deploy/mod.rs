//! What is shipped beside the program (`deploy/`, the pages for people, the packages), as far as it can be judged without
//! a cluster, a registry or a booted machine: by running it where that is possible, else by the judges that
//! `scripts/interop` installs. HAProxy is run in `proxies/balancer.rs`.

pub(crate) mod compose;
mod debian;
mod docker;
mod helm;
mod kubernetes;
mod man;
mod pages;
mod release;
mod scanners;
mod settings;
mod systemd;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

/// One of the judges.
pub(crate) fn judge(name: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/deploy");
    let wanted = fs::read(root.join("tests/deploy/requirements.txt")).unwrap();
    assert!(
        fs::read(folder.join(".installed")).is_ok_and(|installed| installed == wanted),
        "{name} is not here in the version of tests/deploy: scripts/interop installs it"
    );
    let mut command = Command::new(folder.join("bin").join(name));
    command.env("NO_COLOR", "1");
    command
}

/// What Cargo knows of this package.
fn package() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--offline",
            "--locked",
            "--no-deps",
            "--format-version",
            "1",
        ])
        .output()
        .unwrap();
    let metadata: Value = token_server::base::json::from_slice(&output.stdout).unwrap();
    metadata["packages"][0].clone()
}

/// What a command said, both ways, and whether it was content.
pub(crate) fn ran(command: &mut Command) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let said = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    (status.success(), said.concat())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The one document of a file.
fn yaml(path: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(&read(path)).unwrap();
    assert_eq!(documents.len(), 1, "{path}");
    documents.remove(0)
}

/// The members of a list of texts.
fn texts(list: &Yaml) -> BTreeSet<&str> {
    let list = list.as_vec().unwrap().iter();
    list.map(|text| text.as_str().unwrap()).collect()
}

/// The names of the files in a folder.
fn names(folder: impl AsRef<Path>) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// What follows `Name=` in a file of systemd's form.
fn value_of<'a>(text: &'a str, name: &str) -> &'a str {
    let mut values = text.lines().filter_map(|line| {
        let (theirs, value) = line.split_once('=')?;
        (theirs == name).then_some(value)
    });
    values.next().unwrap_or_else(|| panic!("no {name}"))
}
