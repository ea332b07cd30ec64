//! The second listener, and traces, of the running binary.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use super::{free_port, read_until, signal};
use crate::harness::{Ran, Shell};

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
async fn metrics_and_health_are_told_without_tls_where_ops_listen_says() {
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

    let metrics = get(ops, "/metrics");
    let ready = get(ops, "/readyz");
    signal(&child, "-TERM");

    assert!(child.wait().unwrap().success());
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
    let expiry = "\ntoken_server_certificate_expiry_timestamp_seconds ";
    assert!(metrics.contains(expiry), "{metrics}");
    assert!(metrics.contains("\nprocess_resident_memory_bytes "));
    assert!(metrics.contains("\ntoken_server_readiness{state=\"ready\"} 1.0\n"));
    assert!(ready.ends_with(r#"{"status":"ready"}"#), "{ready}");
}

#[tokio::test]
async fn ops_listen_answers_400_without_a_host_or_with_two() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let ops = free_port();
    let mut child = shell
        .command(&["serve"])
        .env("LISTEN_ADDR", format!("127.0.0.1:{}", free_port()))
        .env("OPS_LISTEN", format!("127.0.0.1:{ops}"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    read_until(&mut child, "listening on");

    let ask = |version: &str, hosts: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", ops)).unwrap();
        let request = format!("GET /healthz HTTP/{version}\r\n{hosts}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answers = [
        ask("1.1", ""),
        ask("1.1", "host: a\r\nhost: b\r\n"),
        ask("1.1", "host: a\r\n"),
        ask("1.0", ""),
    ];
    signal(&child, "-TERM");

    assert!(child.wait().unwrap().success());
    for answer in &answers[..2] {
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains(r#""error":"invalid_request""#), "{answer}");
    }
    assert!(answers[2].starts_with("HTTP/1.1 200 "), "{}", answers[2]);
    assert!(answers[3].starts_with("HTTP/1.0 200 "), "{}", answers[3]);
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

/// A metric of the running service.
fn metric(port: u16, series: &str) -> f64 {
    let page = get(port, "/metrics");
    let value = page.lines().find_map(|line| line.strip_prefix(series));
    let value = value.unwrap_or_else(|| panic!("no {series} in {page}"));
    value.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn that_traces_cannot_be_sent_is_said_once_and_so_that_they_can_again() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let (port, ops, collector) = (free_port(), free_port(), free_port());
    let mut child = shell
        .command(&["serve"])
        .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
        .env("OPS_LISTEN", format!("127.0.0.1:{ops}"))
        .env(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            format!("http://127.0.0.1:{collector}"),
        )
        .env("OTEL_BSP_SCHEDULE_DELAY", "10")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap()).lines();
    let reading = std::thread::spawn(move || log.map(Result::unwrap).collect::<Vec<_>>());
    let root = std::fs::read(shell.path().join("certs/cert.pem")).unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&root).unwrap()])
        .build()
        .unwrap();
    let count = |result: &str| {
        let series = format!("token_server_trace_exports_total{{result=\"{result}\"}}");
        metric(ops, &series)
    };
    let ask_until = async |is_so: &dyn Fn() -> bool| {
        loop {
            let asked = client
                .get(format!("https://localhost:{port}/healthz"))
                .send();
            // It may not listen yet.
            if asked.await.is_ok() && is_so() {
                return;
            }
        }
    };
    ask_until(&|| count("failed") >= 5.0).await;
    let taking = TcpListener::bind(("127.0.0.1", collector)).unwrap();
    std::thread::spawn(move || {
        for stream in taking.incoming() {
            take(stream.unwrap());
        }
    });
    ask_until(&|| count("sent") >= 2.0).await;
    // The server waits for the connections that it has.
    drop(client);
    signal(&child, "-TERM");

    assert!(child.wait().unwrap().success());
    let log = reading.join().unwrap();
    let said = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert_eq!(said("traces cannot be sent"), 1, "{log:?}");
    assert_eq!(said("traces are sent again"), 1, "{log:?}");
}

/// Answers requests of a connection, whatever they say, until it ends.
fn take(mut stream: TcpStream) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
}
