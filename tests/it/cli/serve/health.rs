//! `health`: what a container's health check runs.

use std::process::{Child, Command, Stdio};

use super::{free_port, read_until, signal};
use crate::harness::{Ran, Shell};

/// A server with a certificate that nobody else issued, and what asks it with the same settings.
struct Scene {
    shell: Shell,
    port: u16,
    ops: String,
    child: Child,
}

impl Scene {
    async fn new(ops: String) -> Self {
        let shell = Shell::migrated().await;
        shell.certificate();
        let port = free_port();
        let mut child = shell
            .command(&["serve"])
            .env("LISTEN_ADDR", format!("0.0.0.0:{port}"))
            .env("OPS_LISTEN", &ops)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        read_until(&mut child, "listening on");
        Self {
            shell,
            port,
            ops,
            child,
        }
    }

    fn ask(&self, arguments: &[&str]) -> Ran {
        let mut command: Command = self.shell.command(&[&["health"], arguments].concat());
        command
            .env("LISTEN_ADDR", format!("0.0.0.0:{}", self.port))
            .env("OPS_LISTEN", &self.ops);
        Ran::from(command.output().unwrap())
    }

    fn stop(&mut self) {
        signal(&self.child, "-TERM");
        assert!(self.child.wait().unwrap().success());
    }
}

#[tokio::test]
async fn a_server_is_healthy_while_it_serves() {
    for ops in [format!("127.0.0.1:{}", free_port()), "off".to_owned()] {
        let mut scene = Scene::new(ops).await;

        let alive = scene.ask(&[]);
        assert_eq!(
            (alive.code, alive.out.as_str()),
            (0, "{\"status\":\"ok\"}\n"),
            "{alive:?}"
        );
        let ready = scene.ask(&["--ready"]);
        assert_eq!(
            (ready.code, ready.out.as_str()),
            (0, "{\"status\":\"ready\"}\n"),
            "{ready:?}"
        );

        scene.stop();
        let gone = scene.ask(&[]);
        assert_eq!((gone.code, gone.out.as_str()), (1, ""), "{gone:?}");
        assert!(gone.err.contains("the server is not healthy"), "{gone:?}");
    }
}

#[tokio::test]
async fn another_url_is_asked_when_it_is_named_and_anything_but_200_is_not_healthy() {
    let mut scene = Scene::new("off".to_owned()).await;
    let url = |path: &str| format!("https://127.0.0.1:{}{path}", scene.port);

    let named = scene.ask(&["--url", &url("/healthz")]);
    let missing = scene.ask(&["--url", &url("/nope")]);
    // The certificate in TLS_CERT is another one than the server has.
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(scene.shell.path().join("other.pem"), other.cert.pem()).unwrap();
    let mut command = scene.shell.command(&["health", "--url", &url("/healthz")]);
    let foreign = Ran::from(command.env("TLS_CERT", "other.pem").output().unwrap());
    scene.stop();

    assert_eq!(named.code, 0, "{named:?}");
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(missing.err.contains("404"), "{missing:?}");
    assert_eq!(foreign.code, 1, "{foreign:?}");
}
