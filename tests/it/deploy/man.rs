use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// The pages as `token-server man` writes them.
fn pages() -> TempDir {
    let folder = TempDir::new().unwrap();
    let written = Command::new(env!("CARGO_BIN_EXE_token-server"))
        .args(["man", folder.path().to_str().unwrap()])
        .output()
        .unwrap();
    assert!(written.status.success(), "{written:?}");
    folder
}

fn names(folder: &TempDir) -> BTreeSet<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn every_command_that_is_not_hidden_has_a_page() {
    let folder = pages();
    let names = names(&folder);

    for name in [
        "token-server.1",
        "token-server-serve.1",
        "token-server-client-secret-add.1",
    ] {
        assert!(names.contains(name), "{names:?}");
    }
    assert!(!names.contains("token-server-man.1"));
    // A page lists those of the commands below it.
    for name in &names {
        let text = fs::read_to_string(folder.path().join(name))
            .unwrap()
            .replace('\\', "");
        let listed = text.lines().filter_map(|line| line.strip_suffix("(1)"));
        for listed in listed.filter(|line| line.starts_with("token-server-")) {
            assert!(
                names.contains(&format!("{listed}.1")),
                "{name} lists {listed}"
            );
        }
    }
}

#[test]
fn the_page_of_the_settings_has_each_of_them() {
    let folder = pages();
    let page = fs::read_to_string(folder.path().join("token-server.env.5")).unwrap();
    let page = page.replace('\\', "");

    for name in crate::config::sample().keys() {
        assert!(page.contains(&format!("fB{name}fR=")), "{name}");
    }
    for section in ["TOKENS", "LISTENER", "DATABASE"] {
        assert!(page.contains(&format!(".SH {section}")), "{section}");
    }
}

#[test]
#[ignore = "interop"]
fn the_pages_are_typeset_without_a_complaint() {
    let folder = pages();
    for name in names(&folder) {
        typesets(&folder.path().join(name));
    }
}

fn typesets(page: &Path) {
    let typeset = Command::new("groff")
        .args(["-k", "-man", "-Tutf8", "-ww", "-z"])
        .arg(page)
        .output()
        .unwrap();

    assert!(typeset.status.success(), "{typeset:?}");
    assert_eq!(
        String::from_utf8_lossy(&typeset.stderr),
        "",
        "{}",
        page.display()
    );
}

/// The one that is written by hand.
#[test]
#[ignore = "interop"]
fn the_page_of_the_package_is_typeset_without_a_complaint() {
    typesets(Path::new("deploy/debian/token-server-ctl.8"));
}

#[test]
fn a_folder_that_is_missing_is_made_below_the_present_one() {
    let present = TempDir::new().unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_token-server"))
        .args(["man", "made/pages"])
        .current_dir(&present)
        .output()
        .unwrap();

    assert!(ran.status.success(), "{ran:?}");
    assert!(present.path().join("made/pages/token-server.1").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_with_its_name() {
    let ran = Command::new(env!("CARGO_BIN_EXE_token-server"))
        .args(["man", "/dev/null/pages"])
        .output()
        .unwrap();

    assert_eq!(ran.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&ran.stderr).contains("/dev/null/pages"),
        "{ran:?}"
    );
}
