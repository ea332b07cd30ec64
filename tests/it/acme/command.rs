//! The program as it is started: it orders by itself, and says how it stands.

use token_server::base::clock::Clock;

use super::authority::Authority;
use super::{LONG, NAME, presented_at};
use crate::cli::{free_port, read_until, signal};
use crate::harness::{Ran, Shell};

#[tokio::test(flavor = "multi_thread")]
async fn serve_orders_by_itself_and_the_commands_say_how_it_stands() {
    let shell = Shell::migrated().await;
    let clock = Clock::system();
    let authority = Authority::start(&clock);
    let port = free_port();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    authority.lead_names_to(address);
    let command = |arguments: &[&str]| {
        let mut command = shell.command(arguments);
        command
            .env("LISTEN_ADDR", address.to_string())
            .env("TLS_ACME_NAMES", NAME)
            .env("TLS_ACME_DIRECTORY", authority.url("/directory"))
            .env("TLS_ACME_ACCEPT_TERMS", "true")
            .env("TLS_ACME_CA", authority.trusted());
        command
    };
    let run = |arguments: &[&str]| Ran::from(command(arguments).output().unwrap());

    let before = run(&["check"]);
    let mut child = command(&["serve"]).spawn().unwrap();
    read_until(&mut child, "listening on");
    let served = async {
        while presented_at(address, &authority, &clock, NAME)
            .await
            .is_none()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, served).await.unwrap();
    let shown = run(&["certificate", "show", "--json"]);
    let after = run(&["check"]);
    let renewed = run(&["certificate", "renew"]);
    signal(&child, "-TERM");

    assert!(child.wait().unwrap().success());
    assert_eq!(before.code, 0, "{before:?}");
    assert!(
        before.out.contains("warn  certificate: none issued yet"),
        "{before:?}"
    );
    assert!(
        after.out.contains("ok    certificate: issued, valid until"),
        "{after:?}"
    );
    let directory = authority.url("/directory");
    assert!(
        after
            .out
            .contains(&format!("ok    certificate: {directory} answers")),
        "{after:?}"
    );
    assert_eq!(shown.json()["names"], serde_json::json!([NAME]));
    assert_eq!(
        (
            shown.json()["failures"].as_i64(),
            shown.json()["issued"].as_bool()
        ),
        (Some(0), Some(true))
    );
    assert_eq!(renewed.code, 0, "{renewed:?}");
    assert_eq!(authority.orders(), 2);
}

#[tokio::test]
async fn without_names_there_is_nothing_to_show() {
    let shell = Shell::migrated().await;

    let ran = shell.run(&["certificate", "show"]);

    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("TLS_ACME_NAMES is not set"), "{ran:?}");
}
