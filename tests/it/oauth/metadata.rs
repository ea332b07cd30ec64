use serde_json::{Value, json};

use crate::harness::TestApp;

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// What both documents say under an algorithm.
fn expected(alg: &str) -> Value {
    let methods = json!([
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt"
    ]);
    let algorithms = json!([
        "ES256", "ES384", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"
    ]);
    let mut metadata = json!({
        "issuer": "https://tokens.test",
        "token_endpoint": "https://tokens.test/token",
        "introspection_endpoint": "https://tokens.test/introspect",
        "revocation_endpoint": "https://tokens.test/revoke",
        "grant_types_supported": [
            "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": [
            "client_secret_basic", "client_secret_post", "private_key_jwt", "Bearer", "DPoP"
        ],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
    });
    if alg != "HS256" {
        metadata["jwks_uri"] = json!("https://tokens.test/.well-known/jwks.json");
        metadata["introspection_signing_alg_values_supported"] = json!([alg]);
    }
    metadata
}

#[tokio::test]
async fn the_metadata_says_what_is_there_and_nothing_else() {
    for alg in ["HS256", "ES256", "EdDSA", "RS256", "PS256"] {
        let test = TestApp::with(&[("SIGNING_ALG", alg)]).await;
        let answer = test.get(OAUTH).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), expected(alg));
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "public, max-age=3600");
        let post = test.post_form(OAUTH, &[]).await;
        post.assert_error(405, "method_not_allowed");
        assert_eq!(post.header("allow"), "GET,HEAD");
    }
}

/// Without the two members Spring's client does not start, and go-oidc refuses each token of another algorithm than RS256.
#[tokio::test]
async fn the_openid_path_says_the_same_and_what_its_readers_insist_on() {
    for alg in ["ES256", "EdDSA", "RS256", "PS256"] {
        let test = TestApp::with(&[("SIGNING_ALG", alg)]).await;
        let answer = test.get(OPENID).await;
        let mut expected = expected(alg);
        expected["subject_types_supported"] = json!(["public"]);
        expected["id_token_signing_alg_values_supported"] = json!([alg]);
        assert_eq!((answer.status, answer.json()), (200, expected));
        assert_eq!(answer.header("cache-control"), "public, max-age=3600");
    }
}

/// Under HS256 nobody else can verify: a library that finds nothing there asks for the other document, and one that is led to an
/// empty set of keys waits for more.
#[tokio::test]
async fn under_hs256_there_is_no_openid_path_and_no_document_names_the_keys() {
    let test = TestApp::with(&[("ISSUER", "https://tokens.test/eu")]).await;
    for path in [OPENID.to_owned(), format!("{OPENID}/eu")] {
        let missing = test.get(&path).await;
        missing.assert_error(404, "not_found");
        assert!(missing.text().contains("HS256"), "{}", missing.text());
    }
    let metadata = test.get(OAUTH).await.json();
    assert_eq!(metadata.get("jwks_uri"), None);
    // Also with the keys of another algorithm, whose tokens may be good still.
    let before = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    let after = before.replica().await;
    assert_eq!(after.get(OAUTH).await.json().get("jwks_uri"), None);
    after.get(OPENID).await.assert_error(404, "not_found");
    assert_eq!(after.get("/.well-known/jwks.json").await.status, 200);
}

#[tokio::test]
async fn certificates_are_named_where_they_are_asked_for() {
    let test = TestApp::with(&[("TLS_CLIENT_CERTIFICATES", "true")]).await;

    let metadata = test.get(OAUTH).await.json();

    for endpoint in ["token", "introspection", "revocation"] {
        let methods = &metadata[format!("{endpoint}_endpoint_auth_methods_supported")];
        let methods = methods.as_array().unwrap();
        assert!(methods.contains(&json!("self_signed_tls_client_auth")));
        assert!(!methods.contains(&json!("tls_client_auth")));
    }
}

#[tokio::test]
async fn the_algorithm_of_signed_introspection_is_named_where_there_is_one() {
    let test = TestApp::with(&[("SIGNING_ALG", "PS256")]).await;

    let metadata = test.get(OAUTH).await.json();

    assert_eq!(
        metadata["introspection_signing_alg_values_supported"],
        json!(["PS256"])
    );
}

#[tokio::test]
async fn every_endpoint_that_is_named_is_there() {
    let test = TestApp::with(&[("SIGNING_ALG", "ES256")]).await;
    let metadata = test.get(OAUTH).await.json();

    for name in [
        "token_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
    ] {
        let url = metadata[name].as_str().unwrap();
        let path = url.strip_prefix("https://tokens.test").unwrap();
        test.post_form(path, &[])
            .await
            .assert_error(401, "invalid_client");
    }
    let keys = metadata["jwks_uri"].as_str().unwrap();
    let path = keys.strip_prefix("https://tokens.test").unwrap();
    assert_eq!(test.get(path).await.status, 200);
}

#[tokio::test]
async fn an_issuer_with_a_path_is_found_behind_the_well_known_path_too() {
    let settings = [
        ("ISSUER", "https://tokens.test/eu/one/"),
        ("SIGNING_ALG", "ES256"),
    ];
    let test = TestApp::with(&settings).await;

    for path in [OAUTH, OPENID] {
        for path in [path.to_owned(), format!("{path}/eu/one")] {
            let metadata = test.get(&path).await.json();
            assert_eq!(metadata["issuer"], "https://tokens.test/eu/one/");
            assert_eq!(
                metadata["token_endpoint"],
                "https://tokens.test/eu/one/token"
            );
        }
        for other in ["/eu", "/eu/one/two", "/eu%2Fone", "/us/one"] {
            test.get(&format!("{path}{other}"))
                .await
                .assert_error(404, "not_found");
        }
    }
}

#[tokio::test]
async fn an_issuer_without_a_path_has_none_there() {
    let test = TestApp::new().await;

    test.get(&format!("{OAUTH}/eu"))
        .await
        .assert_error(404, "not_found");
}
