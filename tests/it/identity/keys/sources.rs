//! From where the keys of an issuer are fetched, and which answers count.

use serde_json::json;
use token_server::domain::IssuerName;

use super::{claims, error, log_in, service, trust};
use crate::harness::workload::{add, present, spec};
use crate::harness::{BY, Log, Signer};
use crate::identity::platform::{Page, Platform};
use crate::identity::{CLUSTER, WORKLOAD, assert_refused, key_set};

const DISCOVERY: &str = "/.well-known/openid-configuration";

#[tokio::test]
async fn an_api_server_behind_a_private_ca_and_a_token_has_another_address_than_the_issuer() {
    let (test, signer, server) = (service().await, Signer::new("RS256"), Platform::start());
    server.require("pod-token-1");
    let jwks_uri = server.other_url("/openid/v1/jwks");
    server.show(
        DISCOVERY,
        Page::Json(json!({"issuer": CLUSTER, "jwks_uri": jwks_uri})),
    );
    server.show("/openid/v1/jwks", Page::Json(key_set(&signer)));
    let token_file = server.write("token", "pod-token-1\n");
    let document = server.issuer("k8s", &json!({
        "issuer": CLUSTER, "replay": "allow", "bearer_token_file": token_file, "discovery_url": server.url(DISCOVERY),
    }));
    trust(&test, &document).await;
    // The address in the document is another host: it is not allowed, and the token is not for it.
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 401);
    let told = error(&test).await;
    let host = format!("the host 127.0.0.1:{} is not allowed", server.port);
    assert!(told.contains(&host), "{told}");
    assert!(server.asked().iter().all(|(path, _)| path == DISCOVERY));

    let name = IssuerName::parse("k8s").unwrap();
    let allow = json!({"allowed_hosts": [format!("127.0.0.1:{}", server.port)]});
    test.app
        .issuers
        .update(BY, &name, spec(&allow))
        .await
        .unwrap();
    assert!(error(&test).await.contains("401"));
    let asked = server.asked();
    let of_keys = asked.iter().filter(|(path, _)| path == "/openid/v1/jwks");
    assert!(
        of_keys.clone().count() > 0 && of_keys.clone().all(|(_, token)| token.is_none()),
        "{asked:?}"
    );

    // The keys at the configured host.
    let direct = json!({"jwks_uri": server.url("/openid/v1/jwks"), "allowed_hosts": []});
    test.app
        .issuers
        .update(BY, &name, spec(&direct))
        .await
        .unwrap();
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 200);
    let check = test.app.issuers.check(&name).await.unwrap();
    assert_eq!((check.error, check.keys.len()), (None, 1));
    assert_eq!(check.keys[0].kind, "RSA 2048");
    // A token that is renewed in its file is read anew.
    server.require("pod-token-2");
    server.write("token", "pod-token-2");
    test.clock.advance(301);
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 200);
}

#[tokio::test]
async fn a_file_that_holds_no_token_is_sent_nowhere() {
    let (test, signer, server) = (service().await, Signer::new("RS256"), Platform::start());
    server.show("/keys", Page::Json(key_set(&signer)));
    let file = server.write("env", "SECRET=top secret\nDATABASE_URL=postgres://\n");
    let document = server.issuer("k8s", &json!({
        "issuer": CLUSTER, "replay": "allow", "bearer_token_file": file, "jwks_uri": server.url("/keys"),
    }));
    trust(&test, &document).await;
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 401);
    let told = error(&test).await;
    assert!(
        told.contains("holds no bearer token") && !told.contains("top secret"),
        "{told}"
    );
    assert_eq!(server.asked(), []);
}

/// What a server may answer with that is no set of the issuer.
#[tokio::test]
async fn a_document_that_cannot_be_believed_gives_no_keys() {
    let (test, signer, server) = (service().await, Signer::new("ES256"), Platform::start());
    let iss = server.url("");
    server.show("/keys", Page::Json(key_set(&signer)));
    let document = |issuer: &str, uri: &str| Page::Json(json!({"issuer": issuer, "jwks_uri": uri}));
    trust(
        &test,
        &server.issuer("k8s", &json!({"issuer": iss, "replay": "allow"})),
    )
    .await;
    let here = server.url("/keys");
    for (about, page, told) in [
        (
            "redirecting discovery",
            Page::Redirect(server.url("/keys")),
            "answered 307",
        ),
        (
            "another issuer",
            document("https://other.test", &here),
            "of the issuer `https://other.test`",
        ),
        (
            "a slash more",
            document(&format!("{iss}/"), &here),
            "not of",
        ),
        (
            "keys on another host",
            document(&iss, &server.other_url("/keys")),
            "is not allowed",
        ),
        (
            "keys over http",
            document(&iss, "http://localhost/keys"),
            "https://",
        ),
        ("a file", document(&iss, "file:///etc/passwd"), "https://"),
        (
            "no jwks_uri",
            Page::Json(json!({"issuer": iss})),
            "not a discovery document",
        ),
        (
            "a list",
            Page::Json(json!([iss, here])),
            "not a discovery document",
        ),
        ("5 MB", Page::Large(5_000_000), "longer than"),
        ("slow", Page::Silence, "error sending request"),
        ("gone", Page::Status(404), "answered 404"),
    ] {
        server.show(DISCOVERY, page);
        test.clock.advance(61);
        assert_eq!(log_in(&test, &signer, "k", &iss).await, 401, "{about}");
        let error = error(&test).await;
        assert!(error.contains(told), "{about}: {error}");
    }
    server.show(DISCOVERY, document(&iss, &here));
    for page in [
        Page::Large(5_000_000),
        Page::Redirect("/x".to_owned()),
        Page::Json(json!({"keys": "x"})),
    ] {
        server.show("/keys", page);
        test.clock.advance(61);
        assert_eq!(log_in(&test, &signer, "k", &iss).await, 401);
    }
    server.show("/keys", Page::Json(key_set(&signer)));
    test.clock.advance(61);
    assert_eq!(log_in(&test, &signer, "k", &iss).await, 200);
}

#[tokio::test]
async fn private_addresses_are_asked_only_where_that_is_allowed() {
    let log = Log::default();
    let _capturing = log.capture();
    let (test, signer, server) = (service().await, Signer::new("ES256"), Platform::start());
    server.show("/keys", Page::Json(key_set(&signer)));
    for url in [server.url("/keys"), server.other_url("/keys")] {
        let mut document = server.issuer(
            "k8s",
            &json!({"issuer": CLUSTER, "replay": "allow", "jwks_uri": url}),
        );
        document["private_addresses"] = json!(false);
        add(&test.app, &document).await;
        assert!(error(&test).await.contains("no public address"));
        let name = IssuerName::parse("k8s").unwrap();
        test.app.issuers.remove(BY, &name).await.unwrap();
    }
    assert_eq!(server.asked(), []);
}

/// Whoever sends a token decides neither where the server fetches nor that it does.
#[tokio::test]
async fn an_issuer_that_is_not_configured_or_not_of_the_client_is_asked_for_nothing() {
    let (test, signer) = (service().await, Signer::new("ES256"));
    let (server, of_others) = (Platform::start(), Platform::start());
    for server in [&server, &of_others] {
        let document = json!({"issuer": server.url(""), "jwks_uri": server.url("/keys")});
        server.show(DISCOVERY, Page::Json(document));
        server.show("/keys", Page::Json(key_set(&signer)));
    }
    let others = json!({"issuer": of_others.url(""), "replay": "allow"});
    add(&test.app, &of_others.issuer("others", &others)).await;
    let own =
        json!({"name": "k8s", "issuer": CLUSTER, "jwks": key_set(&signer), "replay": "allow"});
    trust(&test, &own).await;
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 200);

    let unknown = claims(&test, &server.url(""));
    let header = json!({"kid": "k", "jku": server.url("/keys"), "x5u": server.url("/keys")});
    let unknown = signer.sign(header, &unknown);
    for client_id in [None, Some(WORKLOAD)] {
        assert_refused(&present(&test, &unknown, client_id).await, "unknown iss");
    }
    assert_eq!(log_in(&test, &signer, "k", &of_others.url("")).await, 401);
    assert_eq!((server.asked(), of_others.asked()), (vec![], vec![]));
}

#[tokio::test]
async fn a_server_with_a_certificate_of_nobody_known_gives_no_keys() {
    let (test, signer, server) = (service().await, Signer::new("ES256"), Platform::start());
    server.show("/keys", Page::Json(key_set(&signer)));
    let keys = json!({"issuer": CLUSTER, "replay": "allow", "jwks_uri": server.url("/keys")});
    let mut document = server.issuer("k8s", &keys);
    document.as_object_mut().unwrap().remove("ca_file");
    trust(&test, &document).await;
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 401);
    assert!(error(&test).await.contains("certificate"));
    assert_eq!(server.asked(), []);
}

#[tokio::test]
async fn an_iss_that_ends_with_a_slash_has_its_discovery_document_without_a_second_one() {
    let (test, signer, server) = (service().await, Signer::new("ES256"), Platform::start());
    let iss = server.url("/");
    let document = json!({"issuer": iss, "jwks_uri": server.url("/keys")});
    server.show(DISCOVERY, Page::Json(document));
    server.show("/keys", Page::Json(key_set(&signer)));
    let issuer = json!({"issuer": iss, "replay": "allow"});
    trust(&test, &server.issuer("k8s", &issuer)).await;
    assert_eq!(log_in(&test, &signer, "k", &iss).await, 200);
    assert_eq!(log_in(&test, &signer, "k", &server.url("")).await, 401);
}
