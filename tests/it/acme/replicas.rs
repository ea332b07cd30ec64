//! Several replicas on one database: one orders, any of them is what the authority finds, all present what comes.

use std::sync::Arc;
use std::time::Duration;

use token_server::app::background::follow_changes;

use super::{DAY, Scene, metric, next_presented, order};
use crate::harness::Served;

/// Follows what others change, as the service does.
fn follow(served: &Served) {
    let (app, stop) = (Arc::clone(&served.test.app), served.stop.clone());
    tokio::spawn(follow_changes(app, Duration::from_millis(100), stop));
}

#[tokio::test]
async fn an_order_of_one_replica_is_validated_at_another_and_both_present_what_comes() {
    let scene = Scene::new().await;
    let other = scene.replica(&[]).await;
    scene.authority.lead_names_to(other.address);
    for served in [&scene.served, &other] {
        follow(served);
        served.test.app.replication.say_alive().await.unwrap();
    }

    scene.order().await;

    assert!(scene.standing().issued, "{:?}", scene.standing());
    let validations = r#"acme_validations_total{listener="main"}"#;
    assert_eq!(metric(&scene.served, validations).await, Some(0));
    assert_eq!(metric(&other, validations).await, Some(1));
    let here = next_presented(&scene.served, &scene.authority, None).await;
    let there = next_presented(&other, &scene.authority, None).await;
    assert_eq!(here, there);
}

#[tokio::test]
async fn of_two_that_find_it_due_one_orders() {
    let scene = Scene::issued().await;
    let other = scene.replica(&[]).await;
    scene.clock.advance(60 * DAY);

    tokio::join!(order(&scene.served), order(&other));

    assert_eq!(scene.authority.orders(), 2);
}

/// Another replica, after this one has begun an order that never ends.
async fn replica_in_the_middle_of_an_order(scene: &Scene) -> Served {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    scene.authority.lead_names_to(silent.local_addr().unwrap());
    let begun = async {
        let _connection = silent.accept().await.unwrap();
    };
    tokio::select! {
        () = begun => {}
        () = scene.order() => panic!("it ended"),
    }
    let other = scene.replica(&[]).await;
    scene.authority.lead_names_to(other.address);
    other
}

#[tokio::test]
async fn one_that_stops_in_the_middle_is_waited_for_until_its_lease_is_over() {
    let scene = Scene::new().await;
    let other = replica_in_the_middle_of_an_order(&scene).await;

    scene.clock.advance(599);
    order(&other).await;
    assert_eq!(scene.authority.orders(), 1);
    scene.clock.advance(1);
    order(&other).await;

    assert_eq!(scene.authority.orders(), 2);
    next_presented(&other, &scene.authority, None).await;
}

#[tokio::test]
async fn one_that_is_told_to_stop_lets_others_order_at_once() {
    let scene = Scene::new().await;
    let other = replica_in_the_middle_of_an_order(&scene).await;

    scene
        .served
        .test
        .app
        .acme()
        .unwrap()
        .give_up_order()
        .await
        .unwrap();
    order(&other).await;

    next_presented(&other, &scene.authority, None).await;
}
