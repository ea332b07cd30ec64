//! Hashes as Spring Security, Django, Werkzeug, LDAP servers, ASP.NET Core Identity and passlib write them. Each was made by
//! that program (the forms of ASP.NET by its documented layout, with Python's hashlib).

use serde_json::json;

use super::hashes::{OF_TODAY, OLD_SECRET, renewed_from, stored};
use super::{client_ids, import};
use crate::harness::TestApp;

/// Hashes of [`OLD_SECRET`], and how the stored form begins.
const FORMS: [(&str, &str); 23] = [
    // Spring Security 7.0.
    (
        "{bcrypt}$2a$04$jUcCmPrnOXskQdvaYGZ0M.Bfa7yoQpfrFc7d0jwf6Y1DZ.kNFnSjC",
        "$2a$04$",
    ),
    (
        "{scrypt}$a0801$1jaWWBA1aBVP960qs8whIGHnsN0mEIQaBPA1dlmK0nVYiBbmNuoSdCKjr1hVKC2SiyJbDRIOo7NP2xcs2JF9Lw==$PhyXDYsK0Bnon9iUaNyd9V7MmaqJfF4Oy+fre/ejkmY=",
        "$scrypt$ln=10,r=8,p=1$",
    ),
    (
        "{scrypt@SpringSecurity_v5_8}$a0802$oXuLVAG9UYY3LhJhEdSi9w==$CobRswvNV3oGB4BNR0xhy8pU30EyaXvK/Q+rWmMLtrI=",
        "$scrypt$ln=10,r=8,p=2$",
    ),
    (
        "{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=64,t=2,p=1$ac7tDu6ZWDmPlJ8lXtLnFA$XvEvCnfUvH8S/Qt6Iitq1f4xM/ZG7czmE0VPxIRCuFY",
        "$argon2id$",
    ),
    // Django 5.2.
    (
        "pbkdf2_sha256$1000$aSaltOfDjango1234567xy$PPALgDv8wYISMS7EwPNcK2nPAoBjO42Kyr/AAN5QxkI=",
        "$pbkdf2-sha256$1000$",
    ),
    (
        "pbkdf2_sha1$1000$aSaltOfDjango1234567xy$QPGfVmvylGid8HK03dieeRRN73Q=",
        "$pbkdf2$1000$",
    ),
    (
        "argon2$argon2id$v=19$m=64,t=2,p=1$YVNhbHRPZkRqYW5nbzEyMzQ1Njd4eQ$6fCfQ5qK5MS8BYgWOhEAlFpf5r6NQANEwnhvPrFfhw0",
        "$argon2id$",
    ),
    (
        "bcrypt_sha256$$2b$04$Sxabh6EFxJgNU.WnYX3TgeglmgNqT6bR3.ZS9/4.eSfLMWEhgQV1a",
        "bcrypt_sha256$$2b$04$",
    ),
    (
        "bcrypt$$2b$04$bPAFMlJHfI6Z117yywT3tejc5OQvJ5K1RoagG5nd/gbzFn60.hGI2",
        "$2b$04$",
    ),
    (
        "scrypt$1024$aSaltOfDjango1234567xy$8$5$kWoKNbsntg2n1O4WjsoWvx6WYgl7pJqMnQMgSXt9i/esZmAFgQymUmBVDyht6XEAT4mFIxVT+sY/+dCGkDqBrg==",
        "$scrypt$ln=10,r=8,p=5$",
    ),
    // Werkzeug 3.1.
    (
        "pbkdf2:sha256:1000$dbcdKAtIYOjxZ1P1$388adbd7474ff5cf7a2a49f590cf943ad5b2fe7426f05cd6dd6a0c61bf2f46c7",
        "$pbkdf2-sha256$1000$",
    ),
    (
        "pbkdf2:sha1:1000$rYverCqqFQFNVxhs$de052371f888f32db5570c72001816bdac2a3430",
        "$pbkdf2$1000$",
    ),
    (
        "pbkdf2:sha512:1000$oAu0axZB2evvNu6a$35f083b59cf33d6bf8017d7344109c85431da07b9c1d7cf3cbc9fe3e4facff871b9c9e15864558aa95580586dc860ffd70fcf84884b5ff0939c8196d23f872c9",
        "$pbkdf2-sha512$1000$",
    ),
    (
        "scrypt:1024:8:1$rJsN2u9UVCOQm3k1$9097fe1833dfa967bf53def40d1cc04439c588ad60e6fb46b584acc19ec9ecfa77cba71fb3d8de243a57842e62f1a85adac97136fcb076e397fcc2d059fbd7f7",
        "$scrypt$ln=10,r=8,p=1$",
    ),
    // passlib 1.7.4, of its own and for LDAP.
    (
        "$pbkdf2$1000$M0ZojVFKSanVGsPYm7P2fg$YMdBp.iNAeqBqnv4JzeCBgmLPhU",
        "$pbkdf2$1000$",
    ),
    (
        "$bcrypt-sha256$v=2,t=2b,r=4$KTEcJUHXqREJn9tjC49Kde$DSOGfk1kZI9KnuGiVt5/IBcNNh7uVLy",
        "$bcrypt-sha256$v=2,",
    ),
    (
        "$bcrypt-sha256$2b,4$E7teBQuvN/0TZ2FQDW/Xxu$AlUTzHw8ODbraN4zcFbhkS2QDzCFx2K",
        "$bcrypt-sha256$2b,4$",
    ),
    (
        "{PBKDF2}1000$d44xRqh1jvGe0xqDMKaUUg$aHEBhO.u5j/N2PRJejgHUDyzOks",
        "$pbkdf2$1000$",
    ),
    (
        "{PBKDF2-SHA256}1000$C.E8JwSgdO7dG4NwTglBaA$b9AJfDvR4AxEZi0JOyDVliBlZds4B/EJy2UDnq5xuxI",
        "$pbkdf2-sha256$1000$",
    ),
    (
        "{CRYPT}$2b$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG",
        "$2b$04$",
    ),
    // ASP.NET Core Identity: version 2, and version 3 with SHA-256 and SHA-512.
    (
        "AAABAgMEBQYHCAkKCwwNDg/eCKi6cbJnjxZ7sswjbg502WveEz0pEu/eA4nGZMafWw==",
        "$pbkdf2$1000$",
    ),
    (
        "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg/XYEs7qv714yRcHG8r1VuQFw2zATCaaOVrjefcwUqxNQ==",
        "$pbkdf2-sha256$10000$",
    ),
    (
        "AQAAAAIAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg/qwT7ZF2pDDskqbWbUuCI9Sp9eyQxKYWJdscZkor4vqw==",
        "$pbkdf2-sha512$1000$",
    ),
];

fn rows(member: &str) -> String {
    let rows = FORMS.iter().enumerate();
    let rows: Vec<_> = rows
        .map(|(n, (hash, _))| json!({"client_id": n.to_string(), member: hash}))
        .collect();
    json!(rows).to_string()
}

#[tokio::test]
async fn the_hash_of_another_program_logs_in_with_the_old_secret_and_never_with_its_own_text() {
    for member in ["client_secret", "client_secret_hash"] {
        let test = TestApp::new().await;
        let report = import(&test, &rows(member), false).await;
        assert_eq!(report.imported, FORMS.len() as u64, "{report:?}");

        for (n, (text, begins)) in FORMS.iter().enumerate() {
            let id = n.to_string();
            let hash = stored(&test, &id).await.secret_hash;
            assert!(hash.starts_with(begins), "{text}: {hash}");

            for wrong in ["an old secret: %+u", *text, &hash] {
                assert_eq!(test.authorize(&id, wrong).await.status, 401, "{text}");
            }
            let answer = test.authorize(&id, OLD_SECRET).await;
            assert_eq!(answer.status, 200, "{text}: {}", answer.text());
            let new = renewed_from(&test, &id, &hash).await;
            assert!(new.starts_with(OF_TODAY), "{text}: {new}");
            assert_eq!(test.authorize(&id, OLD_SECRET).await.status, 200, "{text}");
        }
    }
}

#[tokio::test]
async fn a_hash_of_another_program_comes_back_from_our_export() {
    let from = TestApp::new().await;
    import(&from, &rows("client_secret"), false).await;

    let to = TestApp::new().await;
    let report = import(&to, &from.export().await, false).await;

    assert_eq!(report.imported, FORMS.len() as u64, "{report:?}");
    for id in client_ids(&to).await {
        assert_eq!(stored(&to, &id).await, stored(&from, &id).await);
        assert_eq!(to.authorize(&id, OLD_SECRET).await.status, 200);
    }
}

/// bcrypt of 72 times `z`, which is that of every longer secret that begins so.
const OF_LONG: &str = "$2b$04$xK/W7usGq/8YvxFmfNlh3.shkyO53gYWIjvBNauzxLi1T67yb2Lfa";

#[tokio::test]
async fn a_secret_of_72_bytes_or_more_logs_in_as_bcrypt_reads_it_and_locks_no_other_out() {
    let test = TestApp::new().await;
    let row = json!({"client_id": "a", "client_secret": OF_LONG});
    import(&test, &row.to_string(), false).await;
    let whole = "z".repeat(100);

    for presented in ["z".repeat(73) + "other", "z".repeat(72), whole.clone()] {
        assert_eq!(test.authorize("a", &presented).await.status, 200);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(stored(&test, "a").await.secret_hash, OF_LONG);
        // In memory it is that secret and no other: another one is hashed.
        assert_eq!(test.authorize("a", &"z".repeat(71)).await.status, 401);
        assert_eq!(test.authorize("a", &whole).await.status, 200);
    }
}

#[tokio::test]
async fn a_secret_of_fewer_than_72_bytes_is_renewed_from_bcrypt() {
    // bcrypt of 71 times `z`, made by the Python package bcrypt.
    const OF_71: &str = "$2b$04$hZHXEkJedZZpolD2.wmP2.lMT4l8SZyfV6CspJvemBucO60VeBxGu";
    let test = TestApp::new().await;
    let row = json!({"client_id": "a", "client_secret": OF_71});
    import(&test, &row.to_string(), false).await;

    assert_eq!(test.authorize("a", &"z".repeat(71)).await.status, 200);

    let new = renewed_from(&test, "a", OF_71).await;
    assert!(new.starts_with(OF_TODAY), "{new}");
    assert_eq!(test.authorize("a", &"z".repeat(72)).await.status, 401);
}

/// Django makes a digest of the secret first, so that no byte of it is lost.
#[tokio::test]
async fn every_byte_of_a_long_secret_counts_with_djangos_bcrypt_sha256() {
    let test = TestApp::new().await;
    // Of 100 times `y`.
    let hash = "bcrypt_sha256$$2b$04$CMVnLifD0smYmAmkUvig3.nOM5e12hB.AGiJl6w/zDwTDiOIhK6hm";
    let row = json!({"client_id": "a", "client_secret": hash});
    import(&test, &row.to_string(), false).await;

    assert_eq!(test.authorize("a", &"y".repeat(99)).await.status, 401);
    assert_eq!(test.authorize("a", &"y".repeat(100)).await.status, 200);

    renewed_from(&test, "a", hash).await;
    assert_eq!(test.authorize("a", &"y".repeat(100)).await.status, 200);
}

/// bcrypt repeats a secret behind its NUL, and HMAC (in PBKDF2 and scrypt) fills a short one up with NULs: the hash cannot
/// tell those texts from the secret.
#[test]
fn a_text_with_a_nul_is_not_the_secret_of_a_foreign_hash() {
    use token_server::app::{Memory, SecretHash};
    use token_server::base::secret::Secret;

    let mut memory = Memory::default();
    for hash in [
        "$2b$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG",
        "$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E",
        "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$LYxSASjpWvsgBcGW/17jsE7CUZ7K2uGwvSBEHJqY7Kg",
        "$7$8U..../....Mq4YHD2syxYT.MsH1Ek0n1$B8SsoD1.eku45.qly3UcFPvAjB.z5ouQs6LcYregTh9",
    ] {
        let parsed = SecretHash::parse(hash).unwrap();
        let mut verify = |plain: &str| parsed.verify(&Secret::from(plain), &mut memory);
        assert!(verify(OLD_SECRET), "{hash}");
        for nul in [
            format!("{OLD_SECRET}\0"),
            format!("{OLD_SECRET}\0{OLD_SECRET}"),
        ] {
            assert!(!verify(&nul), "{hash}");
        }
    }
}
