//! Revocations bind in memory, on every replica, from before the first request until no verifier could
//! accept the token.

use std::net::Ipv4Addr;
use std::sync::Arc;

use futures_util::FutureExt;

use token_server::app::error::Result;
use token_server::app::{App, NewClient, SenderProofs, TokenRequest, TokenRequirements};
use token_server::domain::{Client, ClientId, ClientStatus, RevocationId};
use token_server::jwt::{LEEWAY, SignedClaims};

use crate::harness::{BY, CLIENT, NOW, TestApp, config};

pub(super) const TTL: i64 = 3600;

pub(super) fn id() -> ClientId {
    ClientId::parse(CLIENT).unwrap()
}

pub(super) fn verify(app: &App, token: &str) -> Result<Arc<SignedClaims>> {
    app.tokens.verify(token, &TokenRequirements::default())
}

pub(super) async fn client(test: &TestApp) -> Client {
    test.find_client(&id()).await.client
}

/// A token as a replica issues it that has not heard of a change of the client.
pub(super) fn issue(test: &TestApp, client: &Client) -> String {
    try_issue(&test.app, client).unwrap()
}

pub(super) fn try_issue(app: &App, client: &Client) -> Result<String> {
    let (proofs, source) = (SenderProofs::default(), Ipv4Addr::LOCALHOST.into());
    let issued = app
        .tokens
        .issue(client, TokenRequest::default().into(), &proofs, source);
    // Without a proof nothing waits.
    let issued = issued.now_or_never().unwrap();
    issued.map(|token| token.jwt)
}

pub(super) async fn rows(test: &TestApp) -> usize {
    let listed = test
        .app
        .store()
        .list_revocations(RevocationId(0), 1_000)
        .await;
    listed.unwrap().len()
}

pub(super) async fn disable(test: &TestApp) {
    switch(test, ClientStatus::Disabled).await;
}

pub(super) async fn enable(test: &TestApp) {
    switch(test, ClientStatus::Enabled).await;
}

async fn switch(test: &TestApp, status: ClientStatus) {
    test.set_client_status(&id(), status).await;
}

#[tokio::test]
async fn another_replica_learns_of_a_revoked_token_when_it_next_reads() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;
    let other = test.replica().await;

    test.app.tokens.revoke(BY, &token).await.unwrap();
    assert!(verify(&other.app, &token).is_ok());
    other.read_changes().await;

    assert!(verify(&other.app, &token).is_err());
    other
        .verify(&token)
        .await
        .assert_error(401, "invalid_token");
}

#[tokio::test]
async fn after_a_restart_nothing_is_called_good_before_all_revocations_are_read() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let (revoked, good) = (test.token(&secret).await, test.token(&secret).await);
    test.app.tokens.revoke(BY, &revoked).await.unwrap();

    let app = App::open(config(&test.database.url, &[]), test.clock.clone()).unwrap();
    for token in [&revoked, &good] {
        let error = verify(&app, token).unwrap_err();
        assert_eq!(error.code.as_str(), "temporarily_unavailable");
    }
    app.replication.read_changes().await.unwrap();

    assert!(verify(&app, &revoked).is_err());
    assert!(verify(&app, &good).is_ok());
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_an_error_and_not_an_empty_list() {
    let test = TestApp::new().await;
    let app = App::open(config(&test.database.url, &[]), test.clock.clone()).unwrap();
    app.store().close().await;

    assert!(app.replication.read_changes().await.is_err());

    assert!(!app.tokens.revocations().is_complete());
}

#[tokio::test]
async fn a_revocation_is_kept_until_no_verifier_could_accept_the_token() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;
    test.app.tokens.revoke(BY, &token).await.unwrap();
    let kept = async || {
        test.app.tokens.prune_revocations().await.unwrap();
        (test.app.tokens.revocations().count().0, rows(&test).await)
    };

    test.clock.advance(TTL + LEEWAY - 1);
    assert_eq!(kept().await, (1, 1));
    assert!(verify(&test.app, &token).is_err());
    test.clock.advance(1);
    assert_eq!(kept().await, (0, 1));
    assert!(verify(&test.app, &token).is_err());
    // A replica whose clock is behind may start only now, and read the table.
    test.clock.advance(LEEWAY - 1);
    assert_eq!(kept().await, (0, 1));
    test.clock.advance(1);
    assert_eq!(kept().await, (0, 0));
}

#[tokio::test]
async fn all_tokens_of_a_client_are_revoked_and_the_next_one_is_good_in_the_same_second() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let before = [test.token(&secret).await, test.token(&secret).await];

    test.app.tokens.revoke_client(BY, &id()).await.unwrap();

    for token in &before {
        test.verify(token).await.assert_error(401, "invalid_token");
    }
    let after = test.token(&secret).await;
    let claims = test.verify(&after).await.json();
    // Libraries refuse an `iat` of the future.
    assert_eq!(
        ["iat", "nbf", "exp"].map(|name| claims[name].clone()),
        [NOW.0, NOW.0, NOW.0 + TTL].map(serde_json::Value::from)
    );
}

#[tokio::test]
async fn a_client_that_is_not_there_has_no_tokens_to_revoke() {
    let test = TestApp::new().await;

    let error = test.app.tokens.revoke_client(BY, &id()).await.unwrap_err();

    assert_eq!(error.code.as_str(), "not_found");
}

#[tokio::test]
async fn a_disabled_clients_tokens_are_refused_whenever_they_were_issued() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let unaware = test.replica().await;
    let record = client(&test).await;
    let before = test.token(&secret).await;

    disable(&test).await;
    unaware.clock.advance(600);
    test.clock.advance(600);
    // A replica that is cut off from the database goes on.
    let meanwhile = issue(&unaware, &record);

    for token in [&before, &meanwhile] {
        test.verify(token).await.assert_error(401, "invalid_token");
    }
    unaware.read_changes().await;
    assert!(verify(&unaware.app, &meanwhile).is_err());
    assert!(try_issue(&unaware.app, &record).is_err());
}

#[tokio::test]
async fn enabling_a_client_that_is_enabled_revokes_nothing() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;

    enable(&test).await;

    assert_eq!(test.verify(&token).await.status, 200);
    assert_eq!(rows(&test).await, 0);
}

#[tokio::test]
async fn other_replicas_stop_issuing_when_they_next_read() {
    let test = TestApp::new().await;
    let other = test.replica().await;
    let secret = test.client().await;
    other.token(&secret).await;

    disable(&test).await;
    assert_eq!(other.authorize(CLIENT, &secret).await.status, 200);
    other.read_changes().await;
    other
        .authorize(CLIENT, &secret)
        .await
        .assert_error(401, "invalid_client");

    enable(&test).await;
    other.read_changes().await;
    let token = other.token(&secret).await;
    assert_eq!(test.verify(&token).await.status, 200);
    assert_eq!(other.verify(&token).await.status, 200);
}

#[tokio::test]
async fn a_replica_that_has_not_heard_of_enabling_issues_good_tokens_once_it_reads_the_client() {
    let test = TestApp::new().await;
    let other = test.replica().await;
    let secret = test.client().await;
    disable(&test).await;
    other.read_changes().await;
    enable(&test).await;

    let token = other.token(&secret).await;

    assert_eq!(other.verify(&token).await.status, 200);
    assert_eq!(test.verify(&token).await.status, 200);
}

#[tokio::test]
async fn a_client_of_a_new_id_adds_no_revocation() {
    let test = TestApp::new().await;
    test.register(NewClient::default()).await;

    assert_eq!(rows(&test).await, 0);
}

/// Tokens are issued and revoked by many on two replicas at once, each of which reads all the while: in the
/// end each knows all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_busy_replicas_know_every_revocation_in_the_end() {
    let test = TestApp::new().await;
    test.client().await;
    let other = test.replica().await;
    let record = client(&test).await;
    let apps = [Arc::clone(&test.app), Arc::clone(&other.app)];
    let revoking = (0..8).map(|n: usize| {
        let (mine, record) = (Arc::clone(&apps[n % 2]), record.clone());
        tokio::spawn(async move {
            let mut revoked = Vec::new();
            for _ in 0..10 {
                let token = try_issue(&mine, &record).unwrap();
                mine.tokens.revoke(BY, &token).await.unwrap();
                assert!(verify(&mine, &token).is_err());
                mine.replication.read_changes().await.unwrap();
                revoked.push(token);
            }
            revoked
        })
    });
    let mut revoked = Vec::new();
    for one in revoking.collect::<Vec<_>>() {
        revoked.extend(one.await.unwrap());
    }

    for app in &apps {
        app.replication.read_changes().await.unwrap();
        assert_eq!(app.tokens.revocations().count().0, 80);
        assert!(revoked.iter().all(|token| verify(app, token).is_err()));
    }
}
