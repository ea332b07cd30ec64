use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use crate::harness::Shell;

fn count(shell: &Shell) -> usize {
    let listed = shell.run(&["client", "list", "--limit", "10000", "--json"]);
    listed.json()["clients"].as_array().unwrap().len()
}

fn csv(rows: usize) -> String {
    let mut text = "client_id,client_secret\n".to_owned();
    for row in 0..rows {
        writeln!(text, "client-{row},the secret number {row}").unwrap();
    }
    text
}

#[tokio::test]
async fn bad_rows_are_named_and_nothing_is_imported_unless_told_to_go_on() {
    let shell = Shell::migrated().await;
    let text = "client_id,client_secret,note\na,the first secret,x\n\"b\n\",the second secret,x\nc,,x\na,the third secret,x\nd,the fourth secret,x\n";
    fs::write(shell.path().join("clients.csv"), text).unwrap();

    let refused = shell.run(&["client", "import", "clients.csv"]);
    assert_eq!((refused.code, count(&shell)), (6, 0), "{refused:?}");
    for line in [
        "clients.csv:3: client_id",
        "clients.csv:5: `c`: client_secret",
        "clients.csv:6: ",
    ] {
        assert!(refused.err.contains(line), "{line}: {}", refused.err);
    }
    assert!(
        refused
            .err
            .contains("ignored these columns, which this server does not use: note")
    );

    let gone_on = shell.run(&["client", "import", "clients.csv", "--keep-going", "--json"]);
    assert_eq!((gone_on.code, count(&shell)), (5, 2), "{gone_on:?}");
    let again = shell.run(&["client", "import", "clients.csv", "--keep-going", "--json"]);
    assert_eq!(
        (
            again.json()["imported"].as_u64(),
            again.json()["existing"].as_u64()
        ),
        (Some(0), Some(2))
    );
}

#[tokio::test]
async fn what_is_no_file_of_clients_is_refused_whole() {
    let shell = Shell::migrated().await;
    for text in [
        "",
        "id,secret\na,b\n",
        "[{\"client_id\":\"a\"},",
        "client_id,client_id\na,b\n",
    ] {
        fs::write(shell.path().join("bad"), text).unwrap();
        let ran = shell.run(&["client", "import", "bad"]);
        assert_eq!(ran.code, 6, "{text}: {ran:?}");
        assert!(ran.err.contains("line "), "{text}: {}", ran.err);
    }
    assert_eq!(shell.run(&["client", "import", "missing"]).code, 1);
}

/// However early or late it is killed, the database holds all of the file or nothing of it.
#[tokio::test]
async fn an_import_that_is_killed_leaves_all_or_nothing() {
    const ROWS: usize = 3_000;
    let shell = Shell::migrated().await;
    fs::write(shell.path().join("clients.csv"), csv(ROWS)).unwrap();
    let mut seen = Vec::new();

    for attempt in 1..=12 {
        let mut child = shell
            .command(&["client", "import", "clients.csv"])
            .spawn()
            .unwrap();
        // Not a wait for something: the moment of death is what varies.
        std::thread::sleep(Duration::from_millis(attempt * 60));
        let _ = child.kill();
        child.wait().unwrap();

        let found = count(&shell);
        seen.push(found);
        assert!(found == 0 || found == ROWS, "{seen:?}");
    }

    assert_eq!(shell.run(&["client", "import", "clients.csv"]).code, 0);
    assert_eq!(count(&shell), ROWS);
}

#[tokio::test]
async fn secrets_with_the_length_of_a_digest_need_the_operators_word() {
    let shell = Shell::migrated().await;
    let digest = "9e7cf5d23a0123baffae99f47a6f30a0";
    let text = format!("client_id,client_secret\na,{digest}\n");
    fs::write(shell.path().join("clients.csv"), text).unwrap();

    let refused = shell.run(&["client", "import", "clients.csv"]);
    assert_eq!((refused.code, count(&shell)), (6, 0), "{refused:?}");
    assert!(
        refused.err.contains("clients.csv:2: `a`: client_secret: ")
            && refused.err.contains("--secrets plain")
            && !refused.err.contains(digest),
        "{}",
        refused.err
    );
    let unknown = shell.run(&["client", "import", "clients.csv", "--secrets", "hashes"]);
    assert_eq!((unknown.code, count(&shell)), (2, 0), "{unknown:?}");

    let taken = shell.run(&["client", "import", "clients.csv", "--secrets", "plain"]);
    assert_eq!((taken.code, count(&shell)), (0, 1), "{taken:?}");
}

/// The report, for people and for programs, of a file in which every line is the same one.
#[tokio::test]
async fn rows_on_one_line_are_told_apart_in_text_and_in_json() {
    let shell = Shell::migrated().await;
    let rows = r#"[{"client_id":"a","client_secret":"the first secret"},{"client_id":"b"},{"scopes":"x"}]"#;
    fs::write(shell.path().join("clients.json"), rows).unwrap();
    let import = ["client", "import", "clients.json", "--dry-run"];

    let told = shell.run(&import);
    assert_eq!(told.code, 6, "{told:?}");
    for line in [
        "clients.json:1: `b`: client_secret is missing (row 2)",
        "clients.json:1: client_id is missing (row 3)",
    ] {
        assert!(told.err.contains(line), "{line}: {}", told.err);
    }

    let report = shell.run(&[&import[..], &["--json"]].concat());
    assert_eq!(report.code, 6, "{report:?}");
    let lines = report.json()["clients"].as_array().unwrap().clone();
    let seen: Vec<_> = lines
        .iter()
        .map(|it| (it["row"].as_u64(), it["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [(Some(1), "created"), (Some(2), "bad"), (Some(3), "bad")]
    );
    assert_eq!(report.json()["ignored"], serde_json::json!([]));
}

#[tokio::test]
async fn secrets_that_the_other_server_generated_are_vouched_for() {
    let shell = Shell::migrated().await;
    let text = "client_id,client_secret\na,kjirPsUee1w9UN2J2pwQrDxcZV5sNhDd\n";
    fs::write(shell.path().join("clients.csv"), text).unwrap();
    let import = ["client", "import", "clients.csv", "--secrets", "generated"];
    assert_eq!(shell.run(&import).code, 0);
    let exported = shell.run(&["client", "export"]);
    assert!(exported.out.contains("\"vouched\":true"), "{exported:?}");
    let shown = shell.run(&["client", "show", "a"]);
    assert!(
        shown.out.contains("chosen, declared as generated"),
        "{shown:?}"
    );
}
