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

/// `Cargo.toml` says it.
fn image() -> String {
    let manifest = read("Cargo.toml");
    let (_, behind) = manifest.split_once("\n[package.metadata.image]\n").unwrap();
    let name = behind.lines().next().unwrap().strip_prefix("name = \"");
    name.unwrap().strip_suffix('"').unwrap().to_owned()
}

#[test]
fn the_image_has_one_name_everywhere() {
    let image = image();
    let named = format!("{image}:{}", env!("CARGO_PKG_VERSION"));
    let values = super::yaml("deploy/helm/values.yaml");
    assert_eq!(values["image"]["repository"].as_str(), Some(&*image));
    let kustomization = super::yaml("deploy/kubernetes/kustomization.yaml");
    let theirs = &kustomization["images"][0];
    assert_eq!(theirs["newName"].as_str(), Some(&*image));
    assert_eq!(theirs["newTag"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    assert!(read("deploy/compose/compose.yaml").contains(&format!("TOKEN_SERVER_IMAGE={named} ")));
    assert!(read("docs/installing.md").contains(&format!("docker pull {named} ")));

    let mut found = 0;
    for file in super::settings::files("deploy".as_ref())
        .into_iter()
        .chain(super::settings::files("docs".as_ref()))
        .chain(["README.md".into(), "CHANGELOG.md".into()])
    {
        // The others are pictures.
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        for (at, _) in text.match_indices("ghcr.io/").filter(|(at, _)| {
            // What a line of the docs puts in its place.
            !text[*at..].starts_with("ghcr.io/acme/") && !text[*at..].starts_with("ghcr.io/`")
        }) {
            assert!(text[at..].starts_with(&image), "{}", file.display());
            found += 1;
        }
    }
    assert!(found > 6, "{found}");
}

/// The workflow would publish under the name of the repository, whatever the files say.
#[test]
fn a_release_under_another_name_than_the_files_have_is_refused() {
    let workflow = super::yaml(WORKFLOW);
    let steps = workflow["jobs"]["check"]["steps"].as_vec().unwrap();
    let named = |step: &&yaml_rust2::Yaml| {
        let name = step["name"].as_str();
        name.is_some_and(|name| name.starts_with("The image gets the name"))
    };
    let step = steps.iter().find(named).unwrap()["run"].as_str().unwrap();
    let text = read(WORKFLOW);
    assert_eq!(
        text.matches("IMAGE: ghcr.io/${{ github.repository }}\n")
            .count(),
        2
    );
    let folder = TempDir::new().unwrap();
    let manifest = read("Cargo.toml").replace(&image(), "ghcr.io/acme/tokens");
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    let judged = |repository: &str| {
        let mut run = std::process::Command::new("bash");
        run.args(["-eo", "pipefail", "-c", step]);
        let run = run
            .current_dir(&folder)
            .env("GITHUB_REPOSITORY", repository);
        ran(run).0
    };

    assert!(judged("Acme/Tokens"));
    assert!(!judged("someone/tokens"));
}

/// It alone is optimized fully, and at the link.
#[test]
fn what_is_shipped_and_measured_is_built_with_the_profile_dist() {
    let profile = read("Cargo.toml");
    let (_, dist) = profile.split_once("\n[profile.dist]\n").unwrap();
    assert!(dist.starts_with("inherits = \"release\"\nopt-level = 3\nlto = "));

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
