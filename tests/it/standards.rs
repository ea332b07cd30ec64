//! `docs/standards.md` names tests that exist, and in each of its rows one at least.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn page() -> String {
    fs::read_to_string(format!("{ROOT}/docs/standards.md")).unwrap()
}

/// The names of tests in a text: between backticks, with modules.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| {
        name.contains("::")
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_:".contains(&b))
    })
}

/// The files in which a module may be: that of a test of `tests/it`, and that with a `mod tests` in `src`.
fn files(modules: &str) -> Vec<PathBuf> {
    let path = modules.replace("::", "/");
    let unit = path.strip_suffix("/tests").unwrap_or(&path);
    let bases = [
        format!("{ROOT}/tests/it/{path}"),
        format!("{ROOT}/src/{unit}"),
        format!("{ROOT}/src/{path}"),
    ];
    let ends = bases.map(|base| [format!("{base}.rs"), format!("{base}/mod.rs")]);
    ends.into_iter().flatten().map(PathBuf::from).collect()
}

/// Whether a source has a test of this name. What proxies keep becomes tests by a macro.
fn has_test(source: &str, name: &str, by_macro: bool) -> bool {
    let declared = format!("fn {name}(");
    let lines: Vec<&str> = source.lines().collect();
    let Some(place) = lines.iter().position(|line| line.contains(&declared)) else {
        return false;
    };
    let above = lines[..place].iter().rev().map(|line| line.trim_start());
    let mut attributes = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    by_macro
        || attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

#[test]
fn every_test_that_is_named_exists() {
    let page = page();
    let named: BTreeSet<&str> = names(&page).collect();
    let macros = fs::read_to_string(format!("{ROOT}/tests/it/proxies/mod.rs")).unwrap();

    let missing: Vec<&str> = named
        .iter()
        .filter(|path| {
            let (modules, name) = path.rsplit_once("::").unwrap();
            let by_macro = modules.starts_with("proxies::promises::")
                && macros.lines().any(|line| line.trim() == name);
            let sources = files(modules)
                .into_iter()
                .filter_map(|file| fs::read_to_string(file).ok());
            !sources
                .into_iter()
                .any(|source| has_test(&source, name, by_macro))
        })
        .copied()
        .collect();

    assert_eq!(missing, Vec::<&str>::new());
    assert!(named.len() > 100, "{}", named.len());
}

#[test]
fn every_row_names_a_test_and_every_rfc_says_what_is_left_out() {
    let page = page();
    let (mut rows, mut sections) = (0, 0);

    for section in page.split("\n## ").skip(1) {
        let title = section.lines().next().unwrap();
        let table = section.lines().filter(|line| line.starts_with("| "));
        for row in table.skip(2) {
            assert!(names(row).next().is_some(), "{title}: {row}");
            rows += 1;
        }
        assert!(section.contains("\nLeft out:"), "{title}");
        sections += 1;
    }

    assert!(rows > 90, "{rows}");
    assert_eq!(sections, 16);
}
