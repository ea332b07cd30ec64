use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::Shell;

const CLIENTS: usize = 1_000;

const TEAM: &str =
    "version: 1\nclients:\n  - client_id: made\n    scopes: read\n    secrets: make\n";

/// A file of SQLite, whichever database the test runs on.
const SQLITE: &str = "sqlite:from.db";

#[tokio::test]
async fn a_thousand_clients_go_from_sqlite_to_another_database_and_back() {
    let shell = Shell::migrated().await;
    let from = |arguments: &[&str]| {
        let mut command = shell.command(arguments);
        crate::harness::Ran::from(command.env("DATABASE_URL", SQLITE).output().unwrap())
    };
    assert_eq!(from(&["migrate"]).code, 0);
    let rows: Vec<String> = (0..CLIENTS)
        .map(|n| format!("client-{n},the secret number {n},s{n}"))
        .collect();
    let csv = format!("client_id,client_secret,scopes\n{}\n", rows.join("\n"));
    fs::write(shell.path().join("clients.csv"), csv).unwrap();
    assert_eq!(from(&["client", "import", "clients.csv"]).code, 0);
    let made = from(&["client", "create", "with-secret", "--json"]);
    assert_eq!(made.code, 0);

    let exported = from(&["client", "export", "--out", "clients.jsonl"]);
    assert_eq!(exported.code, 0, "{exported:?}");
    let file = shell.path().join("clients.jsonl");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_ne!(
        from(&["client", "export", "--out", "clients.jsonl"]).code,
        0
    );

    let looked = shell.run(&["client", "import", "clients.jsonl", "--dry-run"]);
    assert!(
        looked.out.contains("client-7: would be created"),
        "{looked:?}"
    );
    assert!(
        looked
            .out
            .contains("nothing was changed; without --dry-run: imported 1001")
    );
    let imported = shell.run(&["client", "import", "clients.jsonl", "--json"]);
    assert_eq!(imported.json()["imported"], CLIENTS + 1, "{imported:?}");
    let back = shell.run(&["client", "export"]);
    assert_eq!(back.code, 0);
    // But for the head, which says when.
    let clients = |text: &str| -> Vec<String> {
        let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(
        clients(&back.out),
        clients(&fs::read_to_string(&file).unwrap())
    );
    fs::write(shell.path().join("back.jsonl"), back.out).unwrap();
    let again = from(&[
        "client",
        "import",
        "back.jsonl",
        "--on-conflict",
        "replace",
        "--json",
    ]);
    let again = again.json();
    assert_eq!(
        (&again["unchanged"], &again["replaced"]),
        (&(CLIENTS + 1).into(), &0.into())
    );
}

#[tokio::test]
async fn a_file_is_applied_and_the_secrets_that_are_made_are_in_a_file_of_ones_own() {
    let shell = Shell::migrated().await;
    fs::write(shell.path().join("team.yaml"), TEAM).unwrap();
    let apply = ["client", "apply", "-f", "team.yaml"];
    let with = |more: &[&str]| shell.run(&[&apply, more].concat());

    let looked = with(&["--dry-run"]);
    assert_eq!(looked.code, 0, "{looked:?}");
    assert!(looked.out.contains("+ made (create)") && looked.out.contains("1 created"));
    assert_eq!(shell.run(&["client", "show", "made"]).code, 3);
    let nowhere = with(&[]);
    assert_eq!(nowhere.code, 2, "{nowhere:?}");
    assert!(nowhere.err.contains("--secrets-out"));
    fs::write(shell.path().join("taken"), "").unwrap();
    assert_ne!(with(&["--secrets-out", "taken"]).code, 0);
    assert_eq!(shell.run(&["client", "show", "made"]).code, 3);

    let done = with(&["--secrets-out", "secrets"]);
    assert_eq!(done.code, 0, "{done:?}");
    let secrets = shell.path().join("secrets");
    assert_eq!(
        fs::metadata(&secrets).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let line: serde_json::Value =
        token_server::base::json::from_str(&fs::read_to_string(secrets).unwrap()).unwrap();
    assert_eq!(line["client_id"], "made");
    let secret = line["client_secret"].as_str().unwrap();
    assert!(secret.starts_with("tks_") && !done.out.contains(secret) && !done.err.contains(secret));
    let shown = shell.run(&["client", "show", "made", "--json"]).json();
    assert_eq!(shown["managed_by"], "team.yaml");

    // Nothing is made: the file of the first time is not in the way.
    let repeated = with(&["--secrets-out", "secrets"]);
    assert_eq!(repeated.code, 0, "{repeated:?}");
    let again = with(&["--json"]);
    assert_eq!(again.json()["clients"][0]["step"], "unchanged", "{again:?}");
    let released = shell.run(&["client", "detach", "made", "--json"]);
    assert_eq!(released.json()["managed_by"], serde_json::Value::Null);
    assert_eq!(shell.run(&["client", "detach", "nobody"]).code, 3);
    assert_eq!(with(&["--json"]).json()["clients"][0]["step"], "change");
    fs::write(shell.path().join("team.yaml"), "version: 1\nclients: []\n").unwrap();
    assert!(
        with(&["--prune", "--dry-run"])
            .out
            .contains("- made (disable)")
    );
    assert!(with(&["--prune=delete"]).out.contains("- made (delete)"));
    fs::write(
        shell.path().join("team.yaml"),
        TEAM.replace("scopes", "scope"),
    )
    .unwrap();
    let wrong = with(&[]);
    assert_eq!(wrong.code, 6);
    assert!(
        wrong.err.contains("team.yaml") && wrong.err.contains("line 4"),
        "{wrong:?}"
    );
}

#[tokio::test]
async fn clients_of_others_are_named_when_they_cannot_be_taken() {
    let shell = Shell::migrated().await;
    let realm = include_str!("../../../import/keycloak-realm.json");
    fs::write(shell.path().join("realm.json"), realm).unwrap();

    let ran = shell.run(&["client", "import", "realm.json", "--keep-going"]);

    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.out.contains("imported 3") && ran.out.contains("skipped 4 that get no tokens"));
    for told in [
        "`account`: skipped: it is a public client",
        "`hidden`: the export hides",
        "`inventory`: there `items.write` is optional",
    ] {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
}
