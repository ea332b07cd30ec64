//! The file of a Unix socket of `PLAIN_LISTEN`, as the built server has it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use super::{Ran, Shell, signal};
use crate::clients::{PORTS, free_port, listens};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn path(shell: &Shell) -> PathBuf {
    shell.path().join("plain.sock")
}

/// A server that listens on a Unix socket too.
fn serve(shell: &Shell, settings: &[(&str, &str)]) -> Running {
    for _ in 0..PORTS {
        let child = shell
            .command(&["serve"])
            .env("LISTEN_ADDR", format!("127.0.0.1:{}", free_port()))
            .env("PLAIN_LISTEN", format!("unix:{}", path(shell).display()))
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(File::create(shell.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Running(child);
        if listens(&mut server.0, shell.path()) {
            return server;
        }
    }
    panic!("every one of {PORTS} ports was taken");
}

/// What a start says that cannot listen there.
fn refusal(shell: &Shell) -> String {
    let ran = shell
        .command(&["serve"])
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .env("PLAIN_LISTEN", format!("unix:{}", path(shell).display()))
        .output()
        .unwrap();
    let ran = Ran::from(ran);
    assert_eq!(ran.code, 1, "{ran:?}");
    ran.err
}

#[tokio::test]
async fn the_socket_has_its_mode_and_goes_with_the_server() {
    let shell = Shell::migrated().await;
    shell.certificate();
    for (settings, mode) in [(&[][..], 0o660), (&[("PLAIN_LISTEN_MODE", "0600")], 0o600)] {
        let mut server = serve(&shell, settings);
        let found = fs::metadata(path(&shell)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode);
        UnixStream::connect(path(&shell)).unwrap();

        signal(&server.0, "-TERM");

        assert!(server.0.wait().unwrap().success());
        assert!(!path(&shell).exists());
    }
}

#[tokio::test]
async fn a_socket_that_a_killed_server_left_is_replaced() {
    let shell = Shell::migrated().await;
    shell.certificate();
    drop(serve(&shell, &[]));
    assert!(path(&shell).exists() && UnixStream::connect(path(&shell)).is_err());

    let _server = serve(&shell, &[]);

    UnixStream::connect(path(&shell)).unwrap();
}

#[tokio::test]
async fn a_socket_of_another_process_and_a_file_are_left_alone() {
    let shell = Shell::migrated().await;
    shell.certificate();
    fs::write(path(&shell), "mine").unwrap();
    assert!(refusal(&shell).contains("is not a socket"));
    assert_eq!(fs::read_to_string(path(&shell)).unwrap(), "mine");
    fs::remove_file(path(&shell)).unwrap();

    let _theirs = UnixListener::bind(path(&shell)).unwrap();
    assert!(refusal(&shell).contains("another process listens"));
    UnixStream::connect(path(&shell)).unwrap();
}

#[tokio::test]
async fn a_socket_that_took_the_place_of_the_servers_own_is_left_alone() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let mut server = serve(&shell, &[]);
    fs::remove_file(path(&shell)).unwrap();
    let _theirs = UnixListener::bind(path(&shell)).unwrap();

    signal(&server.0, "-TERM");

    assert!(server.0.wait().unwrap().success());
    UnixStream::connect(path(&shell)).unwrap();
}

#[tokio::test]
async fn check_warns_where_all_callers_have_the_address_of_the_proxy() {
    let shell = Shell::migrated().await;
    let told = |settings: &[(&str, &str)]| {
        let command = &mut shell.command(&["check"]);
        let command = command.env("PLAIN_LISTEN", "127.0.0.1:8080");
        let ran = Ran::from(command.envs(settings.iter().copied()).output().unwrap());
        ran.out
            .contains("PLAIN_LISTEN: all callers there have the proxy's address")
    };

    assert!(told(&[]));
    let told_theirs = [
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("CLIENT_ADDRESS_FROM", "x-forwarded-for"),
    ];
    assert!(!told(&told_theirs));
}
