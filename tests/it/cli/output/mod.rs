//! The formats of results, and the names by which commands are called.

mod printing;

use serde_json::{Value, json};

use crate::harness::Shell;

async fn with_clients() -> Shell {
    let shell = Shell::migrated().await;
    for id in ["a", "b"] {
        let metadata = r#"{"seen_at":1700000000,"country":"NO"}"#;
        let made = shell.run(&["client", "create", id, "--metadata", metadata]);
        assert_eq!(made.code, 0, "{made:?}");
    }
    shell
}

#[tokio::test]
async fn a_list_and_one_thing_have_every_format() {
    let shell = with_clients().await;
    shell.run(&["admin", "create", "olga"]);
    for (arguments, ids) in [
        (&["client", "list"][..], "a\nb\n"),
        (&["client", "show", "a"], "a\n"),
        (&["admin", "list"], "olga\n"),
        (&["key", "list"], ""),
        (&["issuer", "list"], ""),
    ] {
        let ran = |format: &str| shell.run(&[arguments, &["-o", format]].concat());
        let id = ran("id");
        assert_eq!(
            (id.code, id.out.as_str()),
            (0, ids),
            "{arguments:?}: {id:?}"
        );
        let old = shell.run(&[arguments, &["--json"]].concat());
        assert_eq!(ran("json").out, old.out, "{arguments:?}");
        let yaml = ran("yaml");
        assert_eq!(yaml.code, 0, "{yaml:?}");
        assert_ne!(yaml.out, old.out);
        assert_eq!(ran("table").out, shell.run(arguments).out);
        assert_eq!(ran("xml").code, 2);
    }
    let events = shell.run(&["audit", "list", "-o", "id"]).out;
    assert!(events.lines().count() > 2 && events.lines().all(|it| it.parse::<i64>().is_ok()));
    let yaml = shell.run(&["client", "show", "a", "-o", "yaml"]).out;
    assert!(
        yaml.starts_with("client_id: a\nstatus: enabled\n"),
        "{yaml}"
    );
    assert!(yaml.contains("  country: \"NO\"\n"), "{yaml}");
}

#[tokio::test]
async fn times_are_iso_8601_and_what_clients_bring_stays_as_it_is() {
    let shell = with_clients().await;
    let shown = shell.run(&["client", "show", "a", "--json"]).json();

    let created_at = shown["created_at"].as_str().unwrap();
    assert!(
        created_at.starts_with("20") && created_at.ends_with('Z'),
        "{shown}"
    );
    let secret = &shown["secrets"][0];
    assert!(
        secret["created_at"].as_str().unwrap().ends_with('Z'),
        "{shown}"
    );
    assert_eq!(shown["metadata"]["seen_at"], 1_700_000_000);
    let events = shell.run(&["audit", "list", "--json"]).json();
    assert!(
        events["events"][0]["at"].as_str().unwrap().ends_with('Z'),
        "{events}"
    );
}

#[tokio::test]
async fn the_names_that_people_try_are_understood() {
    let shell = with_clients().await;
    for arguments in [
        &["client", "ls"][..],
        &["clients", "ls"],
        &["client", "get", "a"],
        &["client", "add", "c"],
        &["client", "edit", "c", "--name", "C"],
        &["client", "secret", "ls", "a"],
        &["client", "secret", "new", "a"],
        &["client", "rm", "c", "--yes"],
        &["keys", "ls"],
        &["issuers", "ls"],
        &["admins", "ls"],
        &["audit", "ls"],
        &["status"],
        &["config", "--explain"],
    ] {
        let ran = shell.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    }
}

#[tokio::test]
async fn a_command_that_was_renamed_works_and_warns() {
    let shell = with_clients().await;

    let released = shell.run(&["client", "release", "a", "--json"]);
    assert_eq!(released.code, 0, "{released:?}");
    assert!(
        released
            .err
            .contains("warning: `client release` is now `client detach`"),
        "{released:?}"
    );
    assert_eq!(released.json()["client_id"], "a");
    let excess = shell.run(&["usage", "waste", "--json"]);
    assert!(
        excess
            .err
            .contains("warning: `usage waste` is now `usage excess`"),
        "{excess:?}"
    );
    assert_eq!(excess.json(), json!([]));
}

#[tokio::test]
async fn a_list_as_json_is_imported_and_gives_the_same_list() {
    let shell = Shell::migrated().await;
    let many = [
        "client",
        "create",
        "many",
        "--name",
        "Many",
        "--description",
        "two\nlines",
        "--scope",
        "b a",
        "--audience",
        "https://x.example",
        "--identifier",
        "https://many.example",
        "--metadata",
        r#"{"n":1.5}"#,
        "--token-ttl",
        "5m",
        "--token-typ",
        "JWT",
        "--token-quota",
        "7",
        "--allowed-network",
        "10.0.0.0/8",
        "--exchange-rules",
        r#"{"https://x.example":{"scopes":"a"}}"#,
    ];
    let made = shell.run(&many);
    assert_eq!(made.code, 0, "{made:?}");
    shell.run(&["client", "create", "off"]);
    shell.run(&["client", "disable", "off", "--yes"]);
    let list = shell.run(&["client", "list", "--json"]);

    let other = Shell::migrated().await;
    std::fs::write(other.path().join("list.json"), &list.out).unwrap();
    let imported = other.run(&["client", "import", "list.json"]);

    assert_eq!(imported.code, 0, "{imported:?}");
    assert!(imported.out.starts_with("imported 2"), "{imported:?}");
    assert!(
        imported.err.contains("`many`: a list has no secrets"),
        "{imported:?}"
    );
    let listed = other.run(&["client", "list", "--json"]).json();
    let (mut expected, mut listed) = (list.json(), listed);
    for list in [&mut expected, &mut listed] {
        for client in list["clients"].as_array_mut().unwrap() {
            // Imported is changed, and when it was last used is not carried over.
            client["last_used_at"].take();
        }
    }
    assert_eq!(listed, expected);
    assert_eq!(listed["clients"][0]["client_id"], "many");

    let again = other.run(&[
        "client",
        "import",
        "--format",
        "token-server",
        "list.json",
        "--on-conflict",
        "replace",
        "--json",
    ]);
    assert_eq!(again.json()["unchanged"], 2, "{again:?}");
    let page = shell.run(&["client", "list", "--limit", "1", "--json"]);
    std::fs::write(other.path().join("page.json"), &page.out).unwrap();
    let cut = other.run(&["client", "import", "page.json"]);
    assert!(
        cut.err.contains("the list ends with this client"),
        "{cut:?}"
    );
}

#[tokio::test]
async fn a_rotated_secret_is_printed_once_and_the_old_one_expires_later() {
    let shell = with_clients().await;
    let secrets = || {
        shell
            .run(&["client", "secret", "list", "a", "--json"])
            .json()
    };
    let old = secrets()[0]["secret_id"].as_str().unwrap().to_owned();

    let rotated = shell.run(&["client", "secret", "rotate", "a", "--json"]);

    assert_eq!(rotated.code, 0, "{rotated:?}");
    assert!(
        rotated.json()["client_secret"]
            .as_str()
            .unwrap()
            .starts_with("tks_")
    );
    assert!(
        rotated
            .err
            .contains(&format!("the old secret {old} expires at ")),
        "{rotated:?}"
    );
    let expiry = |list: &Value, id: &str| {
        let mut found = list
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["secret_id"] == id);
        found.next().unwrap()["expires_at"].clone()
    };
    let first = secrets();
    let new = rotated.json()["secret_id"].as_str().unwrap().to_owned();
    assert_eq!(expiry(&first, &new), Value::Null);
    let until = expiry(&first, &old);
    assert!(until.as_str().unwrap() > rotated.json()["created_at"].as_str().unwrap());

    // One that expires sooner keeps its time.
    let again = shell.run(&["client", "secret", "rotate", "a", "--old-expires-in", "30d"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(expiry(&secrets(), &old), until);
    assert!(expiry(&secrets(), &new).as_str() > until.as_str());
    assert_eq!(shell.run(&["client", "secret", "rotate", "nobody"]).code, 3);
}
