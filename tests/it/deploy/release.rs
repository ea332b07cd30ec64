use std::fs;

use tempfile::TempDir;

use super::{judge, ran, read};

const WORKFLOW: &str = ".github/workflows/release.yml";

#[test]
fn the_workflow_is_what_github_takes() {
    let mut check = judge("check-jsonschema");
    let check = check.args(["--builtin-schema", "vendor.github-workflows", WORKFLOW]);

    let (is_good, said) = ran(check);

    assert!(is_good, "{said}");
}

#[test]
fn zizmor_finds_no_way_to_misuse_it() {
    let audit = |path: &str| ran(judge("zizmor").args(["--offline", "--no-progress", path]));
    let (is_good, said) = audit(WORKFLOW);
    assert!(is_good, "{said}");

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

    for job in ["package", "image"] {
        assert_eq!(jobs[job]["needs"].as_str(), Some("check"), "{job}");
    }
    assert_eq!(super::texts(&jobs["release"]["needs"]).len(), 2);
    assert!(read(WORKFLOW).contains(" scripts/check\n"));
    assert!(read(WORKFLOW).contains("run: scripts/package\n"));
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
            assert!(build.contains("--profile dist"), "{path}: {build}");
        }
        assert!(!text.contains("/release/token-server"), "{path}");
    }
}
