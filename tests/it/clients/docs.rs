//! `docs/integrations.md` shows nothing that is not run: each of its blocks is a marked part of a script.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{SCRIPTS, script};

/// The Rust client is no script.
const RUST: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/it/clients/rust_oauth2.rs"
);
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/integrations.md");

/// The page.
pub(super) fn text() -> String {
    fs::read_to_string(PAGE).unwrap()
}

#[test]
fn every_snippet_on_the_page_is_part_of_a_test_word_by_word() {
    let (shown, tested) = (shown(&text()), tested());

    for (name, snippet) in &tested {
        assert_eq!(
            shown.get(name),
            Some(snippet),
            "`<!-- snippet: {name} -->` in docs/integrations.md is not what is tested:\n{snippet}"
        );
    }
    assert_eq!(shown.len(), tested.len(), "{:?}", shown.keys());
}

/// The scripts say their versions themselves; of crates the lock file does.
#[test]
fn the_page_names_the_crates_in_the_versions_that_are_built() {
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
    for name in ["oauth2", "jsonwebtoken"] {
        let found = lock.split_once(&format!("name = \"{name}\"\nversion = \""));
        let version = found.and_then(|(_, rest)| rest.split('"').next()).unwrap();
        assert!(
            text().contains(&format!("| {name} (Rust) | {version} |")),
            "{name} {version}"
        );
    }
}

#[test]
fn every_script_is_run_by_a_test() {
    let mut found = files(&script::folder());
    let helpers = ["python/raises.py", "node/version.mjs"];
    found.retain(|path| !helpers.contains(&path.as_str()) && is_run(path));
    let mut run: Vec<String> = SCRIPTS.iter().map(|path| (*path).to_owned()).collect();
    run.sort();
    assert_eq!(found, run);
}

/// Of these languages only some of the files can be run.
fn is_run(path: &str) -> bool {
    let text = || fs::read_to_string(script::folder().join(path)).unwrap();
    match Path::new(path).extension().and_then(|it| it.to_str()) {
        Some("go") => text().contains("func main()"),
        Some("java") => text().contains("static void main("),
        Some("properties") => false,
        _ => true,
    }
}

/// Blocks of the page by the name that a comment before each gives it.
fn shown(page: &str) -> BTreeMap<String, String> {
    let mut snippets = BTreeMap::new();
    let mut name = None;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix("<!-- snippet: ") {
            name = text.strip_suffix(" -->").map(str::to_owned);
        } else if line.starts_with("<!-- not run: ") {
            // There is no runtime for it here, which the text before it says.
            let skipped = lines.by_ref().skip_while(|line| !line.starts_with("```"));
            assert!(
                skipped.skip(1).any(|line| line == "```"),
                "a block without an end"
            );
        } else if line.starts_with("```") {
            let name = name
                .take()
                .unwrap_or_else(|| panic!("a block without a name before it"));
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let twice = snippets.insert(name, block.join("\n"));
            assert_eq!(twice, None);
        }
    }
    snippets
}

/// The marked parts of what is run.
fn tested() -> BTreeMap<String, String> {
    let mut paths: Vec<PathBuf> = files(&script::folder())
        .iter()
        .map(|path| script::folder().join(path))
        .collect();
    paths.push(RUST.into());
    let mut snippets = BTreeMap::new();
    for path in paths {
        let text = fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let comment = line.trim_start().trim_start_matches(['#', '/']);
            if let Some(name) = comment.strip_prefix(" snippet: ") {
                let end = |line: &&str| !matches!(line.trim_start(), "# end" | "// end");
                let part: Vec<&str> = lines.by_ref().take_while(end).collect();
                let twice = snippets.insert(name.to_owned(), dedented(&part));
                assert_eq!(twice, None);
            }
        }
    }
    snippets
}

fn dedented(lines: &[&str]) -> String {
    let depth = |line: &&str| line.len() - line.trim_start().len();
    let inked = lines.iter().filter(|line| !line.is_empty());
    let margin = inked.map(depth).min().unwrap_or_default();
    let cut = |line: &&str| line.get(margin..).unwrap_or_default().to_owned();
    lines.iter().map(cut).collect::<Vec<_>>().join("\n")
}

/// Scripts in a folder and its folders, without what was installed there.
fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().unwrap_or_default();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if ["py", "mjs", "sh", "rb", "php", "go", "java", "properties"]
                .iter()
                .any(|theirs| extension == *theirs)
            {
                let name = path.strip_prefix(root).unwrap();
                found.push(name.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
