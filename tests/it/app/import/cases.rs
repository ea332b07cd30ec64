//! Clients that Ory Hydra and Keycloak wrote themselves (`tests/import/cases`): each logs in with its old secret and gets what
//! it got there, or the import has a line that says why not.

use serde_json::{Value, json};
use token_server::app::clients::transfer::import::{
    FileSecrets, ImportLine, ImportOptions, Narrowing, OnConflict,
};
use token_server::base::json;
use token_server::domain::TokenTtl;

use super::import_with;
use crate::harness::{Answer, NOW, Prover, Signer, TestApp};
use crate::oauth::assertion::present_at;

const HYDRA: &str = include_str!("../../../import/cases/hydra-rows.jsonl");
const HYDRA_LIST: &str = include_str!("../../../import/cases/hydra-list.json");
const HYDRA_EXPECTED: &str = include_str!("../../../import/cases/hydra-expected.json");
const KEYCLOAK: &str = include_str!("../../../import/cases/keycloak-realm.json");
const KEYCLOAK_EXPECTED: &str = include_str!("../../../import/cases/keycloak-expected.json");
const ES256_PEM: &str = include_str!("../../../import/cases/es256.pem");
const RS256_PEM: &str = include_str!("../../../import/cases/rs256.pem");

/// `TOKEN_TTL`, which is that of Hydra too.
const TTL: i64 = 3_600;

const KEEP_GOING: ImportOptions = ImportOptions {
    on_conflict: OnConflict::Refuse,
    keep_going: true,
    dry_run: false,
    max_plain: None,
    secrets: FileSecrets::NONE,
    narrowing: Narrowing::NONE,
};

/// Settings as the documentation says for such a move.
const SETTINGS: &[(&str, &str)] = &[("MIN_SECRET_LENGTH", "8"), ("IGNORE_OIDC_SCOPES", "true")];

fn parse(text: &str) -> Value {
    json::from_str(text).unwrap()
}

fn list(text: &str) -> Vec<Value> {
    parse(text).as_array().unwrap().clone()
}

/// What is told of a client, whatever comes of it; `row` is its place in the file, from 1.
fn told(lines: &[ImportLine], row: u64) -> String {
    let line = lines.iter().find(|it| it.row == row).unwrap();
    let told = line.reason.iter().chain(&line.remarks);
    told.map(String::as_str).collect::<Vec<_>>().join("\n")
}

fn words(value: &Value) -> Vec<String> {
    let words = value.as_str().unwrap_or_default().split_whitespace();
    words.map(str::to_owned).collect()
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

/// RFC 6749 §2.3.1: both halves are encoded as in a form.
fn userinfo(id: &str, secret: &str) -> String {
    let encode = |text: &str| crate::harness::form(&[("x", text)]).split_off("x=".len());
    format!("{}:{}", encode(id), encode(secret))
}

fn assertion(id: &str, alg: &str) -> String {
    let (signer, kid) = match alg {
        "RS256" => (Signer::from_pem("RS256", RS256_PEM), "rs-1"),
        _ => (Signer::from_pem("ES256", ES256_PEM), "es-1"),
    };
    let claims = json!({"iss": id, "sub": id, "aud": "https://tokens.test", "iat": NOW.0, "exp": NOW.0 + 60,
        "jti": token_server::base::secret::random_base62(16)});
    signer.sign(json!({"kid": kid}), &claims)
}

/// Asks for a token in the way that the client was registered for.
async fn ask(test: &TestApp, id: &str, how: &str, secret: &str, ask: &[(&str, &str)]) -> Answer {
    let grant = [("grant_type", "client_credentials")];
    let params = [&grant[..], ask].concat();
    match how {
        "client_secret_basic" | "basic" => {
            test.post_basic("/token", &userinfo(id, secret), &params)
                .await
        }
        "client_secret_post" => {
            let own = [("client_id", id), ("client_secret", secret)];
            test.post_form("/token", &[&params[..], &own].concat())
                .await
        }
        "private_key_jwt" | "pkj:ES256" => {
            let alg = if id == "pkj-rs256" { "RS256" } else { "ES256" };
            present_at(test, "/token", &assertion(id, alg), ask).await
        }
        _ => panic!("{id}: {how}"),
    }
}

/// The claims of the token in an answer, as a microservice reads them.
async fn claims(test: &TestApp, id: &str, answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{id}: {}", answer.text());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let verified = test.verify(&token).await;
    assert_eq!(verified.status, 200, "{id}: {}", verified.text());
    verified.json()
}

fn metadata(of: &Value) -> Value {
    of.get("metadata").cloned().unwrap_or(json!({}))
}

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

/// What a client of the realm gets here.
struct Got {
    scope: &'static str,
    audience: Option<&'static str>,
    metadata: &'static str,
    ttl: i64,
    /// What is told of it.
    told: &'static str,
}

const PLAIN: Got = Got {
    scope: "",
    audience: None,
    metadata: "{}",
    ttl: 300,
    told: "",
};

const READ: Got = Got {
    scope: "invoices.read",
    ..PLAIN
};

#[rustfmt::skip]
const OF_KEYCLOAK: &[(&str, Got)] = &[
    ("kc-basic", READ),
    ("kc-made", READ),
    ("kc-optional", Got { scope: "invoices.read invoices.write", told: "--drop-optional-scopes", ..PLAIN }),
    ("kc-noscope", PLAIN),
    ("kc-hidden", Got { told: "hidden-scope", ..READ }),
    ("kc-aud", Got { audience: Some("https://api.example.com"), ..PLAIN }),
    ("kc-aud-two", Got { audience: Some("https://a.example.com"), told: "there its tokens have all its audiences", ..PLAIN }),
    ("kc-aud-client", Got { audience: Some("kc-basic"), ..PLAIN }),
    ("kc-aud-by-scope", Got { scope: "orders", audience: Some("https://orders.example.com"), ..PLAIN }),
    ("kc-aud-id-only", Got { told: "aud-id", ..PLAIN }),
    ("kc-claim", Got { metadata: r#"{"level":3,"limits":{"max":5},"tenant":"acme"}"#, ..PLAIN }),
    ("kc-claim-by-scope", Got { scope: "tenant-acme", metadata: r#"{"tenant":"acme"}"#, ..PLAIN }),
    ("kc-claim-nested", Got { metadata: r#"{"org":{"tenant":"acme"}}"#, ..PLAIN }),
    ("kc-ttl-120", Got { ttl: 120, ..PLAIN }),
    ("kc-ttl-30", Got { ttl: 60, told: "is 30 s", ..PLAIN }),
    ("kc-ttl-2d", Got { ttl: TTL, told: "is 172800 s", ..PLAIN }),
    ("kc-odd-secret", READ),
    ("kc:odd/id@x", READ),
    ("kc-jwt-string", READ),
    ("kc-dpop", PLAIN),
    ("kc-lightweight", Got { told: "client.use.lightweight.access.token.enabled", ..READ }),
    ("kc-es256", Got { told: "signed with ES256", ..READ }),
    ("kc-roles", Got { told: "auditor", ..READ }),
    ("kc-rotated", Got { told: "imported its rotated secret", ..READ }),
];

/// Clients of the realm that get no token, and why.
const NOT_OF_KEYCLOAK: &[(&str, &str)] = &[
    (
        "kc id space",
        "a client_id must be 1 to 128 printable ASCII",
    ),
    ("kc-jwt-url", "JWKS_URI_HOSTS"),
    ("kc-jwt-cert", "its key is a certificate"),
    ("kc-secret-jwt", "client-secret-jwt"),
    ("kc-x509-re", "is a pattern"),
    ("kc-public", "it is a public client"),
    ("kc-bearer", "it is bearer-only"),
    ("kc-no-sa", "it has no service account"),
    ("kc-saml", "its protocol is not openid-connect"),
    ("kc-expired", "all its secrets have expired"),
];

/// Imports the realm; what is told of each of its clients, by id.
async fn import_realm(test: &TestApp) -> impl Fn(&str) -> String {
    let (_, lines) = import_with(test, KEYCLOAK, KEEP_GOING).await;
    let clients = parse(KEYCLOAK)["clients"].as_array().unwrap().clone();
    assert_eq!(lines.len(), clients.len());
    move |id| {
        let place = clients.iter().position(|it| it["clientId"] == id);
        told(&lines, 1 + place.unwrap() as u64)
    }
}

#[tokio::test]
async fn every_client_of_keycloak_gets_what_it_got_there_or_a_line_says_why_not() {
    let test = TestApp::with(SETTINGS).await;
    let told = import_realm(&test).await;
    let (mut seen, prover) = (0, Prover::new("ES256"));
    for expected in list(KEYCLOAK_EXPECTED) {
        let id = expected["id"].as_str().unwrap();
        let secret = expected["secret"].as_str().unwrap_or_default();
        if let Some((_, why)) = NOT_OF_KEYCLOAK.iter().find(|(whose, _)| *whose == id) {
            assert!(told(id).contains(why), "{id}: {}", told(id));
            seen += 1;
            continue;
        }
        let Some((_, got)) = OF_KEYCLOAK.iter().find(|(whose, _)| *whose == id) else {
            continue;
        };
        seen += 1;
        assert!(told(id).contains(got.told), "{id}: {}", told(id));
        for asks in expected["asks"].as_array().unwrap() {
            let scope = asks["scope"].as_str();
            let params: Vec<_> = scope.map(|it| ("scope", it)).into_iter().collect();
            let how = expected["how"].as_str().unwrap();
            let answer = if id == "kc-dpop" {
                let body = [
                    ("grant_type", "client_credentials"),
                    ("client_id", id),
                    ("client_secret", secret),
                ];
                let proof = prover.prove("POST", "https://tokens.test/token");
                test.post_form_with("/token", &body, &[("dpop", &proof)])
                    .await
            } else {
                ask(&test, id, how, secret, &params).await
            };
            assert_eq!(answer.status, 200, "{id}: {}", answer.text());
            assert_eq!(answer.json()["expires_in"], got.ttl, "{id}");
            if id == "kc-dpop" {
                assert_eq!(answer.json()["token_type"], "DPoP");
                continue;
            }
            let claims = claims(&test, id, &answer).await;
            let wanted = scope.map_or(got.scope, |it| it.trim_start_matches("openid "));
            assert_eq!(
                sorted(words(&claims["scope"])),
                sorted(words(&json!(wanted))),
                "{id}"
            );
            assert_eq!(metadata(&claims), parse(got.metadata), "{id}");
            if let Some(audience) = got.audience {
                assert_eq!(claims["aud"], audience, "{id}");
            }
        }
    }
    // The three others are below.
    assert_eq!(seen + 3, list(KEYCLOAK_EXPECTED).len());
    assert_eq!(seen, OF_KEYCLOAK.len() + NOT_OF_KEYCLOAK.len());
    let rotated = ask(&test, "kc-rotated", "basic", "kc-rotated-secret-old", &[]).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text());
}

/// One is disabled there, two need a certificate: what they are here shows their records.
#[tokio::test]
async fn clients_of_keycloak_that_need_more_than_a_secret_are_what_they_were() {
    let test = TestApp::with(SETTINGS).await;
    let told = import_realm(&test).await;
    let find = async |id: &str| {
        let id = token_server::domain::ClientId::parse(id).unwrap();
        json!(test.app.clients.find(&id).await.unwrap().client)
    };
    let disabled = ask(&test, "kc-disabled", "basic", "kc-disabled-secret", &[]).await;
    assert_eq!(
        (disabled.status, &find("kc-disabled").await["status"]),
        (401, &json!("disabled"))
    );
    let bound = ask(&test, "kc-mtls", "basic", "kc-mtls-secret", &[]).await;
    assert_eq!(bound.status, 400, "{}", bound.text());
    assert_eq!(
        find("kc-mtls").await["tls_client_certificate_bound_access_tokens"],
        true
    );
    let x509 = find("kc-x509").await;
    assert_eq!(
        x509["tls_client_auth_subject_dn"],
        "CN=reports,O=Example",
        "{}",
        told("kc-x509")
    );
    let optional = told("kc-optional");
    assert!(
        optional.contains("there it also gets `invoices.read`"),
        "{optional}"
    );
}
