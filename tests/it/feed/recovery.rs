//! A Postgres that goes, freezes and comes back, over a real connection.

use std::sync::Arc;
use std::time::Duration;

use token_server::app::{Degradation, Readiness, background};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{scope, set_scope};
use crate::harness::{CLIENT, Database, LONG, TestApp, Wire, until};

/// A replica that follows the changes over a wire, and one beside it that has its own way to the database.
struct Scene {
    wire: Wire,
    test: TestApp,
    beside: TestApp,
    secret: String,
    stop: CancellationToken,
}

impl Scene {
    /// `None` where there is no wire to cut.
    async fn set() -> Option<Self> {
        let database = Database::fresh().await;
        let wire = Wire::to(&database).await?;
        let beside = TestApp::on(database, &[]).await;
        let secret = beside.client().await;
        let short = [
            ("DATABASE_ACQUIRE_TIMEOUT", "1s"),
            ("DATABASE_STATEMENT_TIMEOUT", "1s"),
        ];
        let test = TestApp::on(wire.database.clone(), &short).await;
        test.token(&secret).await;
        let stop = CancellationToken::new();
        let app = Arc::clone(&test.app);
        tokio::spawn(background::follow_changes(
            app,
            Duration::from_millis(20),
            stop.clone(),
        ));
        Some(Self {
            wire,
            test,
            beside,
            secret,
            stop,
        })
    }

    async fn is(&self, expected: Readiness) {
        let is = async || self.test.app.core.readiness() == expected;
        until(expected.as_str(), is).await;
    }

    /// Known clients and tokens go on, and others are refused, at once.
    async fn serves_from_memory(&self) {
        let token = self.test.token(&self.secret).await;
        assert_eq!(self.test.verify(&token).await.status, 200);
        self.test
            .authorize("nobody", "guess")
            .await
            .assert_error(503, "temporarily_unavailable");
    }

    /// The wire is whole again: what was changed meanwhile is known, and everybody is served.
    async fn recovers(self) {
        self.wire.mend();
        self.is(Readiness::Ready).await;
        let knows = async || scope(&self.test, &self.secret).await == "other";
        until("it knows what was changed meanwhile", knows).await;
        let answers = async || self.test.authorize("nobody", "guess").await.status == 401;
        until("it judges unknown clients again", answers).await;
        self.stop.cancel();
    }
}

#[tokio::test]
async fn a_database_that_goes_and_comes_back() {
    let Some(scene) = Scene::set().await else {
        return;
    };

    scene.wire.cut();
    scene
        .is(Readiness::Degraded(Degradation::Unreachable))
        .await;
    scene.serves_from_memory().await;
    set_scope(&scene.beside, "other").await;
    assert_eq!(scope(&scene.test, &scene.secret).await, "read write");

    scene.recovers().await;
}

#[tokio::test]
async fn a_database_that_freezes_and_thaws() {
    let Some(scene) = Scene::set().await else {
        return;
    };

    scene.wire.freeze();
    // Asked before anybody has noticed: it may wait, but not for ever.
    let early = timeout(LONG, scene.test.authorize("nobody", "guess")).await;
    early.unwrap().assert_error(503, "temporarily_unavailable");
    scene
        .is(Readiness::Degraded(Degradation::Unreachable))
        .await;
    scene.serves_from_memory().await;
    set_scope(&scene.beside, "other").await;

    scene.recovers().await;
}

#[tokio::test]
async fn a_revocation_over_a_frozen_connection_is_not_acknowledged() {
    let Some(scene) = Scene::set().await else {
        return;
    };
    let token = scene.test.token(&scene.secret).await;

    scene.wire.freeze();
    let userinfo = format!("{CLIENT}:{}", scene.secret);
    let params = [("token", token.as_str())];
    let asked = scene.test.post_basic("/revoke", &userinfo, &params);
    let answer = timeout(LONG, asked).await.unwrap();

    answer.assert_error(503, "temporarily_unavailable");
    scene.stop.cancel();
}
