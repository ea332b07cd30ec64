//! `serve`: how the server starts, listens, reloads and stops.

mod admin_listen;
mod first_start;
mod health;
mod limits;
mod ops;
mod plain;
mod schemathesis;
mod supervised;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};
use std::time::Duration;

use crate::harness::{Ran, Shell};

/// A free port; another process might take it before we do, which the tests would show as a failure to listen.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Reads the log until a line has `text` in it; all that was read.
pub(crate) fn read_until(child: &mut Child, text: &str) -> String {
    let mut read = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        read += &line;
        if line.contains(text) {
            return read;
        }
    }
    panic!("it ended without saying `{text}`: {read}");
}

pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[tokio::test]
async fn development_mode_makes_what_is_missing_once_and_stops_on_a_signal() {
    let shell = Shell::new().await;
    let env = format!(
        "DEVELOPMENT=true\nLISTEN_ADDR=127.0.0.1:{}\nSECRET=\"{}\"\n",
        free_port(),
        crate::harness::SECRET
    );
    fs::write(shell.path().join(".env"), env).unwrap();
    let start = || {
        let mut child = shell.command(&[]).env_remove("SECRET").spawn().unwrap();
        let log = read_until(&mut child, "listening on");
        signal(&child, "-TERM");
        (Ran::from(child.wait_with_output().unwrap()), log)
    };

    let (first, log) = start();
    assert_eq!(first.code, 0, "{first:?}");
    assert!(
        first.out.contains("client_secret=tks_") && !log.contains("tks_"),
        "{first:?}"
    );
    let key = fs::metadata(shell.path().join("certs/key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let certificate = fs::read(shell.path().join("certs/cert.pem")).unwrap();

    let (second, _) = start();
    assert_eq!(second.code, 0);
    assert!(
        !second.out.contains("tks_") && second.out.contains("found"),
        "{}",
        second.out
    );
    assert_eq!(
        fs::read(shell.path().join("certs/cert.pem")).unwrap(),
        certificate
    );
}

/// With nothing configured the port is 2600, which this machine may be using; then it says so.
#[tokio::test]
async fn the_first_start_of_all_writes_private_settings() {
    let shell = Shell::new().await;
    let mut child = shell.command(&[]).env_clear().spawn().unwrap();
    let env = shell.path().join(".env");
    while !shell.path().join("certs/cert.pem").exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it made a certificate"
        );
        tokio::task::yield_now().await;
    }
    let _ = child.kill();
    let ran = Ran::from(child.wait_with_output().unwrap());

    let text = fs::read_to_string(&env).unwrap();
    assert!(text.contains("DEVELOPMENT=true") && text.contains("LISTEN_ADDR=127.0.0.1:2600"));
    assert_eq!(
        fs::metadata(env).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let secret = text
        .lines()
        .find_map(|line| line.strip_prefix("SECRET="))
        .unwrap();
    assert_eq!(secret.len(), 64);
    assert!(!ran.err.contains(secret) && !ran.out.contains(secret));
}

#[tokio::test]
async fn with_any_setting_nothing_is_made_up() {
    let shell = Shell::new().await;

    let no_secret = Ran::from(
        shell
            .command(&["serve"])
            .env_remove("SECRET")
            .output()
            .unwrap(),
    );
    let no_certificate = shell.run(&["serve"]);

    assert_eq!((no_secret.code, no_certificate.code), (1, 1));
    assert!(no_secret.err.contains("SECRET"), "{}", no_secret.err);
    assert!(
        no_certificate.err.contains("TLS_CERT"),
        "{}",
        no_certificate.err
    );
    assert_eq!(fs::read_dir(shell.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn that_connections_do_not_say_whose_they_are_is_told_once() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let address = format!("127.0.0.1:{}", free_port());
    let mut child = shell
        .command(&["serve"])
        .env("LISTEN_ADDR", &address)
        .env("PROXY_PROTOCOL", "required")
        .env("TRUSTED_PROXIES", "192.0.2.1")
        .spawn()
        .unwrap();
    let mut closed = 0;
    while closed < 5 {
        match TcpStream::connect(&address) {
            Ok(mut stream) => {
                assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
                closed += 1;
            }
            Err(_) => {
                assert!(child.try_wait().unwrap().is_none(), "it does not start");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    signal(&child, "-TERM");

    let ended = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
    let told = ended.err.matches("is not in TRUSTED_PROXIES").count();
    assert_eq!(told, 1, "{ended:?}");
}

#[tokio::test]
async fn pending_migrations_are_refused_when_told_to() {
    let shell = Shell::new().await;
    shell.certificate();

    let refused = shell.run(&["serve", "--no-migrate"]);
    let client = shell.run(&["client", "list"]);

    assert_eq!((refused.code, client.code), (1, 1));
    for ran in [refused, client] {
        assert!(
            ran.err.contains("DATABASE_URL") && ran.err.contains("0100 clients"),
            "{ran:?}"
        );
    }
}

#[tokio::test]
async fn check_reports_everything_at_once() {
    let shell = Shell::migrated().await;

    let broken = Ran::from(
        shell
            .command(&["check"])
            .env("SECRET", "short")
            .env("TOKEN_TTL", "1y")
            .output()
            .unwrap(),
    );
    let no_certificate = shell.run(&["check"]);

    assert_eq!((broken.code, no_certificate.code), (1, 1));
    assert!(broken.out.contains("FAIL  SECRET") && broken.out.contains("FAIL  TOKEN_TTL"));
    assert!(
        no_certificate.out.contains("FAIL  certificate"),
        "{}",
        no_certificate.out
    );
    assert!(
        no_certificate.out.contains("ok    database"),
        "{}",
        no_certificate.out
    );
}

#[tokio::test]
async fn a_name_in_env_that_is_no_setting_is_refused() {
    let shell = Shell::new().await;
    fs::write(shell.path().join(".env"), "TOKEN_TLL=5m\n").unwrap();

    let ran = shell.run(&["check"]);

    assert_eq!(ran.code, 1);
    let told = format!("{}{}", ran.out, ran.err);
    assert!(told.contains("TOKEN_TLL"), "{told}");
}

#[tokio::test]
async fn a_line_of_env_that_does_not_parse_is_not_quoted() {
    let shell = Shell::new().await;
    fs::write(shell.path().join(".env"), "SECRET=hunter2 with spaces\n").unwrap();

    let ran = shell.run(&["check"]);

    assert_eq!(ran.code, 1);
    let told = format!("{}{}", ran.out, ran.err);
    assert!(told.contains(".env") && !told.contains("hunter2"), "{told}");
}
