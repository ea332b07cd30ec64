//! All tokens of a client are revoked by its generation, whatever the clocks of the replicas say.

use token_server::domain::{ClientId, Generation, Revocation, RevocationId, Revoked};
use token_server::jwt::LEEWAY;

use super::revocations::{TTL, client, disable, enable, id, issue, rows, try_issue, verify};
use crate::harness::{BY, CLIENT, NOW, TestApp};

#[tokio::test]
async fn of_two_changes_in_one_millisecond_each_revokes_what_was_issued_before_it() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let mut revoked = vec![test.token(&secret).await];
    let mut generations = vec![client(&test).await.generation];

    for _ in 0..3 {
        test.app.tokens.revoke_client(BY, &id()).await.unwrap();
        generations.push(client(&test).await.generation);
        let token = test.token(&secret).await;
        assert_eq!(test.verify(&token).await.status, 200);
        for token in &revoked {
            test.verify(token).await.assert_error(401, "invalid_token");
        }
        revoked.push(token);
    }

    assert!(generations.is_sorted_by(|one, next| one < next));
}

/// Within the tolerance of clocks and far beyond it: no clock of a replica takes part.
#[tokio::test]
async fn a_replica_whose_clock_differs_revokes_everywhere_at_once() {
    for seconds in [-20, -4, 4, 20] {
        let test = TestApp::new().await;
        let secret = test.client().await;
        let other = test.replica().await;
        other.clock.set_ahead(seconds);
        let mut revoked = Vec::new();

        for how in 0..3 {
            revoked.extend([test.token(&secret).await, other.token(&secret).await]);
            if how == 0 {
                other.app.tokens.revoke_client(BY, &id()).await.unwrap();
            } else {
                disable(&other).await;
                enable(&other).await;
            }
            for replica in [&other, &test] {
                replica.read_changes().await;
                for token in &revoked {
                    let refused = replica.verify(token).await;
                    refused.assert_error(401, "invalid_token");
                }
            }
            let next = test.token(&secret).await;
            assert_eq!(test.verify(&next).await.status, 200, "{seconds}");
            revoked.push(next);
        }
        assert!(revoked.len() == 9);
    }
}

/// The database has lost the last commits: what replicas know is above what it knows.
#[tokio::test]
async fn a_generation_is_raised_above_all_that_the_replica_has_seen() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let ahead = test.app.tokens.revocations().highest_generation();
    let seen = Generation::at(NOW.plus(1_000_000_000));
    assert!(seen > ahead);
    test.app.tokens.revocations().insert(&Revocation {
        revocation_id: RevocationId(1),
        client_id: ClientId::parse("another").unwrap(),
        revoked: Revoked::Client(seen),
        revoked_at: NOW,
        expires_at: NOW.plus(TTL),
    });

    test.app.tokens.revoke_client(BY, &id()).await.unwrap();

    assert_eq!(client(&test).await.generation, seen.next());
    let token = test.token(&secret).await;
    assert_eq!(test.verify(&token).await.status, 200);
}

#[tokio::test]
async fn a_generation_is_kept_until_every_token_below_it_is_dead() {
    let test = TestApp::new().await;
    test.client().await;
    test.app.tokens.revoke_client(BY, &id()).await.unwrap();
    let kept = async || {
        test.app.tokens.prune_revocations().await.unwrap();
        (test.app.tokens.revocations().count().1, rows(&test).await)
    };
    let listed = test.app.store().list_revocations(RevocationId(0), 1).await;
    // A token of a day may be issued an hour later by a replica that has not heard of it.
    let end = listed.unwrap()[0].expires_at.since(NOW);
    assert!(end >= 86_400 + 3_600);

    test.clock.advance(end + LEEWAY - 1);
    assert_eq!(kept().await, (1, 1));
    test.clock.advance(1);
    assert_eq!(kept().await, (0, 1));
    test.clock.advance(LEEWAY);
    assert_eq!(kept().await, (0, 0));
}

#[tokio::test]
async fn a_client_that_is_enabled_again_gets_good_tokens_and_its_old_ones_stay_revoked() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let unaware = test.replica().await;
    let record = client(&test).await;
    // This replica's clock is ahead as far as clocks may be.
    unaware.clock.advance(LEEWAY);
    let old = [test.token(&secret).await, issue(&unaware, &record)];

    disable(&test).await;
    enable(&test).await;
    let new = test.token(&secret).await;

    for token in &old {
        test.verify(token).await.assert_error(401, "invalid_token");
    }
    assert_eq!(test.verify(&new).await.json()["iat"], NOW.0);
    unaware.read_changes().await;
    assert!(verify(&unaware.app, &new).is_ok());
    for token in &old {
        assert!(verify(&unaware.app, token).is_err());
    }
}

#[tokio::test]
async fn what_was_issued_while_a_client_was_disabled_stays_revoked_when_it_is_enabled() {
    let test = TestApp::new().await;
    test.client().await;
    let unaware = test.replica().await;
    let record = client(&test).await;
    disable(&test).await;
    test.clock.advance(60);
    unaware.clock.advance(60);
    let meanwhile = issue(&unaware, &record);

    enable(&test).await;

    test.verify(&meanwhile)
        .await
        .assert_error(401, "invalid_token");
}

#[tokio::test]
async fn a_replica_that_knows_of_a_revocation_issues_nothing_that_would_be_refused() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let before = client(&test).await;
    test.app.tokens.revoke_client(BY, &id()).await.unwrap();

    // The record was read before it.
    let error = try_issue(&test.app, &before).unwrap_err();

    assert_eq!(error.code.as_str(), "temporarily_unavailable");
    assert_eq!(error.retry_after, Some(1));
    assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
}

#[tokio::test]
async fn a_deleted_clients_tokens_are_refused_also_when_its_id_is_given_again() {
    let test = TestApp::new().await;
    let other = test.replica().await;
    let old = test.token(&test.client().await).await;

    test.delete_client(&id()).await;
    test.verify(&old).await.assert_error(401, "invalid_token");
    let secret = test.client().await;
    let new = test.token(&secret).await;

    for replica in [&test, &other, &test.replica().await] {
        replica.read_changes().await;
        assert!(verify(&replica.app, &old).is_err());
        assert!(verify(&replica.app, &new).is_ok());
    }
}

#[tokio::test]
async fn an_operator_is_told_which_generation_a_token_has_and_which_it_needs() {
    let test = TestApp::new().await;
    let token = test.token(&test.client().await).await;
    let had = client(&test).await.generation;
    test.app.tokens.revoke_client(BY, &id()).await.unwrap();
    let needs = client(&test).await.generation;

    let inspected = test.app.tokens.inspect(&token).await.unwrap();

    assert!(!inspected.good);
    let told = format!("has the generation {had}, but its client requires {needs}:");
    assert!(inspected.verdict.contains(&told), "{}", inspected.verdict);
    // Whoever presents it learns no more than that.
    let answer = test.verify(&token).await.json();
    assert_eq!(answer["error_description"], "the token is revoked");
}
