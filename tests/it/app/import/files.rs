//! The formats, the lines that mistakes are on, and all or nothing.

use std::fmt::Write;

use serde_json::json;
use token_server::app::clients::transfer::import::{
    ImportFile, ImportLine, ImportNews, ImportOptions, ImportSource,
};
use token_server::domain::{ClientId, ClientVersion, Generation, ParseError};

use super::{RULES, client_ids, import, import_with};
use crate::harness::{BY, TestApp, id};

/// The lines of the bad rows.
fn bad_lines(contents: &str) -> Vec<u64> {
    let file = ImportFile::parse(contents.as_bytes(), &RULES).unwrap();
    let bad = file.rows.iter().filter(|(_, row)| row.is_err());
    bad.map(|(line, _)| *line).collect()
}

#[tokio::test]
async fn csv_a_json_array_and_json_lines_say_the_same() {
    let everything = [
        ("client_id", "a"),
        ("client_secret", "one, two \"three\""),
        ("name", "Ünïcode, 'quoted'"),
        ("description", "two\nlines"),
        ("status", "disabled"),
        ("scopes", "write read"),
        ("audiences", "https://b a"),
        ("identifiers", "https://d c"),
        ("metadata", r#"{"tenant":"acme","n":[1,2]}"#),
        ("token_ttl", "90"),
        ("tls_client_certificate_bound_access_tokens", "TRUE"),
        ("dpop_bound_access_tokens", "false"),
    ];
    let quoted = |contents: &str| format!("\"{}\"", contents.replace('"', "\"\""));
    let csv = format!(
        "{}\n{}\n",
        everything.map(|(name, _)| name).join(","),
        everything.map(|(_, value)| quoted(value)).join(",")
    );
    let mut object = serde_json::Map::new();
    for (name, value) in everything {
        object.insert(name.to_owned(), value.into());
    }
    let object = serde_json::Value::Object(object);
    let mut typed = object.clone();
    typed["scopes"] = json!(["read", "write"]);
    typed["audiences"] = json!(["https://b", "a"]);
    typed["identifiers"] = json!(["https://d", "c"]);
    typed["metadata"] = json!({"tenant": "acme", "n": [1, 2]});
    typed["token_ttl"] = json!(90);
    typed["tls_client_certificate_bound_access_tokens"] = json!(true);
    typed["dpop_bound_access_tokens"] = json!(null);

    let mut seen = Vec::new();
    for contents in [
        csv.clone(),
        csv.replace("\"\n", "\"\r\n")
            .replace("tokens\n", "tokens\r\n"),
        format!("\u{feff}{csv}"),
        json!([object]).to_string(),
        format!("\u{feff} {:#}", json!([typed])),
        typed.to_string(),
        format!("{object}\r\n\r\n"),
    ] {
        let test = TestApp::new().await;
        let report = import(&test, &contents, false).await;
        assert_eq!(report.imported, 1, "{contents}: {report:?}");
        let mut client = test.find_client(&id("a")).await;
        client.secrets.clear();
        // Each database begins them itself.
        client.client.version = ClientVersion::default();
        client.client.generation = Generation::ZERO;
        seen.push(client);
    }

    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
    assert_eq!(seen[0].client.name.as_str(), "Ünïcode, 'quoted'");
    assert_eq!(seen[0].client.scopes.as_str(), "read write");
    assert_eq!(seen[0].client.identifiers.to_string(), "https://d c");
    assert_eq!(seen[0].client.token_ttl.unwrap().seconds(), 90);
    let bound = seen[0].client.sender_constraint;
    assert!(bound.tls_client_certificate_bound_access_tokens && !bound.dpop_bound_access_tokens);
}

#[tokio::test]
async fn a_client_imported_as_bound_gets_no_other_token() {
    let test = TestApp::new().await;
    let row = json!({"client_id": "a", "client_secret": "hunter2 is too short", "dpop_bound_access_tokens": true});

    import(&test, &row.to_string(), false).await;

    let refused = test.authorize("a", "hunter2 is too short").await;
    refused.assert_error(400, "invalid_dpop_proof");
}

#[test]
fn bad_rows_are_named_by_their_line() {
    let header = "client_id,client_secret,description";
    for (contents, lines) in [
        (format!("{header}\n,x,\na,x,\n b,x,\n"), vec![2, 4]),
        (format!("{header}\r\n,x,\r\na,x,\r\n b,x,\r\n"), vec![2, 4]),
        (format!("\u{feff}{header}\n,x,\n"), vec![2]),
        (format!("{header}\n\n\r\n,x,\n"), vec![4]),
        (format!("{header}\na,x,\"1\n2\n\"\n,x,\n"), vec![5]),
        (format!("{header}\r\na,x,\"1\r\n2\"\r\n,x,\r\n"), vec![4]),
        (format!("{header}\na,x\nb,x,,\nc,x,\n"), vec![2, 3]),
        (
            "[{},\n\n{\"client_id\":\n\"a\"},\r\n3]".to_owned(),
            vec![1, 3, 5],
        ),
        ("\n[\n  {\"client_id\": 1}\n]\n".to_owned(), vec![3]),
        ("{}\n\n{\"client_id\":\r\n[]\n".to_owned(), vec![1, 3, 4]),
    ] {
        let contents = contents.replace(",x", ",the old secret x");
        assert_eq!(bad_lines(&contents), lines, "{contents:?}");
    }
}

#[test]
fn a_reason_says_what_to_mend_and_never_the_secret() {
    for (row, reason) in [
        (
            json!({"client_secret": "hunter2 is too short"}),
            "client_id is missing",
        ),
        (json!({"client_id": "a"}), "client_secret is missing"),
        (
            json!({"client_id": "a", "client_secret": ""}),
            "client_secret is missing",
        ),
        (
            json!({"client_id": "a b", "client_secret": "hunter2 is too short"}),
            "client_id: ",
        ),
        (
            json!({"client_id": "a", "client_secret": "hunter2 is too short\n"}),
            "client_secret: ",
        ),
        (
            json!({"client_id": "a", "client_secret": "tks_hunter2 is too short"}),
            "client_secret: ",
        ),
        (
            json!({"client_id": "a", "client_secret": ["hunter2", 1]}),
            "client_secret is a list",
        ),
        (
            json!({"client_id": "a", "client_secret": {"hunter2": 1}}),
            "client_secret is not a string",
        ),
        (
            json!({"client_id": "a", "client_secret": 1.5}),
            "client_secret is a number",
        ),
        (
            json!({"client_id": "a", "client_secret_hash": "hunter2 is too short"}),
            "client_secret_hash: it is not a hash",
        ),
        (
            json!({"client_id": "a", "client_secret": "hunter2 is too short", "client_secret_hash": "hunter2 is too short"}),
            "the row has client_secret and client_secret_hash",
        ),
        (
            json!({"client_id": "a", "client_secret": "hunter2 is too short", "status": "on"}),
            "status: ",
        ),
        (
            json!({"client_id": "a", "client_secret": "hunter2 is too short", "token_ttl": "1h"}),
            "token_ttl ",
        ),
        (
            json!({"client_id": "a", "client_secret": "hunter2 is too short", "token_ttl": 59}),
            "token_ttl: ",
        ),
        (
            json!({"client_id": "a", "client_secret": "hunter2 is too short", "metadata": []}),
            "metadata ",
        ),
        (
            json!({"client_id": "a", "client_secret": "hunter2 is too short", "scope": "x", "scopes": "x"}),
            "the file has scopes and scope",
        ),
        (
            json!({"client_id": "a", "client_secret": "hunter2 is too short", "dpop_bound_access_tokens": "yes"}),
            "dpop_bound_access_tokens is not true or false",
        ),
        (
            json!({"client_id": "a", "client_secret": "hunter2 is too short", "dpop_bound_access_tokens": 1}),
            "dpop_bound_access_tokens is not true or false",
        ),
        (
            json!({"client_id": "a", "client_secret": "hunter2 is too short",
                "tls_client_certificate_bound_access_tokens": ["true"]}),
            "tls_client_certificate_bound_access_tokens is not true or false",
        ),
        (json!("hunter2"), "not a JSON object"),
    ] {
        let contents = json!([row]).to_string();
        let file = ImportFile::parse(contents.as_bytes(), &RULES).unwrap();
        let found = file.rows[0].1.as_ref().unwrap_err();
        let found = &found.reason;
        assert!(found.starts_with(reason), "{contents}: {found}");
        assert!(!found.contains("hunter2"), "{found}");
    }
}

#[test]
fn a_number_that_json_would_round_is_not_taken_for_a_secret() {
    let contents = r#"{"client_id":"a","client_secret":123456789012345678901234567890}"#;
    assert_eq!(bad_lines(contents), [1]);
}

#[test]
fn what_is_no_file_of_clients_is_refused_whole_with_a_line() {
    for (bytes, line) in [
        (&b""[..], "line 1: "),
        (b"\xef\xbb\xbf \n", "line 1: "),
        (b"id,secret\na,b\n", "line 1: "),
        (b"client_id,name,name\n", "line 1: "),
        (b"client_id\na\n\xff\n", "line 3: "),
        (b"[{},\n{}", "line 2: "),
        (b"[{}]\n[{}]", "line 2: "),
    ] {
        let refused: ParseError = ImportFile::parse(bytes, &RULES).unwrap_err();
        assert!(refused.to_string().starts_with(line), "{refused}");
    }
}

#[tokio::test]
async fn one_bad_row_and_nothing_is_imported_unless_told_to_go_on() {
    let test = TestApp::new().await;
    let contents = "client_id,client_secret\na,the first secret\n,the second secret\nb,the third secret\na,the fourth secret\n";

    let (refused, bad) = import_with(&test, contents, ImportOptions::default()).await;
    assert_eq!((refused.imported, client_ids(&test).await.len()), (0, 0));
    assert!(refused.refused);
    let keep_going = ImportOptions {
        keep_going: true,
        ..ImportOptions::default()
    };
    let (gone_on, lines) = import_with(&test, contents, keep_going).await;
    let again = import(&test, contents, true).await;

    let also_bad: Vec<_> = lines.into_iter().filter(ImportLine::is_bad).collect();
    assert_eq!(bad, also_bad);
    assert_eq!((gone_on.imported, gone_on.existing), (2, 0));
    assert_eq!((again.imported, again.existing), (0, 2));
    assert_eq!(client_ids(&test).await, ["a", "b"]);
    assert_eq!(bad[1].line, 5);
    assert!(
        bad[1]
            .reason
            .as_deref()
            .unwrap()
            .contains("already on line 2")
    );
    assert_eq!(test.authorize("a", "the first secret").await.status, 200);
    assert_eq!(test.authorize("a", "the fourth secret").await.status, 401);
}

#[tokio::test]
async fn what_exists_is_left_as_it_is() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let id = ClientId::parse(crate::harness::CLIENT).unwrap();
    let before = test.find_client(&id).await;
    let contents = format!(
        "client_id,client_secret,name\n{id},another old secret,Another\nnew,the first secret,\n"
    );

    for imported in [1, 0] {
        let report = import(&test, &contents, false).await;
        assert_eq!((report.imported, report.existing), (imported, 2 - imported));
    }

    assert_eq!(test.find_client(&id).await, before);
    assert_eq!(test.authorize(id.as_str(), &secret).await.status, 200);
    assert_eq!(
        test.authorize(id.as_str(), "another old secret")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_file_of_two_thousand_rows_works_and_tells_how_far_it_is() {
    const ROWS: u64 = 2_000;
    let test = TestApp::new().await;
    let mut contents = "client_id,client_secret\n".to_owned();
    for row in 0..ROWS {
        writeln!(contents, "client-{row},the old secret of {row}").unwrap();
    }
    let mut told = Vec::new();
    let source = ImportSource::of_bytes(None, contents.into_bytes());

    let mut tell = |news: ImportNews<'_>| {
        if let ImportNews::Progress(done, Some(total)) = news {
            told.push((done, total));
        }
    };
    let report = test
        .app
        .clients
        .import(BY, &source, ImportOptions::default(), &mut tell)
        .await
        .unwrap();

    assert_eq!((report.imported, report.existing), (ROWS, 0));
    assert_eq!(client_ids(&test).await.len() as u64, ROWS);
    assert_eq!(
        test.authorize("client-1999", "the old secret of 1999")
            .await
            .status,
        200
    );
    assert!(told.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    assert_eq!(told.last(), Some(&(ROWS, ROWS)));
}

#[test]
fn names_without_a_meaning_are_told() {
    let file = ImportFile::parse(b"client_id,Client_Secret,created\na,b,c\n", &RULES).unwrap();
    let ignored: Vec<&str> = file.ignored.iter().map(String::as_str).collect();
    assert_eq!(ignored, ["Client_Secret", "created"]);

    // A client that is off there would be on here.
    let row = json!({"client_id": "a", "client_secret": "hunter2 is too short", "enabled": false, "level": 0, "note": ""});
    let file = ImportFile::parse(row.to_string().as_bytes(), &RULES).unwrap();
    let ignored: Vec<&str> = file.ignored.iter().map(String::as_str).collect();
    assert_eq!(ignored, ["enabled", "level"]);
}
