//! The first certificate, its renewals, and what is done by hand.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use token_server::app::{AuditFilter, AuditPage};
use token_server::base::clock::Clock;
use token_server::domain::Action;

use super::authority::{Authority, Fault};
use super::validation::{look, names};
use super::{DAY, NAME, Scene, metric, next_presented, order, presented, replica};
use crate::harness::{BY, Database, NOW, TestApp};

/// The trail: what was done, to what, and what there is since.
async fn trail(test: &TestApp) -> Vec<(String, String, Value)> {
    let (filter, page) = (AuditFilter::default(), AuditPage::After(0));
    let events = test.app.audit.list(&filter, page, 100).await;
    let event = |it: token_server::app::ChainedEvent| {
        let state = it.event.after.or(it.event.before).unwrap_or_default();
        let state = token_server::base::json::from_str(&state).unwrap();
        (it.event.action, it.event.target, state)
    };
    events.unwrap().into_iter().map(event).collect()
}

#[tokio::test]
async fn the_first_certificate_is_ordered_validated_and_presented() {
    let scene = Scene::new().await;
    assert_eq!(scene.presented().await, None);

    scene.order().await;

    next_presented(&scene.served, &scene.authority, None).await;
    assert_eq!(scene.authority.orders(), 1);
    assert_eq!(
        scene.authority.contacts(),
        [json!(["mailto:ops@tokens.test"])]
    );
    let trail = trail(&scene.served.test).await;
    let actions: Vec<_> = trail.iter().map(|(action, ..)| action.as_str()).collect();
    assert_eq!(actions, ["certificate.register", "certificate.issue"]);
    let (_, target, state) = &trail[1];
    assert_eq!(target, NAME);
    assert_eq!(state["directory"], scene.authority.url("/directory"));
    assert_eq!(state["expires_at"], scene.clock.now().0 + 90 * DAY);
}

#[tokio::test]
async fn until_there_is_one_the_port_answers_the_service_is_ready_and_metrics_say_so() {
    let scene = Scene::new().await;
    let served = &scene.served;
    let metrics = async || {
        [
            metric(served, "certificate_stand_in").await,
            metric(served, "certificate_expiry_timestamp_seconds").await,
            metric(served, "acme_failures").await,
            metric(served, r#"acme_validations_total{listener="main"}"#).await,
        ]
    };

    let before = metrics().await;
    let shown = look(served.address, Some(NAME), &[]).await.unwrap();
    let ready = served.test.get("/readyz").await;
    scene.order().await;
    next_presented(served, &scene.authority, None).await;
    let after = metrics().await;

    assert!(shown.answer.starts_with("HTTP/1.1 200"), "{}", shown.answer);
    assert_eq!(names(&shown.certificate), [NAME]);
    assert_eq!(ready.json()["status"], "ready");
    assert_eq!(before, [Some(1), None, Some(0), Some(0)]);
    let end = scene.clock.now().0 + 90 * DAY;
    assert_eq!(after, [Some(0), Some(end), Some(0), Some(1)]);
}

#[tokio::test]
async fn after_a_restart_it_is_presented_at_once_and_nothing_is_ordered() {
    let scene = Scene::issued().await;
    let before = next_presented(&scene.served, &scene.authority, None).await;

    let again = scene.replica(&[]).await;
    let after = presented(&again, &scene.authority, NAME).await;
    order(&again).await;

    assert_eq!(after, Some(before));
    assert_eq!(scene.authority.orders(), 1);
}

#[tokio::test]
async fn it_is_renewed_when_two_thirds_of_its_life_are_over_with_a_new_key() {
    let scene = Scene::issued().await;
    let first = next_presented(&scene.served, &scene.authority, None).await;

    // Earlier by up to a twentieth of its life.
    scene.clock.advance(55 * DAY - 1);
    scene.order().await;
    assert_eq!(scene.authority.orders(), 1);
    scene.clock.advance(5 * DAY + 1);
    scene.order().await;

    assert_eq!(scene.authority.orders(), 2);
    let second = next_presented(&scene.served, &scene.authority, Some(&first)).await;
    let key = |certificate: &[u8]| {
        use x509_parser::prelude::FromDer;
        let parsed = x509_parser::certificate::X509Certificate::from_der(certificate);
        parsed.unwrap().1.public_key().raw.to_vec()
    };
    assert_ne!(key(&first), key(&second));
    assert_eq!(scene.authority.accounts(), 1);
}

#[tokio::test]
async fn a_short_lived_one_is_renewed_at_half() {
    let scene = Scene::new().await;
    scene.authority.set_life(Duration::from_hours(6 * 24));
    scene.order().await;

    scene.clock.advance(3 * DAY);
    scene.order().await;

    assert_eq!(scene.authority.orders(), 2);
}

#[tokio::test]
async fn several_names_are_validated_each() {
    let scene = Scene::with(&[("TLS_ACME_NAMES", "b.tokens.test, A.tokens.test")]).await;

    scene.order().await;

    for name in ["a.tokens.test", "b.tokens.test"] {
        let (served, authority) = (&scene.served, &scene.authority);
        let waiting = async {
            while presented(served, authority, name).await.is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(super::LONG, waiting).await.unwrap();
    }
}

#[tokio::test]
async fn with_other_names_the_old_certificate_is_presented_until_there_is_a_new_one() {
    let scene = Scene::issued().await;
    let old = next_presented(&scene.served, &scene.authority, None).await;

    let other = scene
        .replica(&[("TLS_ACME_NAMES", "tokens.test new.tokens.test")])
        .await;
    scene.authority.lead_names_to(other.address);
    let meanwhile = presented(&other, &scene.authority, NAME).await;
    order(&other).await;

    assert_eq!(meanwhile, Some(old.clone()));
    assert_eq!(scene.authority.orders(), 2);
    next_presented(&other, &scene.authority, Some(&old)).await;
}

#[tokio::test]
async fn an_account_is_bound_to_the_one_elsewhere() {
    let key = "a key of the account elsewhere";
    let encoded = "YSBrZXkgb2YgdGhlIGFjY291bnQgZWxzZXdoZXJl";
    let bound = Scene::with(&[
        ("TLS_ACME_EAB_KEY_ID", "key-1"),
        ("TLS_ACME_EAB_HMAC_KEY", encoded),
    ])
    .await;
    let unbound = Scene::new().await;
    for scene in [&bound, &unbound] {
        scene
            .authority
            .require_external_account("key-1", key.as_bytes());
        scene.order().await;
    }

    assert!(bound.standing().issued, "{:?}", bound.standing());
    let problem = unbound.standing().problem.unwrap();
    assert!(problem.contains("externalAccountRequired"), "{problem}");
}

#[tokio::test]
async fn an_account_that_the_authority_forgot_is_made_again() {
    let scene = Scene::issued().await;
    scene.authority.forget_accounts();

    scene.clock.advance(60 * DAY);
    scene.order().await;

    assert_eq!(
        (scene.authority.orders(), scene.authority.accounts()),
        (2, 1)
    );
}

#[tokio::test]
async fn after_a_compromise_another_key_is_there_before_the_old_one_is_revoked() {
    let scene = Scene::issued().await;
    let old = next_presented(&scene.served, &scene.authority, None).await;
    let app = &scene.served.test.app;

    let standing = app.acme().unwrap().renew(BY, true).await.unwrap();

    next_presented(&scene.served, &scene.authority, Some(&old)).await;
    assert_eq!(scene.authority.revoked(), [(old.to_vec(), 1)]);
    assert_eq!((standing.issued, standing.failures), (true, 0));
    let trail = trail(&scene.served.test).await;
    assert_eq!(trail.last().unwrap().0, "certificate.revoke");
}

#[tokio::test]
async fn whatever_becomes_of_it_is_in_the_trail_without_a_key() {
    let scene = Scene::new().await;
    let app = &scene.served.test.app;
    scene.authority.fail(Fault::RateLimited(60));

    app.acme().unwrap().renew(BY, false).await.unwrap_err();
    app.acme().unwrap().renew(BY, false).await.unwrap();
    app.acme().unwrap().renew(BY, true).await.unwrap();

    let trail = trail(&scene.served.test).await;
    let done: BTreeSet<&str> = trail.iter().map(|(action, ..)| action.as_str()).collect();
    let all = Action::ALL.iter().map(|action| action.as_str());
    assert_eq!(
        done,
        all.filter(|it| it.starts_with("certificate.")).collect()
    );
    let members: BTreeSet<&str> = trail
        .iter()
        .flat_map(|(_, _, state)| state.as_object().unwrap().keys())
        .map(String::as_str)
        .collect();
    let expected = ["account", "directory", "expires_at", "problem", "serial"];
    assert_eq!(members, expected.into());
}

#[tokio::test]
async fn by_hand_it_is_renewed_at_any_time_and_a_failure_is_told() {
    let scene = Scene::issued().await;
    let app = &scene.served.test.app;

    app.acme().unwrap().renew(BY, false).await.unwrap();
    scene.authority.fail(Fault::RateLimited(60));
    let failed = app.acme().unwrap().renew(BY, false).await.unwrap_err();

    assert_eq!(scene.authority.orders(), 2);
    assert!(failed.description.contains("rateLimited"), "{failed}");
    assert_eq!(scene.authority.revoked(), []);
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_yet_replaces_a_valid_one_only_when_it_is_valid() {
    let (clock, theirs) = (Clock::fixed(NOW), Clock::fixed(NOW));
    let authority = Authority::start(&theirs);
    let served = replica(&clock, &authority, Database::fresh().await, &[]).await;
    authority.lead_names_to(served.address);
    order(&served).await;
    let old = next_presented(&served, &authority, None).await;

    theirs.advance(DAY);
    let app = &served.test.app;
    app.acme().unwrap().renew(BY, false).await.unwrap();
    while metric(&served, "certificate_files_unusable").await != Some(1) {
        tokio::task::yield_now().await;
    }
    let kept = presented(&served, &authority, NAME).await;
    clock.advance(DAY);

    assert_eq!(kept.as_ref(), Some(&old));
    assert_ne!(next_presented(&served, &authority, Some(&old)).await, old);
}
