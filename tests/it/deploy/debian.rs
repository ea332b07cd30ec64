use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use super::{names, package, ran, read};

/// `[package.metadata.deb]`.
fn metadata() -> Value {
    package()["metadata"]["deb"].clone()
}

/// Source, destination and mode of each file.
fn assets() -> Vec<[String; 3]> {
    let metadata = metadata();
    let assets = metadata["assets"].as_array().unwrap().iter();
    assets
        .map(|asset| Deserialize::deserialize(asset).unwrap())
        .collect()
}

/// What `scripts/package` makes is made here by what it says.
#[test]
fn every_file_of_the_package_is_there_or_made_before() {
    let script = read("scripts/package");
    for [source, ..] in assets() {
        if let Some(made) = source.strip_prefix("target/package/") {
            // The manual pages have no names in the script.
            let made = ["/*.1", "/*.5"]
                .iter()
                .find_map(|pages| made.strip_suffix(pages))
                .unwrap_or(made);
            assert!(
                script.contains(&format!("target/package/{made}")),
                "{source}"
            );
        } else if source != "target/release/token-server" {
            // Patterns as a shell has them.
            let (found, said) = ran(Command::new("sh").args(["-c", &format!("ls -d {source}")]));
            assert!(found, "{source}: {said}");
        }
    }
}

#[test]
fn what_systemd_needs_is_where_systemd_looks() {
    let assets = assets();
    let destination = |source: &str| {
        let found = assets
            .iter()
            .find(|asset| asset[0] == format!("deploy/systemd/{source}"));
        found.unwrap_or_else(|| panic!("{source}"))[1].clone()
    };

    for name in names("deploy/systemd") {
        let expected = match name.rsplit_once('.').unwrap() {
            (_, "service" | "socket") => "usr/lib/systemd/system/".to_owned(),
            // cargo-deb calls systemd with the name of the source, which must be that of the installed file.
            (stem, kind @ ("sysusers" | "tmpfiles")) => format!("usr/lib/{kind}.d/{stem}.conf"),
            _ => panic!("{name}"),
        };
        assert_eq!(destination(&name), expected);
    }
    assert_eq!(metadata()["systemd-units"]["start"], false);
}

#[test]
fn the_settings_are_a_conffile_that_only_root_may_read() {
    let assets = assets();
    let env = assets
        .iter()
        .find(|asset| asset[0] == "deploy/debian/env")
        .unwrap();

    // Whatever is under /etc is a conffile for cargo-deb.
    assert_eq!(env[1..], ["etc/token-server/env", "640"]);
    let service = read("deploy/systemd/token-server.service");
    assert!(service.contains("\nEnvironmentFile=/etc/token-server/env\n"));
    let sample = assets
        .iter()
        .find(|asset| asset[0] == ".env.sample")
        .unwrap();
    assert!(read("deploy/debian/env").contains(&format!("/{}", sample[1])));
}

#[test]
fn the_scripts_parse_and_leave_room_for_those_of_systemd() {
    let folder = metadata()["maintainer-scripts"]
        .as_str()
        .unwrap()
        .to_owned();
    for name in ["postinst", "postrm"] {
        let path = Path::new(&folder).join(name);
        let (parses, said) = ran(Command::new("sh").arg("-n").arg(&path));
        assert!(parses, "{said}");
        assert!(
            read(path.to_str().unwrap()).contains("\n#DEBHELPER#\n"),
            "{name}"
        );
    }
    for path in [
        "deploy/debian/token-server-ctl",
        "scripts/bless",
        "scripts/check",
        "scripts/interop",
        "scripts/package",
        "scripts/test",
        "deploy/compose/prepare",
    ] {
        let (parses, said) = ran(Command::new("bash").args(["-n", path]));
        assert!(parses, "{said}");
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{path}");
    }
}
