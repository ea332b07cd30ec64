//! `AUDIT_LOG`: each event once, as a JSON line, by the process that wrote it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use token_server::app::{AuditFilter, AuditFormat, AuditLog};
use token_server::config::AuditLogTarget;
use token_server::domain::{Action, ClientId, ClientStatus};

use crate::harness::{BY, CLIENT, Ran, Shell, TestApp, id};
use crate::metrics::Operator;

/// The members of a line, which programs rely on.
const MEMBERS: [&str; 15] = [
    "action",
    "actor",
    "actor_type",
    "after",
    "at",
    "before",
    "client_id",
    "event_id",
    "hash",
    "request_id",
    "schema",
    "source",
    "target",
    "target_type",
    "time",
];

fn start(test: &TestApp, path: &Path) -> AuditLog {
    let target = AuditLogTarget::File(path.to_owned());
    let log = AuditLog::start(&target).unwrap().unwrap();
    test.app.audit.log_to(&log);
    log
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| token_server::base::json::from_str(line).unwrap())
        .collect()
}

fn ids(lines: &[Value]) -> Vec<i64> {
    lines
        .iter()
        .map(|it| it["event_id"].as_i64().unwrap())
        .collect()
}

async fn set_status(test: &TestApp, status: ClientStatus) {
    test.set_client_status(&id(CLIENT), status).await;
}

#[tokio::test]
async fn every_event_is_a_line_with_what_an_export_has() {
    let (test, folder) = (TestApp::new().await, TempDir::new().unwrap());
    let path = folder.path().join("audit.jsonl");
    let log = start(&test, &path);
    let secret = test.client().await;
    set_status(&test, ClientStatus::Disabled).await;
    log.flush();

    let logged = lines(&path);
    let filter = AuditFilter::default();
    let exported = test.app.audit.export(&filter, AuditFormat::Json, 0);
    let exported = exported.await.unwrap().text;
    let exported: Vec<Value> = exported
        .lines()
        .map(|line| token_server::base::json::from_str(line).unwrap())
        .collect();
    assert_eq!(ids(&logged), ids(&exported));
    for (logged, exported) in logged.iter().zip(&exported) {
        let members = logged.as_object().unwrap();
        let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, MEMBERS);
        assert_eq!(logged["schema"], 1);
        assert!(logged["time"].as_str().unwrap().ends_with('Z'));
        for (name, value) in exported.as_object().unwrap() {
            assert_eq!(logged[name], *value, "{name}");
        }
    }
    assert_eq!(logged[1]["action"], "client.disable");
    let written = fs::read_to_string(&path).unwrap();
    assert!(!written.contains(&secret) && !written.contains("argon2"));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn of_several_replicas_the_one_that_wrote_an_event_logs_it() {
    let folder = TempDir::new().unwrap();
    let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
    let first = TestApp::new().await;
    let second = first.replica().await;
    let logs = [start(&first, &one), start(&second, &other)];
    first.client().await;
    set_status(&second, ClientStatus::Disabled).await;
    set_status(&first, ClientStatus::Enabled).await;
    logs.iter().for_each(AuditLog::flush);

    let (one, other) = (ids(&lines(&one)), ids(&lines(&other)));
    assert_eq!((one.len(), other.len()), (2, 1));
    assert!(one[0] < other[0] && other[0] < one[1]);
}

#[tokio::test]
async fn what_is_not_committed_is_not_logged() {
    let (test, folder) = (TestApp::new().await, TempDir::new().unwrap());
    let path = folder.path().join("audit.jsonl");
    test.client().await;
    let log = start(&test, &path);
    let new = token_server::app::NewClient {
        client_id: ClientId::parse(CLIENT).ok(),
        ..token_server::app::NewClient::default()
    };
    let taken = test.app.clients.register(BY, new, None).await;
    assert!(taken.is_err());
    log.flush();
    assert_eq!(lines(&path), Vec::<Value>::new());
}

#[tokio::test]
async fn a_file_that_was_renamed_is_made_anew_and_one_that_cannot_be_is_counted() {
    let (test, folder) = (TestApp::new().await, TempDir::new().unwrap());
    let place = folder.path().join("logs");
    fs::create_dir(&place).unwrap();
    let path = place.join("audit.jsonl");
    let log = start(&test, &path);
    test.client().await;
    log.flush();
    fs::rename(&path, place.join("audit.jsonl.1")).unwrap();
    set_status(&test, ClientStatus::Disabled).await;
    log.flush();
    assert_eq!(lines(&place.join("audit.jsonl.1")).len(), 1);
    assert_eq!(lines(&path).len(), 1);
    assert_eq!(test.app.metrics().audit_log_lost, Some(0));

    fs::remove_dir_all(&place).unwrap();
    set_status(&test, ClientStatus::Enabled).await;
    log.flush();
    assert_eq!(test.app.metrics().audit_log_lost, Some(1));
    let page = Operator::of(&test).page().await;
    assert_eq!(page.get("audit_log_lost_events_total"), 1);
}

#[test]
fn the_documentation_names_every_action_and_every_member() {
    let page = fs::read_to_string("docs/audit.md").unwrap();
    let words = Action::ALL.map(Action::as_str);
    for word in words.iter().chain(&MEMBERS) {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
}

fn create(shell: &Shell, id: &str, log: &str) -> Ran {
    let mut command = shell.command(&["client", "create", id]);
    Ran::from(command.env("AUDIT_LOG", log).output().unwrap())
}

#[tokio::test]
async fn commands_write_to_the_file_too() {
    let shell = Shell::migrated().await;
    let path = shell.path().join("audit.jsonl");
    for id in ["a", "b"] {
        let made = create(&shell, id, "./audit.jsonl");
        assert_eq!(made.code, 0, "{made:?}");
    }
    let logged = lines(&path);
    let clients: Vec<_> = logged
        .iter()
        .map(|it| (&it["action"], &it["client_id"], &it["actor_type"]))
        .map(|(action, id, kind)| format!("{action} {id} {kind}"))
        .collect();
    assert_eq!(
        clients,
        [
            "\"client.create\" \"a\" \"cli\"",
            "\"client.create\" \"b\" \"cli\""
        ]
    );
    for value in ["audit.jsonl", "/nowhere/audit.jsonl"] {
        let refused = create(&shell, "c", value);
        assert!(
            refused.code != 0 && refused.err.contains("AUDIT_LOG"),
            "{refused:?}"
        );
    }
}
