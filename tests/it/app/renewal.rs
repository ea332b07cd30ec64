//! A hash made with other parameters than today's is made anew on the next good login.

use token_server::domain::{ClientId, ClientSecret};

use crate::harness::{CLIENT, TestApp};

async fn stored(test: &TestApp) -> ClientSecret {
    let id = ClientId::parse(CLIENT).unwrap();
    test.app.clients.find(&id).await.unwrap().secrets.remove(0)
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
