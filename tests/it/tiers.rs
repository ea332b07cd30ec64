//! The two tiers of tests, `scripts/test` and `scripts/interop`: every test is in one of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The judges of `scripts/interop`, and the names with which each picks its tests.
fn judges() -> BTreeMap<String, Vec<String>> {
    let script = read("scripts/interop").replace("\\\n", " ");
    let lines = script.lines().map(str::trim);
    let calls = lines.filter_map(|line| line.strip_prefix("judge "));
    let judge = |call: &str| {
        let words = call.split(' ').filter(|word| word.contains("::"));
        let name = call.split(' ').next().unwrap();
        (name.to_owned(), words.map(str::to_owned).collect())
    };
    calls.map(judge).collect()
}

/// The tests that are ignored unless they are asked for.
fn ignored() -> Vec<String> {
    let listed = Command::new(std::env::current_exe().unwrap())
        .args(["--list", "--ignored", "--format=terse"])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let tests = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"));
    tests.map(str::to_owned).collect()
}

#[test]
fn every_ignored_test_is_run_by_one_judge_and_every_judge_has_tests() {
    let (judges, ignored) = (judges(), ignored());
    let picks = |names: &[String], test: &str| names.iter().any(|name| test.contains(name));

    for test in &ignored {
        let by: Vec<_> = judges
            .iter()
            .filter(|(_, names)| picks(names, test))
            .collect();
        assert_eq!(by.len(), 1, "{test} is run by {by:?}");
    }
    for (judge, names) in &judges {
        for name in names {
            assert!(
                ignored.iter().any(|test| test.contains(name)),
                "{judge}: {name}"
            );
        }
    }
    assert!(
        judges.len() > 20 && ignored.len() > 200,
        "{}",
        ignored.len()
    );
}

/// A test that is left out for another reason would be left out by both scripts.
#[test]
fn a_test_is_ignored_for_no_other_reason_than_interop() {
    for file in rust_files("tests/it".as_ref()) {
        for line in fs::read_to_string(&file).unwrap().lines() {
            let line = line.trim();
            assert!(
                !line.starts_with("#[ignore") || line == "#[ignore = \"interop\"]",
                "{}: {line}",
                file.display()
            );
        }
    }
}

/// Examples in doc comments are not run (`doctest = false`), so there are none.
#[test]
fn no_doc_comment_has_a_block_of_code() {
    for file in rust_files("src".as_ref()) {
        let text = fs::read_to_string(&file).unwrap();
        let fences = text.lines().map(str::trim).filter(|line| {
            line.strip_prefix("//").is_some_and(|line| {
                line.trim_start_matches(['/', '!'])
                    .trim()
                    .starts_with("```")
            })
        });
        for fence in fences.step_by(2) {
            assert!(fence.ends_with("```text"), "{}: {fence}", file.display());
        }
    }
}

/// Every Rust file in a folder and the folders in it.
pub(crate) fn rust_files(path: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
