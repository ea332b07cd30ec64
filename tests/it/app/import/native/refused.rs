//! What an import of an export refuses.

use token_server::app::NewClient;
use token_server::app::clients::transfer::import::{ImportOptions, ImportSource};
use token_server::domain::{Actor, Origin, Scope};

use super::REPLACE;
use crate::app::import::{RULES, client_ids, import_with};
use crate::harness::{TestApp, id, new_client};

#[tokio::test]
async fn what_is_damaged_is_told_with_its_line_and_nothing_is_imported() {
    let from = TestApp::new().await;
    for name in ["a", "b", "c"] {
        from.register(new_client(name)).await;
    }
    let whole = from.export().await;
    let lines: Vec<&str> = whole.lines().collect();
    let cut = |count: usize| lines[..count].join("\n");
    let other_secret = lines[2].replace("\"client_id\":\"b\"", "\"client_id\":\"d\"");
    for (file, line, why) in [
        (cut(4), 4, "incomplete"),
        (format!("{}\n{}", cut(4), &lines[4][..5]), 5, "not a client"),
        (format!("{}\n{}\n", cut(3), lines[4]), 4, "2 clients"),
        (format!("{whole}{}\n", lines[1]), 6, "after its last line"),
        (
            whole.replace("\"scopes\"", "\"scope\""),
            2,
            "unknown field `scope`",
        ),
        (
            whole.replace("\"hint\"", "\"client_secret\""),
            2,
            "unknown field",
        ),
        (
            whole.replacen("$argon2id$", "$argon3$", 1),
            2,
            "invalid secret: ",
        ),
        (
            whole.replacen("\"generated\"", "\"made\"", 1),
            2,
            "invalid secret: ",
        ),
        (
            whole.replacen("\"client_id\":\"b\"", "\"client_id\":\"a\"", 1),
            3,
            "already on line 2",
        ),
        (
            whole.replace(lines[3], &other_secret),
            4,
            "is already on line 3",
        ),
    ] {
        let test = TestApp::new().await;
        let (report, told) = import_with(&test, &file, ImportOptions::default()).await;
        assert!(report.refused, "{why}: {report:?}");
        assert!(client_ids(&test).await.is_empty());
        let told = told.iter().find(|it| it.line == line);
        let reason = told.and_then(|it| it.reason.as_deref()).unwrap_or_default();
        assert!(reason.contains(why), "{why}: {told:?}");
        assert!(!reason.contains("$argon"), "{reason}");
    }
    let newer = whole.replacen("\"version\":1", "\"version\":2", 1);
    let source = ImportSource::of_bytes(None, newer.into_bytes());
    assert!(
        source
            .check(&RULES)
            .unwrap_err()
            .to_string()
            .contains("version 2")
    );
}

#[tokio::test]
async fn a_secret_of_another_client_is_refused() {
    let from = TestApp::new().await;
    from.client().await;
    let file = from.export().await.replace("\"billing\"", "\"other\"");

    let (report, lines) = import_with(&from, &file, ImportOptions::default()).await;

    assert!(report.refused);
    assert!(
        lines[0]
            .reason
            .as_deref()
            .unwrap()
            .contains("already belongs to `billing`")
    );
}

#[tokio::test]
async fn a_program_can_neither_bring_nor_replace_a_client_with_power_over_the_server() {
    let test = TestApp::new().await;
    let robot = Origin {
        actor: Actor::Client(id("robot")),
        ..Origin::SERVER
    };
    let new = NewClient {
        scopes: Scope::parse("admin:write").unwrap(),
        ..new_client("chief")
    };
    test.register(new).await;
    let powerful = test.export().await;
    let powerless = powerful.replace("admin:write", "read");
    let other = TestApp::new().await;

    for (test, file) in [(&other, &powerful), (&test, &powerless)] {
        let source = ImportSource::of_bytes(None, file.clone().into_bytes());
        let report = test
            .app
            .clients
            .import(&robot, &source, REPLACE, &mut |_| {})
            .await
            .unwrap();
        assert_eq!((report.bad, report.replaced, report.imported), (1, 0, 0));
    }
    assert_eq!(test.export().await, powerful);
    assert!(client_ids(&other).await.is_empty());
}
