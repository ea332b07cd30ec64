//! What Keycloak wrote.

use serde_json::json;

use super::{KEEP_GOING, SETTINGS, TTL, ask, claims, list, metadata, parse, sorted, told, words};
use crate::app::import::import_with;
use crate::harness::{Prover, TestApp};

const KEYCLOAK: &str = include_str!("../../../../import/cases/keycloak-realm.json");
const KEYCLOAK_EXPECTED: &str = include_str!("../../../../import/cases/keycloak-expected.json");

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
        json!(test.find_client(&id).await.client)
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
