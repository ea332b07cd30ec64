//! Pages for people: each file that they name is there, and each link leads to a page or a heading.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::read;

const FOLDERS: [&str; 7] = [
    "bench/",
    "deploy/",
    "docs/",
    "migrations/",
    "scripts/",
    "src/",
    "tests/",
];
/// What is made when it is needed, or stands in a configuration.
const NOT_HERE: [&str; 2] = ["bench/results/", "deploy/token-server"];

fn pages_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let pages = paths.flat_map(|path| {
        if path.is_dir() {
            pages_below(&path)
        } else {
            vec![path]
        }
    });
    let is_page = |path: &PathBuf| path.extension().is_some_and(|it| it == "md");
    pages.filter(is_page).collect()
}

/// Every page with its text, by its path from the root.
fn pages() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let below = ["docs", "deploy"].map(|folder| pages_below(&root.join(folder)));
    let below = below.iter().flatten().map(|path| {
        let path = path.strip_prefix(root).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let single = [
        "README.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "bench/README.md",
    ];
    let paths = single.map(str::to_owned).into_iter().chain(below);
    paths.map(|path| (path.clone(), read(&path))).collect()
}

/// A path that a page names from its own folder or, also, from the root.
fn resolve(page: &str, path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = root.join(page).parent().unwrap().join(path);
    if beside.exists() {
        beside
    } else {
        root.join(path)
    }
}

/// The anchors that GitHub gives the headings of a page.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter_map(|it| match it {
            ' ' => Some('-'),
            it if it.is_alphanumeric() || it == '-' || it == '_' => Some(it),
            _ => None,
        });
        let anchor: String = kept.collect();
        let before = anchors.iter().filter(|it| **it == anchor).count();
        if before > 0 {
            anchors.push(format!("{anchor}-{before}"));
        }
        anchors.push(anchor);
    }
    anchors
}

#[test]
fn each_file_that_a_page_names_is_there() {
    let mut named = 0;
    for (page, text) in pages() {
        let words = text.split(|it: char| !it.is_ascii_alphanumeric() && !"_./-".contains(it));
        let words = words.map(|word| word.trim_end_matches(['.', '/', '-']));
        let is_ours = |word: &&str| FOLDERS.iter().any(|it| word.starts_with(it));
        for word in words.filter(is_ours) {
            named += 1;
            let is_there = resolve(&page, word).exists();
            let is_expected = !NOT_HERE.iter().any(|it| word.starts_with(it));
            assert!(is_there || !is_expected, "{page} names {word}");
        }
    }
    assert!(named > 100, "{named}");
}

#[test]
fn each_link_of_a_page_leads_to_a_page_or_a_heading() {
    let pages = pages();
    let mut links = 0;
    for (page, text) in &pages {
        let targets = text.split("](").skip(1);
        let targets = targets.filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|it| !it.contains("://") && !it.contains(' ')) {
            links += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let other = if path.is_empty() {
                text.clone()
            } else {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
                let path = folder.parent().unwrap().join(path);
                assert!(path.exists(), "{page} links to {target}");
                if anchor.is_empty() {
                    continue;
                }
                std::fs::read_to_string(path).unwrap()
            };
            let anchors = anchors(&other);
            assert!(
                anchors.iter().any(|it| it == anchor),
                "{page} links to {target}"
            );
        }
    }
    assert!(links > 200, "{links}");
}
