//! The file of a Unix socket of `PLAIN_LISTEN`, as the built server has it.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Child;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::cli::signal;
use crate::clients::{self, free_port};
use crate::harness::{Ran, Shell};

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
    let mut command = shell.command(&["serve"]);
    command
        .env("PLAIN_LISTEN", format!("unix:{}", path(shell).display()))
        .envs(settings.iter().copied());
    Running(clients::serve(shell.path(), &mut command, |_| vec![]).0)
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

/// Asks for its health from 127.0.0.`last`; what it answers, nothing if it closes the connection.
async fn ask_from(last: u8, port: u16) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind(SocketAddr::from(([127, 0, 0, last], 0)))
        .unwrap();
    let to = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = socket.connect(to).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: tokens.test\r\nx-forwarded-for: 127.0.0.2\r\nconnection: close\r\n\r\n";
    // It may be closed before all of it is there.
    let _ = stream.write_all(request).await;
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn on_an_address_beyond_this_machine_the_built_server_answers_trusted_proxies_alone() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let port = free_port();
    let listen = format!("0.0.0.0:{port}");
    let settings = [("PLAIN_LISTEN", &*listen), ("TRUSTED_PROXIES", "127.0.0.2")];
    let _server = serve(&shell, &settings);

    assert!(ask_from(2, port).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(ask_from(3, port).await, "");

    let refused = shell
        .command(&["check"])
        .env("PLAIN_LISTEN", listen)
        .output();
    let refused = Ran::from(refused.unwrap());
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.out.contains("TRUSTED_PROXIES"), "{refused:?}");
}
