use std::collections::BTreeSet;

use super::{judge, names, package, ran, read};

const DOCKERFILE: &str = "deploy/docker/Dockerfile";

/// What stands at the top and the program is not built from; the rest must be copied.
const NOT_BUILT_FROM: [&str; 18] = [
    ".ci",
    ".git",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "bench",
    "certs",
    "clippy.toml",
    "deny.toml",
    "deploy",
    "docs",
    "proptest-regressions",
    "scripts",
    "tests",
];

/// The same of what is not under version control.
const MADE: [&str; 3] = [".env", "data", "target"];

/// The arguments of each line of one instruction.
fn instructions(text: &str, name: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    lines.map(str::to_owned).collect()
}

#[test]
#[ignore = "interop"]
fn hadolint_has_no_complaint() {
    assert_eq!(
        ran(judge("hadolint").arg(DOCKERFILE)),
        (true, String::new())
    );
}

#[test]
fn the_image_is_not_run_as_root() {
    let text = read(DOCKERFILE);

    assert_eq!(instructions(&text, "USER"), ["65532:65532"]);
    let base = instructions(&text, "ARG")
        .into_iter()
        .find(|arg| arg.starts_with("BASE="));
    assert!(base.unwrap().contains("distroless"));
}

#[test]
fn what_the_program_is_built_from_is_copied_and_not_ignored() {
    let text = read(DOCKERFILE);
    let ignored = read("deploy/docker/Dockerfile.dockerignore");
    let copied = instructions(&text, "COPY");
    let copied = copied
        .iter()
        .filter(|arguments| !arguments.starts_with("--from"));
    let mut sources = Vec::new();
    for arguments in copied {
        let words: Vec<_> = arguments.split(' ').collect();
        sources.extend(words[..words.len() - 1].iter().map(|&word| word.to_owned()));
    }

    let mut needed = names(".");
    needed
        .retain(|name| !NOT_BUILT_FROM.contains(&name.as_str()) && !MADE.contains(&name.as_str()));
    assert_eq!(sources.iter().cloned().collect::<BTreeSet<_>>(), needed);
    for source in &sources {
        assert!(ignored.contains(&format!("\n!{source}\n")), "{source}");
    }
}

/// Cargo wants the file of every target, also of those that are not built, when it builds what they depend on.
#[test]
fn an_empty_file_stands_for_every_target_while_dependencies_are_built() {
    let text = read(DOCKERFILE);
    for target in package()["targets"].as_array().unwrap() {
        let path = target["src_path"].as_str().unwrap();
        let path = path
            .strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/"))
            .unwrap();
        // Found by itself, and only where it is.
        if !path.starts_with("tests/") {
            assert!(text.contains(path), "{path}");
        }
    }
}

#[test]
fn one_release_line_of_rust_is_used_everywhere() {
    let manifest = read("Cargo.toml");
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "));
    let version = version.unwrap().trim_matches('"');

    assert!(read(DOCKERFILE).contains(&format!("library/rust:{version}-")));
    for workflow in ["release", "interop"] {
        let workflow = read(&format!(".github/workflows/{workflow}.yml"));
        assert!(workflow.contains(&format!("RUST: \"{version}\"")));
    }
}
