//! Orders that fail: the old certificate stays, and it is tried again, ever later.

use super::authority::Fault;
use super::{DAY, Scene, next_presented};
use crate::harness::{BY, Log};

/// How often the log complains.
fn complaints(log: &Log) -> usize {
    let text = log.text();
    let is_complaint =
        |line: &&str| line.contains(r#""ERROR""#) && line.contains("issued no certificate");
    text.lines().filter(is_complaint).count()
}

#[tokio::test]
async fn a_failed_renewal_keeps_the_old_certificate_and_is_tried_again_ever_later() {
    let log = Log::default();
    let _guard = log.capture();
    let scene = Scene::issued().await;
    let old = next_presented(&scene.served, &scene.authority, None).await;
    scene.clock.advance(60 * DAY);
    let orders = async |later: i64| {
        scene.clock.advance(later);
        let before = scene.authority.orders();
        scene.order().await;
        scene.authority.orders() - before
    };
    // Where nobody listens.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    scene.authority.lead_names_to(gone.local_addr().unwrap());
    drop(gone);

    // Each wait is twice the one before, and up to a fifth more.
    for (failures, wait) in [(1, 0), (2, 144), (3, 288), (4, 576)] {
        assert_eq!(orders(wait).await, 1, "{failures}");
        assert_eq!(scene.standing().failures, failures);
        assert_eq!(orders(wait / 2).await, 0, "{failures}");
        scene.clock.advance(-(wait / 2));
    }

    assert_eq!(scene.presented().await, Some(old.clone()));
    let problem = scene.standing().problem.unwrap();
    assert!(
        problem.starts_with("tokens.test: cannot connect"),
        "{problem}"
    );
    assert!(
        problem.contains("urn:ietf:params:acme:error:connection"),
        "{problem}"
    );
    assert_eq!(complaints(&log), 1, "{}", log.text());

    scene.authority.lead_names_to(scene.served.address);
    assert_eq!(orders(1_200).await, 1);
    let standing = scene.standing();
    assert_eq!((standing.failures, standing.problem), (0, None));
    next_presented(&scene.served, &scene.authority, Some(&old)).await;
}

#[tokio::test]
async fn a_name_that_leads_to_somebody_else_is_not_validated() {
    let scene = Scene::new().await;
    // It presents a certificate of its own for the name.
    let other = super::replica(
        &scene.clock,
        &scene.authority,
        crate::harness::Database::fresh().await,
        &[],
    )
    .await;
    scene.authority.lead_names_to(other.address);

    scene.order().await;

    let standing = scene.standing();
    assert_eq!((standing.issued, standing.failures), (false, 1));
}

#[tokio::test]
async fn a_refused_nonce_is_replaced_by_another() {
    let scene = Scene::new().await;
    scene.authority.fail(Fault::BadNonce);

    scene.order().await;

    assert_eq!(scene.authority.faults(), 0);
    assert!(scene.standing().issued, "{:?}", scene.standing());
}

#[tokio::test]
async fn a_limit_of_the_authority_is_kept_to() {
    let scene = Scene::new().await;
    scene.authority.fail(Fault::RateLimited(7_200));

    scene.order().await;
    let problem = scene.standing().problem.unwrap();
    scene.clock.advance(7_199);
    scene.order().await;
    assert!(!scene.standing().issued);
    scene.clock.advance(60);
    scene.order().await;

    assert!(
        problem.contains("too many certificates of late"),
        "{problem}"
    );
    assert!(problem.contains("rateLimited"), "{problem}");
    assert!(scene.standing().issued);
}

#[tokio::test]
async fn a_directory_that_is_down_is_tried_again() {
    let scene = Scene::new().await;
    scene.authority.fail(Fault::Down);

    scene.order().await;
    let problem = scene.standing().problem.unwrap();
    scene.clock.advance(144);
    scene.order().await;

    assert!(problem.contains("503 Service Unavailable"), "{problem}");
    assert!(scene.standing().issued, "{:?}", scene.standing());
}

#[tokio::test]
async fn a_certificate_for_somebody_else_is_not_taken() {
    let scene = Scene::issued().await;
    let old = next_presented(&scene.served, &scene.authority, None).await;
    scene.authority.fail(Fault::WrongName);
    scene.clock.advance(60 * DAY);

    scene.order().await;

    let problem = scene.standing().problem.unwrap();
    assert!(problem.contains("is not for tokens.test"), "{problem}");
    assert_eq!(scene.presented().await, Some(old));
}

/// The next order would be dated by the wrong clock: years ahead, long after the certificate is over.
#[tokio::test]
async fn no_certificate_is_ordered_or_removed_under_a_wrong_clock() {
    let scene = Scene::issued().await;
    let (app, due_at) = (&scene.served.test.app, scene.standing().due_at);

    scene.clock.set_ahead(3 * 365 * DAY);
    // By the time of Postgres none is due.
    let has_own_clock = app.store().has_own_clock();
    let renewed = app.acme().unwrap().renew_if_due().await;
    assert_eq!(renewed.is_ok(), has_own_clock, "{renewed:?}");
    assert!(app.acme().unwrap().renew(BY, false).await.is_err());
    assert!(app.acme().unwrap().prune().await.is_err());
    scene.clock.set_ahead(0);
    scene.order().await;

    assert_eq!(scene.authority.orders(), 1);
    assert_eq!(scene.standing().due_at, due_at);
    app.acme().unwrap().prune().await.unwrap();
}
