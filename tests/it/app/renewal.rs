//! A hash made with other parameters than today's is made anew on the next good login.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use token_server::app::NewClient;
use token_server::domain::{ClientId, ClientSecret};

use crate::harness::{Answer, CLIENT, TestApp, id};

async fn stored(test: &TestApp) -> ClientSecret {
    test.find_client(&id(CLIENT)).await.secrets.remove(0)
}

/// The renewal runs beside the answer; waits for it without a clock.
async fn renewed_from(test: &TestApp, old: &ClientSecret) -> ClientSecret {
    for _ in 0..10_000 {
        let now = stored(test).await;
        if now.secret_hash != old.secret_hash {
            return now;
        }
        tokio::task::yield_now().await;
    }
    panic!("the hash was not renewed");
}

#[tokio::test]
async fn a_good_login_renews_an_outdated_hash_and_a_bad_one_does_not() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let stronger = [("ARGON2_GENERATED", "m=64,t=1,p=1")];
    let later = TestApp::on(test.database.clone(), &stronger).await;
    let old = stored(&test).await;

    let mut wrong = secret.clone();
    wrong.replace_range(20..21, if &secret[20..21] == "a" { "b" } else { "a" });
    later
        .authorize(CLIENT, &wrong)
        .await
        .assert_error(401, "invalid_client");
    assert_eq!(stored(&later).await, old);

    assert_eq!(later.authorize(CLIENT, &secret).await.status, 200);
    let new = renewed_from(&later, &old).await;

    assert!(new.secret_hash.contains("m=64,"), "{}", new.secret_hash);
    assert_eq!(later.authorize(CLIENT, &secret).await.status, 200);
    assert_eq!(test.authorize(CLIENT, &secret).await.status, 200);
}

#[tokio::test]
async fn a_hash_of_today_is_left_alone() {
    let test = TestApp::new().await;
    let secret = test.client().await;
    let old = stored(&test).await;

    for _ in 0..3 {
        test.token(&secret).await;
        tokio::task::yield_now().await;
    }

    assert_eq!(stored(&test).await, old);
}

#[tokio::test]
async fn renewals_leave_the_queue_to_logins() {
    let test = TestApp::new().await;
    let mut clients = Vec::new();
    for n in 0..40 {
        let id = ClientId::parse(&format!("client-{n}")).unwrap();
        let new = NewClient {
            client_id: Some(id.clone()),
            ..NewClient::default()
        };
        clients.push((id, test.register(new).await));
    }
    // A renewal takes longer than a login.
    let settings = [
        ("ARGON2_GENERATED", "m=4096,t=2,p=1"),
        ("HASHING_QUEUE", "3"),
    ];
    let later = TestApp::on(test.database.clone(), &settings).await;

    let log_ins = stream::iter(&clients).map(|(id, secret)| later.authorize(id.as_str(), secret));
    let answers: Vec<Answer> = log_ins.buffer_unordered(2).collect().await;

    assert!(answers.iter().all(|it| it.status == 200));
    assert_eq!(later.app.metrics().lanes.map(|lane| lane.refused), [0; 4]);
    let is_renewed = async |id: &ClientId| {
        let record = later.app.clients.find(id).await.unwrap();
        record.secrets[0].secret_hash.contains("m=4096,")
    };
    for (id, _) in &clients {
        while !is_renewed(id).await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
