//! The keys of issuers: from where they are fetched, how often, and what is not believed.

use std::cell::Cell;

use futures_util::future::join_all;
use serde_json::{Value, json};
use token_server::domain::{IssuerName, IssuerStatus};

use super::platform::{Page, Platform};
use super::{
    ACCOUNT, CLUSTER, MANY_FAILURES, WORKLOAD, add, assert_refused, cluster_claims, key_set,
    present, register, spec, with,
};
use crate::harness::{BY, Database, Log, Signer, TestApp};
use crate::metrics::Operator;

const DISCOVERY: &str = "/.well-known/openid-configuration";

async fn service() -> TestApp {
    on(Database::fresh().await).await
}

async fn on(database: Database) -> TestApp {
    let settings = [MANY_FAILURES, &[("JWKS_URI_TIMEOUT", "1s")]].concat();
    TestApp::on(database, &settings).await
}

/// Another replica, or the same one after a restart.
async fn replica(test: &TestApp) -> TestApp {
    on(test.database.clone()).await
}

/// Claims of this moment: the clock of a test advances.
fn claims(test: &TestApp, iss: &str) -> Value {
    let now = test.clock.now().0;
    let claims = with(cluster_claims(), "iss", iss);
    let claims = with(with(claims, "iat", now), "nbf", now);
    with(claims, "exp", now + 600)
}

async fn log_in(test: &TestApp, signer: &Signer, kid: &str, iss: &str) -> u16 {
    let token = signer.sign(json!({"kid": kid}), &claims(test, iss));
    let answer = present(test, &token, Some(WORKLOAD)).await;
    if answer.status == 401 {
        assert_refused(&answer, "keys");
    }
    answer.status
}

async fn trust(test: &TestApp, document: &Value) {
    add(&test.app, document).await;
    register(
        test,
        WORKLOAD,
        &json!([{"issuer": "k8s", "subject": ACCOUNT}]),
    )
    .await;
}

/// What `issuer check` says is wrong.
async fn error(test: &TestApp) -> String {
    let name = IssuerName::parse("k8s").unwrap();
    let check = test.app.issuers.check(&name).await.unwrap();
    assert!(check.keys.is_empty(), "{check:?}");
    check.error.unwrap()
}

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

#[tokio::test]
async fn keys_are_fetched_once_and_a_new_one_once_a_minute() {
    let (test, server) = (service().await, Platform::start());
    let (old, new) = (Signer::new("ES256"), Signer::new("ES256"));
    let set = |keys: &[(&Signer, &str)]| {
        let keys: Vec<Value> = keys.iter().map(|(signer, kid)| signer.jwk(kid)).collect();
        Page::Json(json!({ "keys": keys }))
    };
    server.show("/keys", set(&[(&old, "old")]));
    let document = server.issuer(
        "k8s",
        &json!({"issuer": CLUSTER, "replay": "allow", "jwks_uri": server.url("/keys")}),
    );
    trust(&test, &document).await;
    for _ in 0..3 {
        assert_eq!(log_in(&test, &old, "old", CLUSTER).await, 200);
    }
    assert_eq!(server.asked().len(), 1);

    server.show("/keys", set(&[(&old, "old"), (&new, "new")]));
    assert_eq!(
        log_in(&test, &new, "new", CLUSTER).await,
        401,
        "asked for a moment ago"
    );
    assert_eq!(server.asked().len(), 0);
    test.clock.advance(61);
    assert_eq!(log_in(&test, &new, "new", CLUSTER).await, 200);
    assert_eq!(log_in(&test, &old, "old", CLUSTER).await, 200);
    assert_eq!(server.asked().len(), 1);
    // Unknown names cause one fetch a minute, whatever they are.
    for round in 0..3 {
        for kid in ["a", "b", "c", "d"] {
            assert_eq!(log_in(&test, &new, kid, CLUSTER).await, 401);
        }
        assert!(server.asked().len() <= 1, "{round}");
        test.clock.advance(30);
    }
}

#[tokio::test]
async fn one_unusable_key_spoils_no_set_and_the_old_set_serves_for_a_while() {
    let (test, signer, server) = (service().await, Signer::new("ES256"), Platform::start());
    let keys = json!({"keys": [{"kty": "EC"}, {"kty": "oct", "k": "AAAA"}, {"kty": "new"}, 7, signer.jwk("k")]});
    server.show("/keys", Page::Json(keys));
    let document = server.issuer(
        "k8s",
        &json!({"issuer": CLUSTER, "replay": "allow", "jwks_uri": server.url("/keys")}),
    );
    trust(&test, &document).await;
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 200);

    for page in [
        Page::Status(503),
        Page::Json(json!({"keys": []})),
        Page::Silence,
        Page::Redirect("/other".to_owned()),
    ] {
        server.show("/keys", page);
        test.clock.advance(301);
        assert_eq!(
            log_in(&test, &signer, "k", CLUSTER).await,
            200,
            "the old set"
        );
    }
    let name = IssuerName::parse("k8s").unwrap();
    let metrics = test.app.issuers.metrics();
    let of_issuer = metrics.iter().find(|it| it.name == name).unwrap();
    assert_eq!(of_issuer.failed_fetches, 4);
    assert_eq!(of_issuer.key_age, Some(4 * 301));
    test.clock.advance(5 * 3_600);
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 401, "too old");
    server.show("/keys", Page::Json(key_set(&signer)));
    test.clock.advance(61);
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 200);
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

const SPIFFE_ID: &str = "spiffe://acme.test/a";

/// How a login with an SVID of this authority ends.
async fn svid_status(test: &TestApp, signer: &Signer) -> u16 {
    let claims = with(claims(test, "https://spire.test"), "sub", SPIFFE_ID);
    let token = signer.sign(json!({"kid": "k"}), &claims);
    present(test, &token, Some(WORKLOAD)).await.status
}

/// A bundle with a key of a CA beside that of the authority.
fn bundle(signer: &Signer, sequence: u64) -> Page {
    let mut jwk = signer.jwk("k");
    jwk["use"] = "jwt-svid".into();
    let ca = json!({"kty": "EC", "use": "x509-svid", "crv": "P-256", "x": jwk["x"], "y": jwk["y"]});
    Page::Json(json!({"keys": [ca, jwk], "spiffe_sequence": sequence, "spiffe_refresh_hint": 300}))
}

async fn trust_domain(test: &TestApp, server: &Platform) {
    let endpoint = server.url("/bundle");
    let document = server.issuer(
        "k8s",
        &json!({"trust_domain": "acme.test", "replay": "allow", "bundle_endpoint": endpoint}),
    );
    add(&test.app, &document).await;
    let identities = json!([{"issuer": "k8s", "subject": SPIFFE_ID}]);
    register(test, WORKLOAD, &identities).await;
}

#[tokio::test]
async fn a_bundle_never_goes_back() {
    let (test, server) = (service().await, Platform::start());
    let (first, second) = (Signer::new("ES256"), Signer::new("ES256"));
    server.show("/bundle", bundle(&first, 4));
    trust_domain(&test, &server).await;
    let status = async |signer: &Signer| svid_status(&test, signer).await;
    assert_eq!(status(&first).await, 200);
    server.show("/bundle", bundle(&second, 5));
    test.clock.advance(301);
    assert_eq!((status(&first).await, status(&second).await), (401, 200));
    server.show("/bundle", bundle(&first, 4));
    test.clock.advance(301);
    assert_eq!((status(&first).await, status(&second).await), (401, 200));
}

#[tokio::test]
async fn neither_a_restart_nor_another_replica_takes_a_bundle_of_before() {
    let (test, server) = (service().await, Platform::start());
    let (first, second) = (Signer::new("ES256"), Signer::new("ES256"));
    server.show("/bundle", bundle(&second, 5));
    trust_domain(&test, &server).await;
    // Read before the bundle was, so that it knows only what it has seen itself.
    let early = replica(&test).await;
    server.show("/bundle", bundle(&first, 4));
    assert_eq!(svid_status(&early, &first).await, 200);
    server.show("/bundle", bundle(&second, 5));
    assert_eq!(svid_status(&test, &second).await, 200);

    server.show("/bundle", bundle(&first, 4));
    let restarted = replica(&test).await;
    assert_eq!(svid_status(&restarted, &first).await, 401);
    let told = error(&restarted).await;
    assert!(told.contains("went back from 5 to 4"), "{told}");
    early.clock.advance(301);
    server.asked();
    svid_status(&early, &first).await;
    assert_eq!(server.asked().len(), 1);
    let failed = early.app.issuers.metrics()[0].failed_fetches;
    assert_eq!(failed, 1);

    // An operator who knows that the trust domain was set up anew says so.
    let name = IssuerName::parse("k8s").unwrap();
    for status in [IssuerStatus::Disabled, IssuerStatus::Enabled] {
        let issuers = &test.app.issuers;
        issuers.set_status(BY, &name, status).await.unwrap();
    }
    restarted.app.replication.read_changes().await.unwrap();
    assert_eq!(svid_status(&restarted, &first).await, 200);
}

#[tokio::test]
async fn other_changes_of_an_issuer_do_not_forget_its_sequence() {
    let (test, server) = (service().await, Platform::start());
    let (first, second) = (Signer::new("ES256"), Signer::new("ES256"));
    server.show("/bundle", bundle(&second, 5));
    trust_domain(&test, &server).await;
    assert_eq!(svid_status(&test, &second).await, 200);
    server.show("/bundle", bundle(&first, 4));
    server.show("/other", bundle(&first, 4));
    let name = IssuerName::parse("k8s").unwrap();
    let update = async |change: Value| {
        let done = test.app.issuers.update(BY, &name, spec(&change));
        done.await.unwrap();
        svid_status(&test, &first).await
    };
    assert_eq!(update(json!({"max_lifetime": 1_800})).await, 401);
    let moved = json!({"bundle_endpoint": server.url("/other")});
    assert_eq!(update(moved).await, 200);
}

#[tokio::test]
async fn a_bundle_in_a_file_is_read_anew() {
    let (test, server) = (service().await, Platform::start());
    let (first, second) = (Signer::new("ES256"), Signer::new("ES256"));
    let bundle = |signer: &Signer| {
        let mut jwk = signer.jwk("k");
        jwk["use"] = "jwt-svid".into();
        json!({"keys": [jwk]}).to_string()
    };
    let file = server.write("bundle.json", &bundle(&first));
    let document =
        json!({"name": "k8s", "trust_domain": "acme.test", "replay": "allow", "bundle_file": file});
    add(&test.app, &document).await;
    register(
        &test,
        WORKLOAD,
        &json!([{"issuer": "k8s", "subject": SPIFFE_ID}]),
    )
    .await;
    let status = async |signer: &Signer| svid_status(&test, signer).await;
    assert_eq!((status(&first).await, status(&second).await), (200, 401));
    server.write("bundle.json", &bundle(&second));
    test.clock.advance(301);
    assert_eq!((status(&first).await, status(&second).await), (401, 200));
}

/// Callers of [`while_keys_rotate_no_right_token_is_refused_and_no_wrong_one_accepted`].
const CALLERS: usize = 8;

/// Rotation under load: a key is published before it signs, as every platform does, and withdrawn after the last token by it
/// has ended.
#[tokio::test]
async fn while_keys_rotate_no_right_token_is_refused_and_no_wrong_one_accepted() {
    const ROTATIONS: usize = 5;
    let (server, signers) = (
        Platform::start(),
        (0..=ROTATIONS)
            .map(|_| Signer::new("ES256"))
            .collect::<Vec<_>>(),
    );
    let settings = [
        ("THROTTLE_CLIENT_FAILURES", "100000"),
        ("THROTTLE_SOURCE_FAILURES", "100000"),
    ];
    let test = TestApp::with(&settings).await;
    let forger = Signer::new("ES256");
    let publish = |current: usize| {
        let keys = current.saturating_sub(1)..=(current + 1).min(ROTATIONS);
        let keys: Vec<Value> = keys.map(|n| signers[n].jwk(&format!("k{n}"))).collect();
        server.show("/keys", Page::Json(json!({ "keys": keys })));
    };
    publish(0);
    let document = server.issuer(
        "k8s",
        &json!({"issuer": CLUSTER, "replay": "allow", "jwks_uri": server.url("/keys")}),
    );
    trust(&test, &document).await;
    let (current, is_over) = (Cell::new(0), Cell::new(false));
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    let status = async |signer: &Signer, key: usize| {
        let header = json!({"kid": format!("k{key}")});
        let token = signer.sign(header, &claims(&test, CLUSTER));
        present(&test, &token, Some(WORKLOAD)).await.status
    };
    let rotate = async {
        for next in 1..=ROTATIONS {
            let before = accepted.get();
            while accepted.get() < before + 3 * CALLERS {
                tokio::task::yield_now().await;
            }
            // The next key was published a rotation ago, and every replica has fetched it since.
            publish(next);
            test.clock.advance(301);
            current.set(next);
        }
        is_over.set(true);
    };
    let call = async |caller: usize| {
        while !is_over.get() {
            // A login without a fetch waits for nothing.
            tokio::task::yield_now().await;
            let key = current.get();
            if caller.is_multiple_of(2) {
                let status = status(&signers[key], key).await;
                assert_eq!(status, 200, "a right token by k{key}");
                accepted.set(accepted.get() + 1);
            } else {
                for named in [key, key + 1, 99] {
                    let status = status(&forger, named).await;
                    assert_eq!(status, 401, "a forged token that names k{named}");
                }
                if let Some(withdrawn) = key.checked_sub(2) {
                    // Whoever asks first after a rotation fetches; then the key is unknown to all.
                    assert_eq!(status(&signers[key], key).await, 200);
                    let status = status(&signers[withdrawn], withdrawn).await;
                    assert_eq!(status, 401, "a token by k{withdrawn}, which was withdrawn");
                }
                refused.set(refused.get() + 1);
            }
        }
    };
    let callers = join_all((0..CALLERS).map(call));
    tokio::join!(rotate, callers);
    assert!(refused.get() > ROTATIONS, "{}", refused.get());
    assert!(
        server.asked().len() <= 2 * (ROTATIONS + 1),
        "fetched too often"
    );
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

#[tokio::test]
async fn operators_see_how_old_the_keys_are_and_how_many_fetches_failed() {
    let (test, signer, server) = (service().await, Signer::new("ES256"), Platform::start());
    server.show("/keys", Page::Json(key_set(&signer)));
    let keys = json!({"issuer": CLUSTER, "replay": "allow", "jwks_uri": server.url("/keys")});
    trust(&test, &server.issuer("k8s", &keys)).await;
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 200);
    server.show("/keys", Page::Status(503));
    test.clock.advance(301);
    assert_eq!(log_in(&test, &signer, "k", CLUSTER).await, 200);
    let page = Operator::of(&test).page().await;
    assert_eq!(page.get(r#"issuer_key_age_seconds{issuer="k8s"}"#), 301);
    let failed = page.get(r#"issuer_key_fetches_failed_total{issuer="k8s"}"#);
    assert_eq!(failed, 1);
}
