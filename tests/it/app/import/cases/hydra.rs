//! What Hydra wrote.

use serde_json::{Value, json};
use token_server::app::clients::transfer::import::{ImportOptions, Narrowing};
use token_server::domain::TokenTtl;

use super::{KEEP_GOING, SETTINGS, TTL, ask, claims, list, metadata, parse, sorted, told, words};
use crate::app::import::import_with;
use crate::harness::TestApp;

const HYDRA: &str = include_str!("../../../../import/cases/hydra-rows.jsonl");
const HYDRA_LIST: &str = include_str!("../../../../import/cases/hydra-list.json");
const HYDRA_EXPECTED: &str = include_str!("../../../../import/cases/hydra-expected.json");

/// Clients of Hydra that get no token here, and why.
const NOT_OF_HYDRA: &[(&str, &str)] = &[
    ("public-none", "it is a public client"),
    ("code-only", "do not contain client_credentials"),
    ("jwt-bearer-only", "do not contain client_credentials"),
    (
        "id with space",
        "a client_id must be 1 to 128 printable ASCII",
    ),
    ("ID-Upper.ü", "a client_id must be 1 to 128 printable ASCII"),
    ("pkj-uri", "JWKS_URI_HOSTS"),
    ("big-metadata", "metadata"),
];

/// Lifetimes of Hydra's, what they are here, and what is told of those that are others.
const LIFETIMES: &[(&str, i64, &str)] = &[
    ("15m", 900, ""),
    ("30s", 60, "is 30 s"),
    ("48h", TTL, "is 172800 s"),
    ("90s500ms", 90, "not a whole number of seconds"),
];

#[tokio::test]
async fn every_client_of_hydra_gets_what_it_got_there_or_a_line_says_why_not() {
    let test = TestApp::with(SETTINGS).await;
    let (report, lines) = import_with(&test, HYDRA, KEEP_GOING).await;
    let rows: Vec<Value> = HYDRA.lines().map(parse).collect();
    assert_eq!(
        (lines.len(), report.rows()),
        (rows.len(), rows.len() as u64)
    );
    let mut why_not = NOT_OF_HYDRA.to_vec();

    for expected in list(HYDRA_EXPECTED) {
        let (want, secret) = (
            &expected["want"],
            expected["secret"].as_str().unwrap_or_default(),
        );
        let id = want["client_id"].as_str().unwrap();
        let row = 1 + rows.iter().position(|row| row["id"] == id).unwrap() as u64;
        let told = told(&lines, row);
        if let Some(place) = why_not.iter().position(|(whose, _)| *whose == id) {
            let (_, why) = why_not.remove(place);
            assert!(told.contains(why), "{id}: {told}");
            continue;
        }
        let scopes: Vec<String> = words(&want["scope"]);
        let scopes = scopes
            .into_iter()
            .filter(|word| !word.starts_with('o') || word.contains('.'));
        let scopes = sorted(scopes.collect());
        let asked = scopes.join(" ");
        let audience = want["audience"][0].as_str();
        let mut params = vec![("scope", asked.as_str())];
        params.extend(audience.map(|it| ("audience", it)));
        let how = want["token_endpoint_auth_method"].as_str().unwrap();
        let answer = ask(&test, id, how, secret, &params).await;
        let claims = claims(&test, id, &answer).await;
        assert_eq!(sorted(words(&claims["scope"])), scopes, "{id}");
        if let Some(audience) = audience {
            assert_eq!(claims["aud"], audience, "{id}");
        }
        assert_eq!(metadata(&claims), metadata(want), "{id}");
        let lifetime = want["client_credentials_grant_access_token_lifespan"].as_str();
        let known = LIFETIMES.iter().find(|(text, ..)| Some(*text) == lifetime);
        let (_, seconds, remark) = known.copied().unwrap_or(("", TTL, ""));
        assert_eq!(answer.json()["expires_in"], seconds, "{id}");
        assert!(told.contains(remark), "{id}: {told}");
        let wrong = ask(&test, id, how, &format!("{secret}x"), &params).await;
        assert!(how == "private_key_jwt" || wrong.status == 401, "{id}");
    }
    assert_eq!(why_not, [], "who is not among the expected ones");
}

/// With the options for what is wider here: no scope where none is asked, no metadata, Hydra's lifetime.
#[tokio::test]
async fn with_every_narrowing_option_no_client_of_hydra_gets_more_than_there() {
    let test = TestApp::with(SETTINGS).await;
    let options = ImportOptions {
        narrowing: Narrowing {
            drop_metadata: true,
            explicit_scopes_only: true,
            token_ttl: Some(TokenTtl::from_seconds(600).unwrap()),
            ..Narrowing::NONE
        },
        ..KEEP_GOING
    };
    let (_, lines) = import_with(&test, HYDRA, options).await;
    for line in &lines {
        let told = line.remarks.join("\n");
        assert!(!told.contains("--"), "{told}");
    }
    for (id, secret) in [
        ("basic", "basic-secret-1"),
        ("private-metadata", "metadata-secret"),
    ] {
        let answer = ask(&test, id, "basic", secret, &[]).await;
        let none = claims(&test, id, &answer).await;
        assert_eq!((&none["scope"], metadata(&none)), (&json!(""), json!({})));
        assert_eq!(answer.json()["expires_in"], 600);
        let answer = ask(&test, id, "basic", secret, &[("scope", "read")]).await;
        assert_eq!(claims(&test, id, &answer).await["scope"], "read");
    }
}

#[tokio::test]
async fn the_list_of_hydra_joins_its_rows() {
    let test = TestApp::with(SETTINGS).await;
    let (alone, _) = import_with(&test, HYDRA_LIST, KEEP_GOING).await;
    // Only who needs no secret; the API does not give the hashes.
    assert_eq!((alone.imported, alone.skipped, alone.bad), (1, 2, 5));

    let test = TestApp::with(SETTINGS).await;
    let file = format!("{HYDRA_LIST}\n{HYDRA}");
    let (joined, lines) = import_with(&test, &file, KEEP_GOING).await;
    assert_eq!(joined.rows(), HYDRA.lines().count() as u64, "{lines:#?}");
    let answer = ask(&test, "ttl-15m", "basic", "ttl15m-secret", &[]).await;
    assert_eq!(answer.json()["expires_in"], 900);
}
