//! A revocation is never refused or forgotten for want of room, and those of one client do not fill the audit trail.

use serde_json::json;
use token_server::app::{AuditFilter, background};
use token_server::domain::AuditEvent;

use super::revocations::{rows, verify};
use crate::harness::trail::find;
use crate::harness::{BY, CLIENT, Log, NOW, TestApp, id, new_client};

/// A client, and how it calls.
struct Caller<'a> {
    test: &'a TestApp,
    id: &'static str,
    secret: String,
}

impl<'a> Caller<'a> {
    async fn new(test: &'a TestApp, id: &'static str) -> Self {
        Self {
            test,
            id,
            secret: test.register(new_client(id)).await,
        }
    }

    async fn token(&self) -> String {
        self.token_of(self.test).await
    }

    async fn token_of(&self, replica: &TestApp) -> String {
        replica.authorize(self.id, &self.secret).await.token()
    }

    /// Revokes tokens of its own; each is refused at once.
    async fn revoke(&self, tokens: &[String]) {
        let userinfo = format!("{}:{}", self.id, self.secret);
        for token in tokens {
            let form = [("token", token.as_str())];
            let done = self.test.post_basic("/revoke", &userinfo, &form).await;
            assert_eq!((done.status, done.text()), (200, ""));
            assert_eq!(self.test.verify(token).await.status, 401);
        }
    }

    async fn revoke_some(&self, count: usize) -> Vec<String> {
        let mut tokens = Vec::new();
        for _ in 0..count {
            tokens.push(self.token().await);
        }
        self.revoke(&tokens).await;
        tokens
    }
}

async fn events(test: &TestApp, action: &str) -> Vec<AuditEvent> {
    let filter = AuditFilter {
        action: Some(action.to_owned()),
        ..AuditFilter::default()
    };
    find(test, &filter).await
}

fn counts(test: &TestApp) -> (usize, usize) {
    test.app.tokens.revocations().count()
}

fn folded(test: &TestApp) -> [u64; 2] {
    test.app
        .metrics()
        .revocations_folded
        .map(|(_, count)| count)
}

#[tokio::test]
async fn beyond_its_room_all_tokens_of_a_client_are_revoked_instead() {
    let settings = [("MAX_CLIENT_REVOCATIONS", "3")];
    let test = TestApp::with(&settings).await;
    let other = TestApp::on(test.database.clone(), &settings).await;
    let (client, bystander) = (Caller::new(&test, "a").await, Caller::new(&test, "b").await);
    let (unrevoked, foreign) = (client.token().await, bystander.token().await);
    let log = Log::default();
    let guard = log.capture();

    let mut revoked = client.revoke_some(3).await;
    assert_eq!((counts(&test), rows(&test).await), ((3, 0), 3));
    assert_eq!(test.verify(&unrevoked).await.status, 200);
    revoked.extend(client.revoke_some(1).await);
    drop(guard);

    assert_eq!((counts(&test), rows(&test).await), ((0, 1), 1));
    revoked.push(unrevoked);
    let restarted = TestApp::on(test.database.clone(), &settings).await;
    for replica in [&test, &other, &restarted] {
        replica.read_changes().await;
        assert!(revoked.iter().all(|it| verify(&replica.app, it).is_err()));
        assert!(verify(&replica.app, &foreign).is_ok());
    }
    let told = events(&test, "client.fold_revocations").await;
    let generation = test.app.tokens.revocations().highest_generation();
    let after = json!({"generation": generation, "room": "client"}).to_string();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].after.as_deref(), Some(after.as_str()));
    assert_eq!(
        (told[0].actor_type.as_str(), told[0].client_id.as_deref()),
        ("server", Some("a"))
    );
    assert_eq!(folded(&test), [1, 0]);
    let line = "instead of 4 single ones, for which there is no room";
    assert!(log.text().contains(line), "{}", log.text());

    // The next ones are good, and revoked one by one again.
    let next = client.token().await;
    client.revoke_some(3).await;
    assert_eq!(test.verify(&next).await.status, 200);
    assert_eq!((counts(&test), folded(&test)), ((3, 1), [1, 0]));
}

#[tokio::test]
async fn beyond_the_servers_room_the_client_with_the_most_revocations_gives_way() {
    let test = TestApp::with(&[("MAX_REVOCATIONS", "6")]).await;
    let [large, small, last] = ["large", "small", "last"];
    let large = Caller::new(&test, large).await;
    let small = Caller::new(&test, small).await;
    let last = Caller::new(&test, last).await;
    let good = [large.token().await, small.token().await, last.token().await];

    let mut revoked = large.revoke_some(3).await;
    revoked.extend(small.revoke_some(2).await);
    revoked.extend(last.revoke_some(1).await);
    assert_eq!(counts(&test), (6, 0));
    for token in &good {
        assert_eq!(test.verify(token).await.status, 200);
    }
    revoked.extend(last.revoke_some(1).await);

    assert_eq!((counts(&test), rows(&test).await), ((4, 1), 5));
    let good = [0, 1, 2].map(|at| verify(&test.app, &good[at]).is_ok());
    assert_eq!(good, [false, true, true]);
    assert!(revoked.iter().all(|it| verify(&test.app, it).is_err()));
    assert_eq!(folded(&test), [0, 1]);
    let told = events(&test, "client.fold_revocations").await;
    let told: Vec<_> = told.iter().map(|it| it.client_id.as_deref()).collect();
    assert_eq!(told, [Some("large")]);
}

#[tokio::test]
async fn what_one_replica_has_folded_no_other_one_folds_again() {
    let settings = [("MAX_CLIENT_REVOCATIONS", "2")];
    let test = TestApp::with(&settings).await;
    let other = TestApp::on(test.database.clone(), &settings).await;
    let client = Caller::new(&test, "a").await;
    let of_other = client.token_of(&other).await;
    client.revoke_some(2).await;
    other.read_changes().await;

    client.revoke_some(1).await;
    let after = client.token().await;
    // It has not heard of it.
    other.app.tokens.revoke(BY, &of_other).await.unwrap();

    assert_eq!(folded(&test), [1, 0]);
    assert_eq!((counts(&other), folded(&other)), ((0, 1), [0, 0]));
    assert_eq!(events(&test, "client.fold_revocations").await.len(), 1);
    for replica in [&test, &other] {
        replica.read_changes().await;
        assert!(verify(&replica.app, &of_other).is_err());
        assert!(verify(&replica.app, &after).is_ok());
    }
}

#[tokio::test]
async fn what_an_operator_revokes_is_an_event_of_its_own_also_without_room() {
    let test = TestApp::with(&[("MAX_CLIENT_REVOCATIONS", "1")]).await;
    let client = Caller::new(&test, "a").await;
    let tokens = [client.token().await, client.token().await];

    for token in &tokens {
        test.app.tokens.revoke(BY, token).await.unwrap();
        assert_eq!(test.verify(token).await.status, 401);
    }

    assert_eq!(events(&test, "token.revoke").await.len(), 2);
    assert_eq!(folded(&test), [1, 0]);
}

/// All that the client revoked makes its single revocations needless, for want of room or not.
#[tokio::test]
async fn single_revocations_give_their_room_back_when_all_tokens_are_revoked() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    for _ in 0..3 {
        let token = test.token(&secret).await;
        test.app.tokens.revoke(BY, &token).await.unwrap();
        assert_eq!(test.verify(&token).await.status, 401);
        test.app
            .tokens
            .revoke_client(BY, &id(CLIENT))
            .await
            .unwrap();

        assert_eq!(test.verify(&token).await.status, 401);
        assert_eq!((counts(&test), rows(&test).await), ((0, 1), 1));
    }
}

#[tokio::test]
async fn what_a_client_revokes_within_a_minute_is_one_event_with_a_count() {
    let test = TestApp::new().await;
    let (one, other) = (Caller::new(&test, "a").await, Caller::new(&test, "b").await);
    let revoked = one.revoke_some(3).await;
    other.revoke_some(1).await;
    // They are revoked already.
    one.revoke(&revoked).await;
    assert!(events(&test, "token.").await.is_empty());

    test.clock.advance(60);
    test.app.tokens.write_own_revocations().await.unwrap();
    test.app.tokens.write_own_revocations().await.unwrap();

    let mut told: Vec<_> = events(&test, "token.")
        .await
        .into_iter()
        .map(|it| (it.actor, it.source.unwrap(), it.action, it.after.unwrap()))
        .collect();
    told.sort();
    let event = |id: &str, count: u64| {
        let after = json!({"count": count, "since": NOW}).to_string();
        let [source, action] = ["192.0.2.1", "token.revoke_own"].map(str::to_owned);
        (id.to_owned(), source, action, after)
    };
    assert_eq!(told, [event("a", 3), event("b", 1)]);
}

#[tokio::test]
async fn revocations_that_cannot_be_recorded_are_counted_on_and_recorded_at_the_stop() {
    let test = TestApp::new().await;
    let client = Caller::new(&test, "a").await;
    client.revoke_some(1).await;
    // The end of the trail is forged, and nothing can be recorded behind it.
    let forge = "update audit_head set hash = 'x' || hash";
    assert_eq!(test.database.execute(forge).await, 1);

    test.app.tokens.write_own_revocations().await.unwrap_err();
    // Revoking goes on.
    client.revoke_some(1).await;
    let mend = "update audit_head set hash = substr(hash, 2)";
    assert_eq!(test.database.execute(mend).await, 1);
    background::finish(&test.app).await;

    let told = events(&test, "token.revoke_own").await;
    assert_eq!(told.len(), 1);
    assert!(told[0].after.as_ref().unwrap().contains("\"count\":2"));
}
