//! The running binary under limits of the system: descriptors, and connections that wait to be accepted.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::time::timeout;

use super::{free_port, signal};
use crate::harness::{Ran, Shell};

/// A server that runs, and what it has said.
struct Serving {
    child: Child,
    main: SocketAddr,
    ops: SocketAddr,
    log: Arc<Mutex<String>>,
    shell: Shell,
}

impl Serving {
    async fn start(limits: &str) -> Self {
        let shell = Shell::migrated().await;
        shell.certificate();
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (main, ops) = (address(), address());
        let mut child = shell
            .limited_command(limits, &["serve"])
            .env("LISTEN_ADDR", main.to_string())
            .env("OPS_LISTEN", ops.to_string())
            .env("MAX_CONNECTIONS_PER_SOURCE", "100%")
            .env("HANDSHAKE_TIMEOUT", "1h")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, written) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in BufReader::new(lines).lines().map_while(Result::ok) {
                *written.lock().unwrap() += &format!("{line}\n");
            }
        });
        let mut serving = Self {
            child,
            main,
            ops,
            log,
            shell,
        };
        serving.wait_for("listening on").await;
        serving
    }

    fn said(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    async fn wait_for(&mut self, text: &str) {
        while !self.said().contains(text) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", self.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A client that trusts its certificate and keeps its connection.
    fn client(&self) -> reqwest::Client {
        let pem = fs::read(self.shell.path().join("certs/cert.pem")).unwrap();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .resolve("localhost", self.main)
            .build()
            .unwrap()
    }

    async fn health(&self, client: &reqwest::Client) -> reqwest::Result<u16> {
        let url = format!("https://localhost:{}/healthz", self.main.port());
        let answer = client.get(url).send().await?;
        let status = answer.status().as_u16();
        // Else the connection would not be kept.
        answer.bytes().await?;
        Ok(status)
    }

    /// Stops it; the whole log. Meanwhile clients in this test may close the connections that they keep.
    async fn stop(mut self) -> String {
        signal(&self.child, "-TERM");
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        assert!(status.success());
        // The thread that writes it ends with the pipe.
        while Arc::strong_count(&self.log) > 1 {
            std::thread::yield_now();
        }
        self.said()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a plain GET answers on a connection that stays open.
fn ask(stream: &mut TcpStream, path: &str, end: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    String::from_utf8(answer).unwrap()
}

/// Connections to `address`, of which the server has closed those that do not get a place.
fn flood(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let connections = (0..count).map(|_| TcpStream::connect(address).unwrap());
    connections.collect()
}

fn is_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match (&*stream).read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

#[tokio::test]
async fn without_descriptors_for_more_connections_health_is_still_answered() {
    let mut serving = Serving::start("ulimit -n 200").await;
    let client = serving.client();
    assert_eq!(serving.health(&client).await.unwrap(), 200);

    let connections = flood(serving.main, 150);
    serving.wait_for("no descriptors left").await;
    // Half of the descriptors are for connections, one of which the client has.
    while connections.iter().filter(|it| is_closed(it)).count() < 51 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    assert_eq!(serving.health(&client).await.unwrap(), 200);
    assert!(serving.health(&serving.client()).await.is_err());
    for (path, end) in [("/healthz", "\"ok\"}"), ("/readyz", "\"ready\"}")] {
        let mut stream = TcpStream::connect(serving.ops).unwrap();
        let answer = ask(&mut stream, path, end);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    drop(connections);
    while serving.health(&serving.client()).await.is_err() {
        tokio::task::yield_now().await;
    }
    let log = serving.stop().await;
    assert_eq!(log.matches("no descriptors left").count(), 1, "{log}");
    assert_eq!(log.matches("cannot accept connections").count(), 0, "{log}");
}

#[tokio::test]
async fn while_the_kernel_hands_out_no_descriptor_one_line_says_so() {
    let mut serving = Serving::start("ulimit -n 400").await;
    let (client, pid) = (serving.client(), Pid::from_child(&serving.child));
    assert_eq!(serving.health(&client).await.unwrap(), 200);
    let mut ops = TcpStream::connect(serving.ops).unwrap();
    ask(&mut ops, "/healthz", "\"ok\"}");
    let limit = |current| Rlimit {
        current: Some(current),
        maximum: Some(400),
    };
    prlimit(Some(pid), Resource::Nofile, limit(10)).unwrap();

    let waiting = flood(serving.main, 5);
    serving.wait_for("cannot accept connections").await;

    // Several tries later.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(serving.health(&client).await.unwrap(), 200);
    ask(&mut ops, "/readyz", "\"ready\"}");
    prlimit(Some(pid), Resource::Nofile, limit(400)).unwrap();
    assert_eq!(serving.health(&serving.client()).await.unwrap(), 200);
    drop(waiting);
    let log = serving.stop().await;
    assert_eq!(log.matches("cannot accept connections").count(), 1, "{log}");
}

#[tokio::test]
async fn the_soft_limit_of_descriptors_is_raised_to_the_hard_one() {
    let serving = Serving::start("ulimit -Sn 100 && ulimit -Hn 700").await;

    let mut stream = TcpStream::connect(serving.ops).unwrap();
    let metrics = ask(&mut stream, "/metrics", "# EOF\n");

    assert!(metrics.contains("\nprocess_max_fds 700.0\n"), "{metrics}");
    serving.stop().await;
}

#[tokio::test]
async fn check_and_the_start_name_settings_that_need_more_descriptors_than_there_are() {
    let serving = Serving::start("ulimit -n 300").await;

    let checked = serving
        .shell
        .limited_command("ulimit -n 300", &["check"])
        .output();

    let checked = Ran::from(checked.unwrap());
    let told = "MAX_CONNECTIONS: 500 connections and the server itself need";
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(
        checked.out.contains(&format!("warn  {told}")),
        "{checked:?}"
    );
    let log = serving.stop().await;
    assert!(
        log.contains(told) && log.contains("may have only 300"),
        "{log}"
    );
}

/// A server that is stopped accepts nothing: all wait in the queue of its socket.
#[tokio::test]
async fn a_burst_of_connections_waits_to_be_accepted() {
    let serving = Serving::start("true").await;
    let longest = fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let burst = longest.trim().parse::<usize>().unwrap().min(400);
    signal(&serving.child, "-STOP");

    let mut waiting = Vec::new();
    for _ in 0..burst {
        let connecting = tokio::net::TcpStream::connect(serving.main);
        let connected = timeout(Duration::from_mins(1), connecting).await;
        let place = waiting.len();
        waiting.push(connected.unwrap_or_else(|_| panic!("{place} wait, and no more")));
    }

    signal(&serving.child, "-CONT");
    assert!(waiting.iter().all(Result::is_ok));
    drop(waiting);
    serving.stop().await;
}
