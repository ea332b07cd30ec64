//! Rows of Hydra's table and exports of Keycloak's realms in the shapes that those programs write: what is carried over, what
//! is wider here, and that each is told.

#![expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]

mod hydra;
mod keycloak;

use serde_json::{Value, json};
use token_server::app::clients::transfer::import::{ImportLine, ImportOptions};
use token_server::domain::{ClientId, ClientRecord};

use super::{KEEP_GOING, import_with};
use crate::harness::TestApp;

/// PBKDF2 of `OLD_SECRET`, as Hydra writes it.
const HASH: &str =
    "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E";
const OLD_SECRET: &str = "an old secret: %+ü";

/// A row as `select row_to_json(c) from hydra_client c` writes it, with these columns changed.
fn hydra_row(id: &str, changes: Value) -> Value {
    let mut row = json!({
        "id": id, "client_name": "", "client_secret": HASH, "scope": "read", "owner": "", "client_secret_expires_at": 0,
        "jwks": "{}", "jwks_uri": "", "token_endpoint_auth_method": "client_secret_post", "metadata": "{}",
        "subject_type": "public", "created_at": "2026-01-01T00:00:00", "pk": null, "nid": "0b0c6a5a",
        "client_credentials_grant_access_token_lifespan": null,
        "redirect_uris": [], "grant_types": ["client_credentials"], "response_types": [], "audience": [],
    });
    for (name, value) in changes.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

async fn find(test: &TestApp, id: &str) -> ClientRecord {
    let id = ClientId::parse(id).unwrap();
    test.find_client(&id).await
}

fn remarks(lines: &[ImportLine], id: &str) -> String {
    let line = lines.iter().find(|it| it.client_id.as_deref() == Some(id));
    line.unwrap_or_else(|| panic!("{id}: {lines:#?}"))
        .remarks
        .join("\n")
}

#[tokio::test]
async fn rows_on_one_line_have_numbers_and_both_sides_of_a_client_are_shown() {
    let test = TestApp::new().await;
    let ttl = json!({"client_credentials_grant_access_token_lifespan": 900_000_000_000_i64});
    let rows = json!([hydra_row("a", ttl), 7]);
    let options = ImportOptions {
        dry_run: true,
        ..KEEP_GOING
    };

    let (_, lines) = import_with(&test, &rows.to_string(), options).await;

    let places: Vec<(u64, u64)> = lines.iter().map(|it| (it.line, it.row)).collect();
    assert_eq!(places, [(1, 1), (1, 2)]);
    assert!(lines[1].is_bad() && lines[1].there.is_none());
    let told = json!(lines[0]);
    assert_eq!(told["there"]["scope"], "read");
    let nanos = "client_credentials_grant_access_token_lifespan";
    assert_eq!(told["there"][nanos], 900_000_000_000_i64);
    assert_eq!(
        (&told["here"]["scopes"], &told["here"]["token_ttl"]),
        (&json!("read"), &json!(900))
    );
    assert!(!told.to_string().contains("pbkdf2"));
}

#[tokio::test]
async fn what_would_change_its_meaning_in_a_row_is_refused() {
    let metadata = |text: &str| {
        format!(r#"{{"client_id":"a","client_secret":"{OLD_SECRET}","metadata":{text}}}"#)
    };
    for (row, told) in [
        (metadata(r#"{"a":1,"a":2}"#), "`a` is repeated"),
        (
            metadata(r#"{"version":1.10}"#),
            "`version` would lose digits",
        ),
        (
            metadata(r#"{"id":12345678901234567890123}"#),
            "`id` would lose digits",
        ),
        (
            hydra_row(
                "a",
                json!({"client_secret_expires_at": 1_900_000_000_000_i64}),
            )
            .to_string(),
            "milliseconds",
        ),
        (
            hydra_row("a", json!({"metadata": "{\"version\": 1.10}"})).to_string(),
            "`version` would lose digits",
        ),
    ] {
        let test = TestApp::new().await;
        let (report, lines) = import_with(&test, &row, KEEP_GOING).await;
        assert_eq!((report.imported, report.bad), (0, 1), "{row}");
        let reason = lines[0].reason.as_deref().unwrap();
        assert!(
            reason.contains(told) && lines[0].client_id.as_deref() == Some("a"),
            "{row}: {reason}"
        );
    }
}

#[tokio::test]
async fn cells_are_trimmed_and_a_list_in_one_is_understood_or_refused() {
    let test = TestApp::new().await;
    let file = format!(
        "client_id,client_secret,scopes,audience\na,{OLD_SECRET}, read write ,\"[\"\"https://a.example.com\"\", \"\"https://b.example.com\"\"]\"\nb,{OLD_SECRET},read;write,\nc,{OLD_SECRET},\"read,write\",\nd,{OLD_SECRET},read|write,\ne,{OLD_SECRET},\"[read, write]\",\n"
    );

    let (report, lines) = import_with(&test, &file, KEEP_GOING).await;

    assert_eq!((report.imported, report.bad), (1, 4), "{lines:#?}");
    let client = find(&test, "a").await.client;
    assert_eq!(
        (client.scopes.as_str(), client.audiences.len()),
        ("read write", 2)
    );
    for line in &lines[1..] {
        assert!(
            line.reason.as_deref().unwrap().contains("scopes"),
            "{line:?}"
        );
    }
}
