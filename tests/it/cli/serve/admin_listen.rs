//! The portal at an address of its own, or nowhere, as the built server has it.

use std::fs::File;
use std::process::{Child, Stdio};

use crate::clients::{PORTS, free_port, listens};
use crate::harness::Shell;

/// A server with more settings, until this is dropped, and its two ports.
struct Running {
    server: Child,
    main: u16,
    other: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn serve(shell: &Shell, setting: &str) -> Running {
    for _ in 0..PORTS {
        let (main, other) = (free_port(), free_port());
        let value = match setting {
            "ADMIN_LISTEN" => format!("127.0.0.1:{other}"),
            _ => "off".to_owned(),
        };
        let mut server = shell
            .command(&["serve"])
            .env("LISTEN_ADDR", format!("127.0.0.1:{main}"))
            .env(setting, value)
            .stdout(Stdio::null())
            .stderr(File::create(shell.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        if listens(&mut server, shell.path()) {
            return Running {
                server,
                main,
                other,
            };
        }
    }
    panic!("every one of {PORTS} ports was taken");
}

/// The status of a GET over TLS that trusts the server's certificate and no other.
async fn status(shell: &Shell, port: u16, path: &str) -> u16 {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let certificate = std::fs::read(shell.path().join("certs/cert.pem")).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&certificate).unwrap()])
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let url = format!("https://localhost:{port}{path}");
    let answer = client.get(url).send().await.unwrap();
    answer.status().as_u16()
}

const PORTAL: &[&str] = &["/admin", "/admin/login", "/admin/api/v1/clients"];
const SERVICE: &[&str] = &["/verify", "/.well-known/jwks.json", "/openapi.json"];

#[tokio::test]
async fn an_address_of_its_own_has_the_portal_over_tls_and_the_main_one_has_it_no_more() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let server = serve(&shell, "ADMIN_LISTEN");

    for path in PORTAL {
        assert_ne!(status(&shell, server.other, path).await, 404, "{path}");
        assert_eq!(status(&shell, server.main, path).await, 404, "{path}");
    }
    for path in SERVICE {
        assert_ne!(status(&shell, server.main, path).await, 404, "{path}");
        assert_eq!(status(&shell, server.other, path).await, 404, "{path}");
    }
}

#[tokio::test]
async fn it_can_be_nowhere_at_all() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let server = serve(&shell, "ADMIN");

    for path in PORTAL {
        assert_eq!(status(&shell, server.main, path).await, 404, "{path}");
    }
    for path in SERVICE {
        assert_ne!(status(&shell, server.main, path).await, 404, "{path}");
    }
}
