//! The very first start: an empty folder, an empty environment, ports 2600 and 2601.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{read_until, signal};
use crate::harness::Ran;

/// Runs the binary in a network of its own, where both ports are free whatever this machine serves, if that is
/// permitted here; else on this machine's own ports.
fn command(folder: &Path, alone: bool) -> Command {
    let binary = env!("CARGO_BIN_EXE_token-server");
    let mut command = if alone {
        let mut unshare = Command::new("unshare");
        unshare.args([
            "-rn",
            "sh",
            "-c",
            "ip link set lo up && exec \"$0\"",
            binary,
        ]);
        unshare
    } else {
        Command::new(binary)
    };
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn can_be_alone() -> bool {
    Command::new("unshare")
        .args(["-rn", "ip", "link", "set", "lo", "up"])
        .output()
        .is_ok_and(|ran| ran.status.success())
}

#[test]
fn with_nothing_at_all_it_makes_everything_and_says_what_to_type() {
    let folder = TempDir::new().unwrap();
    let alone = can_be_alone();
    let settings = [
        ("LISTEN_ADDR", "127.0.0.1:2600"),
        ("OPS_LISTEN", "127.0.0.1:2601"),
    ];
    let mut taken = settings
        .into_iter()
        .filter(|(_, address)| TcpListener::bind(address).is_err());
    let taken = taken.next().filter(|_| !alone);

    let mut child = command(folder.path(), alone).spawn().unwrap();
    // Without a network of its own and with a port taken, the promise is a clear error.
    if let Some((name, address)) = taken {
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
        let told = format!("{name}: cannot listen on {address}");
        assert!(ran.err.contains(&told), "{ran:?}");
        return;
    }
    let log = read_until(&mut child, "listening on");
    signal(&child, "-TERM");
    let ran = Ran::from(child.wait_with_output().unwrap());

    assert_eq!(ran.code, 0, "{log} {ran:?}");
    let mode = |name: &str| {
        let file = fs::metadata(folder.path().join(name)).unwrap();
        file.permissions().mode() & 0o777
    };
    assert_eq!((mode(".env"), mode("certs/key.pem")), (0o600, 0o600));
    assert!(folder.path().join("certs/cert.pem").exists());
    assert!(folder.path().join("data/token-server.db").exists());
    let curl = "curl -sS --cacert certs/cert.pem https://localhost:2600/authorize -d client_id=demo \
                -d client_secret=tks_";
    assert!(ran.out.contains(curl), "{}", ran.out);
    let env = fs::read_to_string(folder.path().join(".env")).unwrap();
    let secret = env.split("SECRET=").nth(1).unwrap().trim();
    assert_eq!(secret.len(), 64);
    assert!(!(log + &ran.out + &ran.err).contains(secret));
}

fn serve(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_token-server"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs([("OPS_LISTEN", "off"), ("MAX_CONNECTIONS", "500")])
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A start until it listens, and its end.
fn serve_once(mut command: Command) -> (String, Ran) {
    let mut child = command.spawn().unwrap();
    let log = read_until(&mut child, "listening on");
    signal(&child, "-TERM");
    (log, Ran::from(child.wait_with_output().unwrap()))
}

#[test]
fn development_mode_goes_together_with_any_setting_and_makes_what_is_missing() {
    for (arguments, settings) in [
        (
            &["serve", "--dev"][..],
            &[("LISTEN_ADDR", "127.0.0.1:0")][..],
        ),
        (
            &["--dev"],
            &[("LISTEN_ADDR", "127.0.0.1:0"), ("DEVELOPMENT", "false")],
        ),
        (
            &["serve"],
            &[
                ("LISTEN_ADDR", "127.0.0.1:0"),
                ("DEVELOPMENT", "true"),
                ("LOG", "debug"),
            ],
        ),
    ] {
        let folder = TempDir::new().unwrap();
        let (log, ran) = serve_once(serve(folder.path(), arguments, settings));

        assert_eq!(ran.code, 0, "{log} {ran:?}");
        assert!(
            ran.out
                .contains("made   SECRET in .env, certs/cert.pem, the client `demo`"),
            "{ran:?}"
        );
        let first = fs::read_to_string(folder.path().join(".env")).unwrap();
        assert!(
            first.lines().last().unwrap().starts_with("SECRET="),
            "{first}"
        );
        // It has one now, and goes on with it.
        let (log, again) = serve_once(serve(folder.path(), arguments, settings));
        assert_eq!(again.code, 0, "{log} {again:?}");
        assert!(
            again
                .out
                .contains("found  .env, certs/cert.pem, the client `demo`"),
            "{again:?}"
        );
        assert_eq!(
            fs::read_to_string(folder.path().join(".env")).unwrap(),
            first
        );
    }
}

#[test]
fn a_file_of_settings_without_secret_gets_one_and_keeps_its_lines() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(".env");
    fs::write(&file, "LISTEN_ADDR=0.0.0.0:0\nLOG=info").unwrap();

    let (log, ran) = serve_once(serve(folder.path(), &["serve", "--dev"], &[]));

    assert_eq!(ran.code, 0, "{log} {ran:?}");
    assert!(
        (log + &ran.err).contains("no other replica has it"),
        "{ran:?}"
    );
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("LISTEN_ADDR=0.0.0.0:0\nLOG=info\n# Written by"),
        "{text}"
    );
}

#[test]
fn in_production_a_missing_secret_is_one_line_that_names_development_mode() {
    let folder = TempDir::new().unwrap();
    let ran = Ran::from(
        serve(folder.path(), &["serve"], &[("LOG", "info")])
            .output()
            .unwrap(),
    );

    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.err,
        "error: SECRET: is missing; make one with `token-server secret new`, or try the server out with `token-server serve \
         --dev`\n"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
