use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use token_server::config::Config;

use super::{read, yaml};
use crate::config::sample;

/// Names in capitals that are not ours.
const OTHERS: [&str; 9] = [
    "AF_INET6",
    "AF_INET",
    "AF_UNIX",
    "CARGO_INCREMENTAL",
    "MONOTONIC_USEC",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD_FILE",
    "POSTGRES_USER",
    "TOKEN_SERVER_IMAGE",
];

type Settings = BTreeMap<String, String>;

/// Those of the Debian package, also the ones that are only shown.
fn of_debian() -> Settings {
    let text = read("deploy/debian/env");
    let lines = text
        .lines()
        .map(|line| line.strip_prefix('#').unwrap_or(line));
    let pairs = lines.filter_map(|line| line.split_once('='));
    let pairs = pairs.filter(|(name, _)| !name.contains(' '));
    let pairs: Vec<_> = pairs.map(owned).collect();
    assert!(pairs.len() > 4, "{pairs:?}");
    pairs.into_iter().collect()
}

fn of_compose() -> Settings {
    let compose = yaml("deploy/compose/compose.yaml");
    let environment = compose["x-token-server"]["environment"].as_hash().unwrap();
    let texts = environment.iter();
    texts
        .map(|(name, value)| owned((name.as_str().unwrap(), value.as_str().unwrap())))
        .collect()
}

fn of_kubernetes() -> Settings {
    let kustomization = yaml("deploy/kubernetes/kustomization.yaml");
    let literals = &kustomization["configMapGenerator"][0]["literals"];
    let literals = literals.as_vec().unwrap().iter();
    literals
        .map(|literal| owned(literal.as_str().unwrap().split_once('=').unwrap()))
        .collect()
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn every_setting_that_is_made_is_one_with_a_value_that_it_takes() {
    let known = sample();
    for (whose, mut settings) in [
        ("Debian", of_debian()),
        ("compose", of_compose()),
        ("Kubernetes", of_kubernetes()),
    ] {
        for name in settings.keys() {
            assert!(known.contains_key(name), "{whose}: {name}");
        }
        // What stands in files that are not here.
        settings.retain(|name, _| !name.ends_with("_FILE"));
        settings.insert("SECRET".to_owned(), crate::harness::SECRET.to_owned());
        let config = Config::from_lookup(|name| settings.get(name).cloned());
        assert!(config.is_ok(), "{whose}: {config:?}");
    }
}

/// In comments too: `SHUTDOWN_GRACE` is not to be spoken of when it has another name.
#[test]
fn every_name_in_capitals_is_a_setting() {
    let known = sample();
    let mut spoken_of = BTreeSet::new();
    for file in files(Path::new("deploy")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let names = words.filter(|word| {
            word.contains('_')
                && word.starts_with(|c: char| c.is_ascii_uppercase())
                && !word.contains(|c: char| c.is_ascii_lowercase())
        });
        for name in names {
            let is_known = known.contains_key(name) || OTHERS.contains(&name);
            let is_dockers = file.ends_with("Dockerfile") && name == "SOURCE_DATE_EPOCH";
            assert!(is_known || is_dockers, "{}: {name}", file.display());
            spoken_of.insert(name.to_owned());
        }
    }
    assert!(spoken_of.contains("SHUTDOWN_GRACE"), "{spoken_of:?}");
}

/// In `deploy/`, in the docs and in `.env.sample`.
#[test]
fn every_address_of_a_postgres_demands_a_verified_certificate() {
    let mut found = 0;
    let others = ["README.md", "CHANGELOG.md", ".env.sample"];
    let others = others.map(PathBuf::from);
    let folders = ["deploy", "docs"].map(|folder| files(Path::new(folder)));
    for file in folders.into_iter().flatten().chain(others) {
        // The others are pictures.
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        for scheme in ["postgres://", "postgresql://"] {
            for (at, _) in text.match_indices(scheme) {
                // A password in `prepare` is made by a command with blanks.
                let line = text[at..].lines().next().unwrap();
                let address = line.split(['\'', '"', '`']).next().unwrap();
                if address.contains('@') {
                    let demands = address.contains("sslmode=verify-full");
                    assert!(demands, "{}: {address}", file.display());
                    found += 1;
                }
            }
        }
    }
    assert!(found >= 7, "{found}");
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    // What `prepare` makes is nobody's text.
    let paths = paths.filter(|path| !path.ends_with("secrets"));
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
