use std::fs;

use tempfile::TempDir;

use super::{judge, ran, read};

const WORKFLOW: &str = ".github/workflows/release.yml";

/// Every workflow.
fn workflows() -> Vec<String> {
    let names = super::names(".github/workflows").into_iter();
    names
        .map(|name| format!(".github/workflows/{name}"))
        .collect()
}

#[test]
#[ignore = "interop"]
fn the_workflows_are_what_github_takes() {
    let mut check = judge("check-jsonschema");
    let check = check.args(["--builtin-schema", "vendor.github-workflows"]);

    let (is_good, said) = ran(check.args(workflows()));

    assert!(is_good, "{said}");
}

#[test]
#[ignore = "interop"]
fn zizmor_finds_no_way_to_misuse_them() {
    let audit = |path: &str| ran(judge("zizmor").args(["--offline", "--no-progress", path]));
    for workflow in workflows() {
        let (is_good, said) = audit(&workflow);
        assert!(is_good, "{said}");
    }

    let folder = TempDir::new().unwrap();
    let careless = folder.path().join(".github/workflows/release.yml");
    fs::create_dir_all(careless.parent().unwrap()).unwrap();
    let text = read(WORKFLOW).replace("3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "v7");
    fs::write(&careless, text).unwrap();
    let (is_good, said) = audit(careless.to_str().unwrap());
    assert!(!is_good && said.contains("unpinned-uses"), "{said}");
}

/// What is given out was checked, all of it.
#[test]
fn nothing_is_built_for_a_release_before_everything_is_checked() {
    let workflow = super::yaml(WORKFLOW);
    let jobs = &workflow["jobs"];

    for job in ["package", "static", "image"] {
        let needs = super::texts(&jobs[job]["needs"]);
        assert!(
            needs.contains("check") && needs.contains("interop"),
            "{job}"
        );
    }
    assert_eq!(super::texts(&jobs["release"]["needs"]).len(), 3);
    let workflow = read(WORKFLOW);
    for step in [
        " scripts/check\n",
        "run: cargo deny --locked check advisories\n",
        "uses: $/.github/workflows/interop.yml\n",
        "run: scripts/package\n",
        "run: scripts/package static\n",
    ] {
        assert!(workflow.contains(step), "{step}");
    }
    assert!(read(".github/workflows/interop.yml").contains(" scripts/interop\n"));
}

/// Link-time optimisation is in this profile alone.
#[test]
fn what_is_shipped_and_measured_is_built_with_the_profile_dist() {
    let profile = read("Cargo.toml");
    let (_, dist) = profile.split_once("\n[profile.dist]\n").unwrap();
    assert!(dist.starts_with("inherits = \"release\"\nlto = "));

    for path in [
        "scripts/package",
        "deploy/docker/Dockerfile",
        "bench/run",
        "bench/faults",
        "bench/portal",
    ] {
        let text = read(path).replace("\", \"", " ");
        let builds = text
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains("cargo build"));
        let builds: Vec<&str> = builds.collect();
        assert!(!builds.is_empty(), "{path}");
        for build in builds {
            assert!(
                build.contains("--profile dist --features passkeys"),
                "{path}: {build}"
            );
        }
        assert!(!text.contains("/release/token-server"), "{path}");
    }
}
