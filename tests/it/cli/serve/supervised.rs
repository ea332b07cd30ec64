//! Under a service manager, played by the test: what it is told, and the socket that it hands over.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::signal;
use crate::harness::{Ran, Shell, write_certificate};

/// For a word of the server, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(2);

/// Ends the server when a test fails half-way.
struct Started(Option<Child>);

impl Started {
    fn child(&self) -> &Child {
        self.0.as_ref().unwrap()
    }

    fn ended(mut self) -> Ran {
        Ran::from(self.0.take().unwrap().wait_with_output().unwrap())
    }

    fn stopped(self) -> Ran {
        signal(self.child(), "-TERM");
        self.ended()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whom the server tells.
struct Manager(UnixDatagram);

impl Manager {
    fn new(shell: &Shell) -> Self {
        let socket = UnixDatagram::bind(shell.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// What it is told next, line by line.
    fn told(&self) -> Vec<String> {
        let mut message = [0; 4096];
        let length = self.0.recv(&mut message).unwrap();
        let text = std::str::from_utf8(&message[..length]).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

async fn shell() -> Shell {
    let shell = Shell::migrated().await;
    shell.certificate();
    shell
}

fn serve(shell: &Shell) -> Command {
    let mut command = shell.command(&["serve"]);
    command
        .env("NOTIFY_SOCKET", shell.path().join("notify"))
        .env("LISTEN_ADDR", "127.0.0.1:0");
    command
}

fn start(mut command: Command) -> Started {
    Started(Some(command.spawn().unwrap()))
}

/// The same command with files as its descriptors 3 and on, as `sd_listen_fds(3)` has it.
fn handing_over(command: &Command, files: Vec<OwnedFd>) -> Command {
    assert!(files.len() <= 2);
    let variables = format!("LISTEN_PID=$$ LISTEN_FDS={}", files.len());
    // Where the shell gets them, and where they are to be.
    let mut moved = Command::new("/bin/sh");
    let script = format!("{variables} exec \"$0\" \"$@\" 3<&0 4<&1 </dev/null >/dev/null");
    moved
        .args(["-c", &script])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().unwrap())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stderr(Stdio::piped());
    let mut files = files.into_iter().map(Stdio::from);
    moved.stdin(files.next().unwrap_or_else(Stdio::null));
    moved.stdout(files.next().unwrap_or_else(Stdio::null));
    moved
}

fn client(shell: &Shell, address: SocketAddr) -> reqwest::Client {
    let pem = std::fs::read(shell.path().join("certs/cert.pem")).unwrap();
    // Several tests race to be the first; the provider is the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .resolve("localhost", address)
        .build()
        .unwrap()
}

/// The connection ends while the test waits for the server, which else would wait for it: the runtime needs a thread of its
/// own for that.
async fn is_served(shell: &Shell, address: SocketAddr) {
    let url = format!("https://localhost:{}/healthz", address.port());
    let answer = client(shell, address).get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_manager_is_told_of_the_start_of_a_reload_and_of_the_stop() {
    let shell = shell().await;
    let manager = Manager::new(&shell);
    let mut command = serve(&shell);
    command.env("SHUTDOWN_GRACE", "7s");
    let server = start(command);

    let ready = manager.told();
    assert_eq!(ready[0], "READY=1");
    let address = ready[1].strip_prefix("STATUS=listening on ").unwrap();
    let address: SocketAddr = address.parse().unwrap();
    is_served(&shell, address).await;

    write_certificate(&shell.path().join("certs"));
    signal(server.child(), "-HUP");
    let reloading = manager.told();
    assert_eq!(reloading[0], "RELOADING=1");
    let since = reloading[1].strip_prefix("MONOTONIC_USEC=").unwrap();
    assert!(since.parse::<u64>().unwrap() > 0);
    assert_eq!(manager.told(), ["READY=1"]);
    is_served(&shell, address).await;

    signal(server.child(), "-TERM");
    let stopping = manager.told();
    assert_eq!(stopping[0], "STOPPING=1");
    assert_eq!(stopping[2], "EXTEND_TIMEOUT_USEC=17000000");
    assert_eq!(server.ended().code, 0);
}

#[tokio::test]
async fn signs_of_life_say_how_it_is() {
    let shell = shell().await;
    let manager = Manager::new(&shell);
    let mut command = serve(&shell);
    command.env("WATCHDOG_USEC", "100000");
    let server = start(command);

    assert_eq!(manager.told()[0], "READY=1");
    for _ in 0..3 {
        assert_eq!(manager.told(), ["WATCHDOG=1", "STATUS=ready"]);
    }
    assert_eq!(server.stopped().code, 0);
}

#[tokio::test]
async fn a_manager_that_listens_no_more_stops_nothing() {
    let shell = shell().await;
    let manager = Manager::new(&shell);
    let mut command = serve(&shell);
    command.env("WATCHDOG_USEC", "20000");
    let server = start(command);
    assert_eq!(manager.told()[0], "READY=1");
    drop(manager);

    let ran = server.stopped();

    assert_eq!(ran.code, 0, "{ran:?}");
    // Once by the sign of life, however many there were, and once at the stop.
    let told = ran.err.matches("cannot tell the service manager").count();
    assert!((1..=2).contains(&told), "{ran:?}");
}

/// `LISTEN_ADDR` is an address that this machine does not have.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn it_serves_on_the_socket_that_is_handed_over_and_whoever_came_before_it() {
    let shell = shell().await;
    let manager = Manager::new(&shell);
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    // The connection is there, and nobody yet to accept it.
    let mut early = TcpStream::connect(address).unwrap();
    early.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = serve(&shell);
    command.env("LISTEN_ADDR", "192.0.2.1:443");
    let server = start(handing_over(&command, vec![socket.into()]));

    assert_eq!(manager.told()[1], format!("STATUS=listening on {address}"));
    is_served(&shell, address).await;
    early.write_all(b"this is no TLS").unwrap();
    let mut alert = [0; 1];
    early.read_exact(&mut alert).unwrap();
    assert_eq!(alert, [21]);
    assert_eq!(server.stopped().code, 0);
}

#[tokio::test]
async fn what_is_handed_over_must_be_one_socket_that_listens_for_tcp() {
    let shell = shell().await;
    let tcp = || TcpListener::bind("127.0.0.1:0").unwrap();
    let listens = tcp();
    let connected = TcpStream::connect(listens.local_addr().unwrap()).unwrap();
    let unix = UnixListener::bind(shell.path().join("unix")).unwrap();
    let wrong: [Vec<OwnedFd>; 4] = [
        vec![tcp().into(), tcp().into()],
        vec![connected.into()],
        vec![unix.into()],
        vec![File::open("/dev/null").unwrap().into()],
    ];
    for files in wrong {
        let what = format!("{files:?}");
        let server = start(handing_over(&serve(&shell), files));

        let ran = server.ended();

        assert_eq!(ran.code, 1, "{what}: {ran:?}");
        assert!(ran.err.contains("LISTEN_FDS: "), "{what}: {ran:?}");
        assert!(
            ran.err.contains("expected one listening TCP socket"),
            "{what}: {ran:?}"
        );
    }
}
