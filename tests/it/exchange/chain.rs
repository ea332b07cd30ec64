//! A chain of calls ends as one, on every replica: with any of its tokens, and with any of its clients.

use token_server::domain::{ClientStatus, ExpectedVersion};

use super::{ORDERS, SHOP, STOCK, Scene};
use crate::harness::{BY, TestApp, id};

/// Two replicas, and two chains of one app each.
struct Replicas {
    scene: Scene,
    other: TestApp,
    /// Of the app `app`: its token, the shop's, and that of orders.
    chain: [String; 3],
    /// Of `other-app`, and the tokens of services for themselves.
    rest: Vec<String>,
}

impl Replicas {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let other = scene.test.replica().await;
        let chain = scene.chain().await;
        let first = scene.token("other-app", "").await;
        let second = scene.exchanged("shop", &first, ORDERS).await;
        let third = scene.exchanged("orders", &second, STOCK).await;
        let rest = vec![first, second, third, scene.token("app", SHOP).await];
        Self {
            scene,
            other,
            chain,
            rest,
        }
    }

    async fn read(&self) {
        for test in [&self.scene.test, &self.other] {
            test.read_changes().await;
        }
    }

    /// Asserts that these are refused on both replicas, and those are not.
    async fn assert_ended(&self, ended: &[&String], good: &[&String]) {
        self.read().await;
        for test in [&self.scene.test, &self.other] {
            for token in ended {
                test.verify(token).await.assert_error(401, "invalid_token");
            }
            for token in good {
                let answer = test.verify(token).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn the_revocation_of_the_first_token_ends_all_that_came_of_it_and_nothing_else() {
    let replicas = Replicas::new().await;
    let Replicas {
        scene, chain, rest, ..
    } = &replicas;

    scene.test.app.tokens.revoke(BY, &chain[0]).await.unwrap();

    let rest: Vec<&String> = rest.iter().collect();
    let chain: Vec<&String> = chain.iter().collect();
    replicas.assert_ended(&chain, &rest).await;
}

#[tokio::test]
async fn the_revocation_of_a_token_in_the_middle_leaves_the_ones_before_it() {
    let replicas = Replicas::new().await;
    let Replicas {
        scene, chain, rest, ..
    } = &replicas;
    let sibling = scene.exchanged("shop", &chain[0], ORDERS).await;

    // As its own client does it.
    let userinfo = scene.userinfo("shop");
    let form = [("token", &*chain[1])];
    let answer = scene.test.post_basic("/revoke", &userinfo, &form).await;
    assert_eq!(answer.status, 200);

    let mut good: Vec<&String> = rest.iter().collect();
    good.extend([&chain[0], &sibling]);
    replicas.assert_ended(&[&chain[1], &chain[2]], &good).await;
}

#[tokio::test]
async fn a_disabled_service_in_the_middle_ends_its_tokens_and_what_came_of_them() {
    let replicas = Replicas::new().await;
    let Replicas {
        scene, chain, rest, ..
    } = &replicas;
    let direct = scene.token("app", STOCK).await;

    let off = ClientStatus::Disabled;
    let clients = &scene.test.app.clients;
    clients.set_status(BY, &id("shop"), off).await.unwrap();

    replicas
        .assert_ended(
            &[&chain[1], &chain[2], &rest[1], &rest[2]],
            &[&chain[0], &rest[0], &rest[3], &direct],
        )
        .await;
}

#[tokio::test]
async fn a_deleted_client_at_the_end_ends_its_own_tokens_only() {
    let replicas = Replicas::new().await;
    let Replicas {
        scene, chain, rest, ..
    } = &replicas;

    let clients = &scene.test.app.clients;
    let any = ExpectedVersion::Any;
    clients.delete(BY, &id("orders"), &any).await.unwrap();

    replicas
        .assert_ended(
            &[&chain[2], &rest[2]],
            &[&chain[0], &chain[1], &rest[0], &rest[1], &rest[3]],
        )
        .await;
}

/// The other replica goes on exchanging tokens that are revoked already. What it gives ends with them.
#[tokio::test]
async fn what_a_replica_exchanges_before_it_has_heard_of_a_revocation_ends_once_it_has() {
    let replicas = Replicas::new().await;
    let Replicas {
        scene,
        other,
        chain,
        rest,
    } = &replicas;
    let exchange_there = async |requester: &str, token: &str, target: &str| {
        let params = [
            ("grant_type", super::GRANT),
            ("subject_token", token),
            ("subject_token_type", super::ACCESS_TOKEN),
            ("audience", target),
        ];
        let userinfo = scene.userinfo(requester);
        other.post_basic("/token", &userinfo, &params).await
    };

    let revoked = scene.test.app.tokens.revoke_client(BY, &id("app")).await;
    revoked.unwrap();
    let late = exchange_there("shop", &chain[0], ORDERS)
        .await
        .access_token();
    let later = exchange_there("orders", &late, STOCK).await.access_token();
    assert_eq!(other.verify(&later).await.status, 200);
    // The replica that knows it refuses what the other one gives already.
    for token in [&late, &later] {
        let answer = scene.test.verify(token).await;
        answer.assert_error(401, "invalid_token");
    }

    let mut ended: Vec<&String> = chain.iter().collect();
    ended.extend([&late, &later, &rest[3]]);
    replicas
        .assert_ended(&ended, &[&rest[0], &rest[1], &rest[2]])
        .await;
    let refused = exchange_there("shop", &chain[0], ORDERS).await;
    refused.assert_error(400, "invalid_request");
}

/// The cache of verified tokens judges nothing that can change.
#[tokio::test]
async fn a_token_that_was_verified_before_is_judged_by_its_roots_again() {
    let scene = Scene::new().await;
    let chain = scene.chain().await;
    for _ in 0..2 {
        assert_eq!(scene.test.verify(&chain[2]).await.status, 200);
    }

    let revoked = scene.test.app.tokens.revoke_client(BY, &id("app")).await;
    revoked.unwrap();

    let answer = scene.test.verify(&chain[2]).await;
    answer.assert_error(401, "invalid_token");
}
