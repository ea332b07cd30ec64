//! Secrets in clear and as foreign hashes: each logs in as before, and its hash is renewed.

use serde_json::json;
use token_server::domain::ClientSecret;

use super::import;
use crate::harness::{TestApp, id};

/// The secret behind every hash of [`HASHES`].
pub(crate) const OLD_SECRET: &str = "an old secret: %+ü";

/// Hashes of [`OLD_SECRET`], made by others than the libraries that read them here.
pub(crate) const HASHES: [(&str, &str); 14] = [
    // argon2-cffi, the reference implementation.
    (
        "argon2id",
        "$argon2id$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Lq09lYUWAe14CuVAUKo5WP7M1NHfqXExslZLPP9ep6g",
    ),
    (
        "argon2i",
        "$argon2i$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Wce9YNkxHkgexY+KCUQ70vlxWEEwz/tzgKFGa3UmKKo",
    ),
    (
        "argon2d",
        "$argon2d$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$0g5DnObi4zmUBhDNIXIvXn00lhe97etQvWoq+mX91Fc",
    ),
    (
        "argon2i, version 1.0",
        "$argon2i$v=16$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$EK+aFnaCe8cyEE8Sq4J10AXLwKuZdNXmS3jaMGRuH0Y",
    ),
    // passlib, and the same from Python's hashlib (OpenSSL).
    (
        "scrypt",
        "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$LYxSASjpWvsgBcGW/17jsE7CUZ7K2uGwvSBEHJqY7Kg",
    ),
    // crypt(3) of libxcrypt, with the r=32 of its defaults.
    (
        "scrypt, crypt(5)",
        "$7$8U..../....Mq4YHD2syxYT.MsH1Ek0n1$B8SsoD1.eku45.qly3UcFPvAjB.z5ouQs6LcYregTh9",
    ),
    // Python's hashlib.
    (
        "PBKDF2-SHA-256, PHC",
        "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E",
    ),
    (
        "PBKDF2-SHA-512, PHC",
        "$pbkdf2-sha512$i=1000,l=64$AAECAwQFBgcICQoLDA0ODw$6sE+2RdqQw7JKm1m1LgiPUqfXskMSmFiXbHGZKK+L6vdMEIv8Zh9uuvdqN/Aff/8aAmnOOU4oJg+IgRRz5+qlw",
    ),
    // passlib.
    (
        "PBKDF2-SHA-256",
        "$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E",
    ),
    (
        "PBKDF2-SHA-512",
        "$pbkdf2-sha512$1000$AAECAwQFBgcICQoLDA0ODw$6sE.2RdqQw7JKm1m1LgiPUqfXskMSmFiXbHGZKK.L6vdMEIv8Zh9uuvdqN/Aff/8aAmnOOU4oJg.IgRRz5.qlw",
    ),
    // The Python package bcrypt, and crypt(3) of libxcrypt.
    (
        "bcrypt 2a",
        "$2a$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG",
    ),
    (
        "bcrypt 2b",
        "$2b$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG",
    ),
    (
        "bcrypt 2y",
        "$2y$04$Mq4YHD2syxYT.MsH1Ek0nukB0fiYW5yS.Q7KLo0sxSSKz9Y3tOGaW",
    ),
    // Today's form with today's work: there is nothing to renew.
    (
        "argon2id of today",
        "$argon2id$v=19$m=16,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$8bpqIWcWz59vWlJE3K6DhHNMoUs0keAjN0rUkB0RurU",
    ),
];

pub(super) async fn stored(test: &TestApp, client_id: &str) -> ClientSecret {
    test.find_client(&id(client_id)).await.secrets.remove(0)
}

/// The renewal runs beside the answer; waits for it without a clock.
pub(super) async fn renewed_from(test: &TestApp, client_id: &str, old: &str) -> String {
    for _ in 0..10_000 {
        let now = stored(test, client_id).await.secret_hash;
        if now != old {
            return now;
        }
        tokio::task::yield_now().await;
    }
    panic!("the hash of {client_id} was not renewed");
}

/// The harness's work for imported secrets.
pub(super) const OF_TODAY: &str = "$argon2id$v=19$m=16,t=1,p=1$";

#[tokio::test]
async fn every_foreign_hash_logs_in_with_its_old_secret_and_is_renewed() {
    let test = TestApp::new().await;
    let rows: Vec<_> = (0..)
        .zip(HASHES)
        .map(
            |(n, (_, hash)): (usize, _)| json!({"client_id": n.to_string(), "client_secret": hash}),
        )
        .collect();
    let report = import(&test, &json!(rows).to_string(), false).await;
    assert_eq!(report.imported, HASHES.len() as u64, "{report:?}");

    for (n, (kind, hash)) in HASHES.iter().enumerate() {
        let id = n.to_string();
        assert_eq!(stored(&test, &id).await.secret_hash, *hash);

        for wrong in ["an old secret: %+u", "", *hash] {
            let refused = test.authorize(&id, wrong).await;
            assert_ne!(refused.status, 200, "{kind}: {wrong}");
        }
        let answer = test.authorize(&id, OLD_SECRET).await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text());

        if hash.starts_with(OF_TODAY) {
            continue;
        }
        let new = renewed_from(&test, &id, hash).await;
        assert!(new.starts_with(OF_TODAY), "{kind}: {new}");
        assert_eq!(test.authorize(&id, OLD_SECRET).await.status, 200, "{kind}");
    }
}

#[tokio::test]
async fn a_hash_of_todays_work_is_left_as_it_came() {
    let test = TestApp::new().await;
    let (_, hash) = HASHES[HASHES.len() - 1];
    let row = json!({"client_id": "a", "client_secret_hash": hash});
    import(&test, &row.to_string(), false).await;

    assert_eq!(test.authorize("a", OLD_SECRET).await.status, 200);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }

    assert_eq!(stored(&test, "a").await.secret_hash, hash);
}

#[tokio::test]
async fn a_secret_in_clear_is_hashed_before_it_is_stored() {
    let test = TestApp::new().await;
    let row = json!({"client_id": "a", "client_secret": OLD_SECRET});

    import(&test, &row.to_string(), false).await;

    let secret = stored(&test, "a").await;
    assert!(secret.secret_hash.starts_with(OF_TODAY));
    assert_eq!((secret.hint.as_str(), secret.expires_at), ("", None));
    assert_eq!(test.authorize("a", OLD_SECRET).await.status, 200);
    assert_eq!(stored(&test, "a").await, secret);
}

#[tokio::test]
async fn a_short_secret_of_old_still_logs_in_where_the_setting_allows_it() {
    let test = TestApp::with(&[("MIN_SECRET_LENGTH", "8")]).await;

    let report = import(&test, "client_id,client_secret\na,00000012\n", false).await;

    assert_eq!(report.imported, 1);
    assert_eq!(test.authorize("a", "00000012").await.status, 200);
    assert_eq!(test.authorize("a", "12").await.status, 401);
}
