//! Every field on the command line.

use super::{CLIENT, Field, KEYS, assert_is, fields};
use crate::harness::{Shell, TestApp};

#[tokio::test]
async fn the_command_line_sets_shows_and_clears_every_field() {
    let test = TestApp::new().await;
    let shell = Shell::migrated().await;
    std::fs::write(shell.path().join("keys.json"), KEYS).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = shell.command(&[&["client"], arguments].concat());
        command.env("JWKS_URI_HOSTS", "keys.test");
        let ran = crate::harness::Ran::from(command.output().unwrap());
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran
    };
    let issuer = ["issuer", "add", "k8s", "--issuer", "https://k8s.test"];
    assert_eq!(shell.run(&issuer).code, 0);
    run(&["create", CLIENT]);
    // The line of `client show` that tells it.
    let line = |field: &Field| {
        let shown = run(&["show", CLIENT]).out;
        let name = field.name.strip_suffix("_subject_dn").unwrap_or(field.name);
        let name = name.split("_san_").next().unwrap().to_owned();
        let mut lines = shown.lines().map(str::to_owned);
        lines.find(|line| line.split_whitespace().next() == Some(&name))
    };
    for field in fields(&test).await {
        let update = ["update", CLIENT, "--json"];
        let set = run(&[&update, field.set].concat()).json();
        assert_is(&set, field, &field.value(), "client update");
        let shown = line(field);
        let cleared = run(&[&update, field.clear].concat()).json();
        assert_ne!(line(field), shown, "{}: client show", field.name);
        assert_is(&cleared, field, &field.default(), "client update to clear");
    }
}
