//! The second listener, of the running binary.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use super::serve::{free_port, read_until, signal};
use super::{Ran, Shell};

/// What a plain GET answers.
fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn figures_and_health_are_told_without_tls_where_ops_listen_says() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let (port, ops) = (free_port(), free_port());
    let mut child = shell
        .command(&["serve"])
        .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
        .env("OPS_LISTEN", format!("127.0.0.1:{ops}"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    read_until(&mut child, "listening on");

    let figures = get(ops, "/metrics");
    let ready = get(ops, "/readyz");
    signal(&child, "-TERM");

    assert!(child.wait().unwrap().success());
    assert!(figures.starts_with("HTTP/1.1 200 OK\r\n"), "{figures}");
    let expiry = "\ntoken_server_certificate_expiry_timestamp_seconds ";
    assert!(figures.contains(expiry), "{figures}");
    assert!(figures.contains("\nprocess_resident_memory_bytes "));
    assert!(figures.contains("\ntoken_server_readiness{state=\"ready\"} 1.0\n"));
    assert!(ready.ends_with(r#"{"status":"ready"}"#), "{ready}");
}

#[tokio::test]
async fn a_taken_ops_listen_is_an_error_that_names_it() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();

    let ran = Ran::from(
        shell
            .command(&["serve"])
            .env("LISTEN_ADDR", format!("127.0.0.1:{}", free_port()))
            .env("OPS_LISTEN", &address)
            .output()
            .unwrap(),
    );

    assert_eq!(ran.code, 1);
    let told = format!("OPS_LISTEN: cannot listen on {address}");
    assert!(ran.err.contains(&told), "{ran:?}");
}
