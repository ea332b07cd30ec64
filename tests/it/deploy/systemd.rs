use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{ran, read, value_of};
use crate::config::sample;

const SERVICE: &str = "deploy/systemd/token-server.service";

/// The most that `systemd-analyze security` may find, in tenths; 100 is the worst.
const EXPOSURE: &str = "--threshold=13";

/// The units as they are, with the program that was built, after `change` of the service.
fn units(change: impl Fn(String) -> String) -> TempDir {
    let folder = TempDir::new().unwrap();
    let program = "/usr/bin/token-server";
    let service = read(SERVICE);
    assert!(service.contains(program));
    let service = service.replace(program, env!("CARGO_BIN_EXE_token-server"));
    fs::write(folder.path().join("token-server.service"), change(service)).unwrap();
    let socket = read("deploy/systemd/token-server.socket");
    fs::write(folder.path().join("token-server.socket"), socket).unwrap();
    folder
}

fn verify(folder: &TempDir) -> (bool, String) {
    let files = ["token-server.service", "token-server.socket"];
    // The manual page is not installed here; it is judged in `man.rs`.
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]);
    ran(verify.args(files.map(|name| folder.path().join(name))))
}

#[test]
#[ignore = "interop"]
fn systemd_understands_the_units() {
    assert_eq!(verify(&units(|service| service)), (true, String::new()));

    let (_, said) = verify(&units(|service| {
        service.replace("WatchdogSec=", "WatchSec=")
    }));
    assert!(said.contains("WatchSec"), "{said}");
}

#[test]
#[ignore = "interop"]
fn the_service_may_do_little() {
    let exposure = |folder: &TempDir| {
        let mut security = Command::new("systemd-analyze");
        security.args(["security", "--offline=true", "--no-pager", EXPOSURE]);
        ran(security.arg(folder.path().join("token-server.service")))
    };

    let (is_low, said) = exposure(&units(|service| service));
    assert!(is_low, "{said}");
    let (is_low, said) = exposure(&units(|service| service.replace("NoNewPrivileges=yes", "")));
    assert!(!is_low, "{said}");
}

#[test]
#[ignore = "interop"]
fn the_user_and_the_folder_for_the_certificate_are_made() {
    let root = TempDir::new().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let make = |program: &str, arguments: &[&str], file: &str| {
        let mut make = Command::new(program);
        make.arg(format!("--root={}", root.path().display()));
        let (is_done, said) = ran(make.args(arguments).arg(fs::canonicalize(file).unwrap()));
        assert!(is_done, "{file}: {said}");
    };

    make(
        "systemd-sysusers",
        &[],
        "deploy/systemd/token-server.sysusers",
    );
    make(
        "systemd-tmpfiles",
        &["--create"],
        "deploy/systemd/token-server.tmpfiles",
    );

    let passwd = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    let user = value_of(&read(SERVICE), "User").to_owned();
    assert!(
        passwd.starts_with(&format!("{user}:")) && passwd.contains("nologin"),
        "{passwd}"
    );
    let folder = fs::metadata(root.path().join("etc/token-server/tls")).unwrap();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&folder.permissions()) & 0o777,
        0o750
    );
}

/// Seconds, as both write them.
fn seconds(text: &str) -> u64 {
    text.strip_suffix('s').unwrap().parse().unwrap()
}

#[test]
fn a_stop_may_take_longer_than_the_grace_period() {
    let stop = value_of(&read(SERVICE), "TimeoutStopSec").to_owned();

    assert!(seconds(&stop) > seconds(&sample()["SHUTDOWN_GRACE"]));
}

/// One is made for the other by their names; and a socket that does not listen is refused by the server.
#[test]
fn the_socket_is_the_services_and_listens() {
    let socket = read("deploy/systemd/token-server.socket");

    assert_eq!(socket.matches("\nListenStream=").count(), 1);
    assert!(!socket.contains("Accept="), "the default is `no`");
    assert!(Path::new(SERVICE).exists());
}
