//! What a text in the field of a secret is taken for: a plain secret is only what cannot be anything else.

use serde_json::json;
use token_server::app::clients::transfer::import::{
    FileSecrets, ImportLine, ImportOptions, Narrowing,
};

use super::{client_ids, import_with};
use crate::harness::TestApp;

const VOUCHED: ImportOptions = ImportOptions {
    secrets: FileSecrets {
        plain: true,
        generated: false,
    },
    ..CAREFUL
};

const CAREFUL: ImportOptions = ImportOptions {
    on_conflict: token_server::app::clients::transfer::import::OnConflict::Skip,
    keep_going: true,
    dry_run: false,
    max_plain: None,
    secrets: FileSecrets::NONE,
    narrowing: Narrowing::NONE,
};

/// Imports a row for each text; the row of each.
async fn import_texts(
    test: &TestApp,
    member: &str,
    texts: &[&str],
    options: ImportOptions,
) -> Vec<ImportLine> {
    let rows = texts.iter().enumerate();
    let rows = rows.map(|(n, text)| json!({"client_id": n.to_string(), member: text}).to_string());
    let file: Vec<String> = rows.collect();
    let (_, lines) = import_with(test, &file.join("\n"), options).await;
    assert_eq!(lines.len(), texts.len());
    lines
}

/// Each with what the reason has to name.
const REFUSED: [(&str, &str); 55] = [
    ("{noop}an old secret", "`{noop}`: if it is a plain secret"),
    ("{SSHA}1unCV8jmKSJdHMYA8qyXHj3qcnFrba31", "`{SSHA}`"),
    ("{ssha}1unCV8jmKSJdHMYA8qyXHj3qcnFrba31", "`{ssha}`"),
    (
        "{ldap}{SSHA}MBTh2uOkXGFdavKdFdvUPmMVXzpMubCDHShR6A==",
        "`{ldap}`",
    ),
    ("{SHA}YONF/p43V+KPsF5OtnQfm9Lovhk=", "`{SHA}`"),
    ("{MD5}7iVc02NWwEqaGTnQCr44eg==", "`{MD5}`"),
    ("{SMD5}NHXw+txuwS8nRB6rtQ2Vi5lzrrU=", "`{SMD5}`"),
    (
        "{SSHA512}j8qP5OFsIxJZB+LUjQQ06EOQPQhLQdGUFx6zrw1pZMvgr90s",
        "`{SSHA512}`",
    ),
    (
        "{SHA-256}{YG+5m6Mz17fne6KE7kSoKUcWbuceG+UHTXPyh01COa4=}dbd7",
        "`{SHA-256}`",
    ),
    (
        "{CRYPT}$6$rounds=656000$7lJf2twMSrw0YQh3$/.1.Zqj4IhciNhR",
        "`{CRYPT}`",
    ),
    ("{bcrypt}no bcrypt hash", "`{bcrypt}`"),
    ("{bcrypt@an odd suffix}no bcrypt hash", "`{bcrypt}`"),
    ("{scrypt}$e0801$!$!", "`{scrypt}`"),
    (
        "{pbkdf2@SpringSecurity_v5_8}fb67e4907b939646a5e00d44eef16ee62a970da6b8e3573cff5de44a13adeebfd123f601",
        "`{pbkdf2}`: the hash does not contain its rounds and its digest",
    ),
    (
        "{FSHP1|16|480000}e+89J4SQ8n7vPQfgnLOWcjHWCQddkDEHXXJKwozo",
        "scheme in braces",
    ),
    (
        "{\"algorithm\":\"argon2\",\"hash\":\"abcdef\"}",
        "scheme in braces",
    ),
    (
        "sha256$salt$4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865",
        "`sha256`",
    ),
    ("md5$salt$afafe4295620febf63d52902549e447b", "`md5`"),
    ("md5:afafe4295620febf63d52902549e447b", "`md5`"),
    ("SHA1:de052371f888f32db5570c72001816bdac2a3430", "`sha1`"),
    (
        "sha-256=388adbd7474ff5cf7a2a49f590cf943ad5b2fe7426f05cd6dd6a0c61bf2f46c7",
        "`sha-256`",
    ),
    ("md5e979db2645c9b3b48a0b0d728322579c", "`md5` and a digest"),
    ("PBKDF2$sha512$100000$c2FsdA==$aGFzaA==", "`pbkdf2`"),
    ("pbkdf2:sha256$salt$hash of old Werkzeug", "`pbkdf2`"),
    (
        "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy",
        "`scram-sha-`",
    ),
    ("$1$.T.k6i5q$BWuM5XJ89xmb5Ntsbyh2h.", "`$1$` (MD5 crypt)"),
    (
        "$5$rounds=535000$ytCg5rvAcPaDDkBT$rTgKHWapNNgyvMLvoW.tAd3",
        "`$5$` (SHA-256 crypt)",
    ),
    (
        "$6$7lJf2twMSrw0YQh3$/.1.Zqj4IhciNhRVPKjyK8pjD8BA4t9MlT8iGZ",
        "`$6$` (SHA-512 crypt)",
    ),
    (
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9",
        "`$y$` (yescrypt)",
    ),
    (
        "$apr1$IeG4/NqT$wasFppEFZWYDW1Yh./5Dc.",
        "`$apr1$` (Apache MD5)",
    ),
    ("$P$Hx1HpLBGPZrhjdI2DZEMcMUzbGaeBZ1", "`$P$` (phpass)"),
    (
        "$md5,rounds=34000$3vgPqdnp$$fBm9dQd0PdwXyFHo74wdq.",
        "`$md5$` (Sun MD5 crypt)",
    ),
    (
        "$sha1$480000$z5v7EjrI$suwcjbsBRJ9Vpwr5FmSOust0Xm4w",
        "`$sha1$` (NetBSD",
    ),
    (
        "$shiro1$SHA-256$500000$c2FsdA==$aGFzaA==",
        "begins like a hash",
    ),
    ("$ECRET$ of somebody", "begins like a hash"),
    (
        "grub.pbkdf2.sha512.25000.F31E03608C112224.86CC6725179795B4",
        "`grub.pbkdf2`",
    ),
    ("*6B4C1021FEB764542136A252FD50BEFE9EBF0349", "MySQL"),
    (
        "!$6$7lJf2twMSrw0YQh3$/.1.Zqj4IhciNhRVPKjyK8pjD8BA4t9MlT8",
        "locked account",
    ),
    (
        "!Xq3TdUWbhGbQzr1k4BzAgt3NTLPaNnmwmoEkYNfO",
        "locked account",
    ),
    ("AQAAAAIAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg", "`AQAAAA`"),
    ("${MY_CLIENT_SECRET}", "placeholder `${...}`"),
    ("${vault.my-client-secret}", "placeholder `${...}`"),
    ("$(env:MY_CLIENT_SECRET)", "placeholder `$(...)`"),
    ("{{ my_client_secret }}", "placeholder `{{...}}`"),
    ("%MY_CLIENT_SECRET%", "placeholder `%...%`"),
    ("<your client secret>", "placeholder `<...>`"),
    ("op://vault/billing/secret", "`op://`"),
    ("NULL", "`null` is not a secret"),
    ("null", "`null` is not a secret"),
    ("\\N", "`\\n` is not a secret"),
    ("None", "`none` is not a secret"),
    ("1.23457E+15", "spreadsheets"),
    ("1,23457E+15", "spreadsheets"),
    ("123457E+15", "spreadsheets"),
    ("******************", "one repeated character"),
];

/// Damage that people do not see.
const UNSEEN: [&str; 11] = [
    " the secret behind a space",
    "the secret before a space ",
    "\tthe secret behind a tab",
    "the secret before a line end\n",
    "the secret\u{a0}with a no-break space",
    "\u{feff}the secret behind a mark",
    "the secret\u{200b}with nothing in it",
    "the secret before a mark\u{200e}",
    "the secret\u{ad}with a soft hyphen",
    "the secret with a lost \u{fffd}",
    "the secret\u{7}with a bell",
];

#[tokio::test]
async fn what_is_no_plain_secret_is_refused_with_its_row_and_by_its_name() {
    let test = TestApp::new().await;
    let texts: Vec<&str> = REFUSED.iter().map(|(text, _)| *text).collect();
    // Vouched for or not.
    for options in [CAREFUL, VOUCHED] {
        let lines = import_texts(&test, "client_secret", &texts, options).await;
        for (n, (line, (text, named))) in lines.iter().zip(REFUSED).enumerate() {
            assert!(line.is_bad(), "{text}: {line:?}");
            assert_eq!(line.line, n as u64 + 1);
            assert_eq!(line.client_id, Some(n.to_string()));
            let reason = line.reason.as_deref().unwrap();
            assert!(
                reason.starts_with("client_secret: ") && reason.contains(named),
                "{text}: {reason}"
            );
        }
    }
    assert!(client_ids(&test).await.is_empty());
}

#[tokio::test]
async fn white_space_and_unseen_characters_are_refused_with_their_row() {
    let test = TestApp::new().await;
    for member in ["client_secret", "client_secret_hash"] {
        for (text, line) in UNSEEN
            .iter()
            .zip(import_texts(&test, member, &UNSEEN, VOUCHED).await)
        {
            let reason = line.reason.as_deref().unwrap_or_default();
            assert!(
                reason.contains("white space") || reason.contains("invisible"),
                "{text:?}: {line:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_reason_never_repeats_the_text() {
    let test = TestApp::new().await;
    let texts: Vec<&str> = REFUSED.iter().map(|(text, _)| *text).collect();
    for member in ["client_secret", "client_secret_hash"] {
        let refused = import_texts(&test, member, &texts, CAREFUL).await;
        for (text, line) in texts.iter().zip(refused) {
            let reason = line.reason.as_deref().unwrap();
            // The end of it, which no prefix has.
            let end = &text[text.len().saturating_sub(12)..];
            assert!(end.len() < 12 || !reason.contains(end), "{text}: {reason}");
        }
    }
}

/// A digest of each length, in hex and in base64, and digests beside other fields.
const DOUBTFUL: [&str; 16] = [
    "9e7cf5d23a0123baffae99f47a6f30a0",
    "9E7CF5D23A0123BAFFAE99F47A6F30A0",
    "de052371f888f32db5570c72001816bdac2a3430",
    "388adbd7474ff5cf7a2a49f590cf943ad5b2fe7426f05cd6dd6a0c61bf2f46c7",
    "AAECAwQFBgcICQoLDA0ODw==",
    "AAECAwQFBgcICQoLDA0ODw",
    "YONF/p43V+KPsF5OtnQfm9Lovhk=",
    "b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E",
    "b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E=",
    "b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN-_E",
    "b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11Eb86LwPmSGbcehKTNLkxCR",
    "kWoKNbsntg2n1O4WjsoWvx6WYgl7pJqMnQMgSXt9i/esZmAFgQymUmBVDyht6XEAT4mFIxVT+sY/+dCGkDqBrg==",
    "salt:9e7cf5d23a0123baffae99f47a6f30a0",
    "custom$salt$b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E=",
    "0x01002FA594D247B60E46E4A833C357608B2A7E786B163EA7E487",
    "_7C/.JkMO7XeojU7pORM",
];

#[tokio::test]
async fn what_has_the_length_of_a_digest_is_a_plain_secret_only_when_the_operator_says_so() {
    let test = TestApp::new().await;

    let refused = import_texts(&test, "client_secret", &DOUBTFUL, CAREFUL).await;
    for (text, line) in DOUBTFUL.iter().zip(&refused) {
        let reason = line
            .reason
            .as_deref()
            .unwrap_or_else(|| panic!("{text}: {line:?}"));
        assert!(reason.contains("--secrets plain"), "{text}: {reason}");
    }
    assert!(client_ids(&test).await.is_empty());

    for line in import_texts(&test, "client_secret", &DOUBTFUL, VOUCHED).await {
        assert_eq!(line.outcome.as_str(), "created", "{line:?}");
    }
    for (n, text) in DOUBTFUL.iter().enumerate() {
        let answer = test.authorize(&n.to_string(), text).await;
        assert_eq!(answer.status, 200, "{text}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_field_of_hashes_takes_no_plain_secret_whatever_the_operator_says() {
    let test = TestApp::new().await;
    let mut texts = vec!["a plain secret of somebody"];
    texts.extend(DOUBTFUL);
    for options in [CAREFUL, VOUCHED] {
        for line in import_texts(&test, "client_secret_hash", &texts, options).await {
            let reason = line.reason.as_deref().unwrap_or_default();
            assert!(reason.starts_with("client_secret_hash: "), "{line:?}");
        }
    }
}

#[tokio::test]
async fn secrets_as_they_are_made_elsewhere_are_plain_ones() {
    let test = TestApp::new().await;
    let texts = [
        // Keycloak, Hydra, Entra ID, Auth0, a UUID, AWS Cognito, words.
        "JWSSaqXk2vCm0kYwVnI9N1tqvQm7dC3B",
        "kjirPsUee1w9UN2J2pwQrDxcZV5sNhDdUuc0kSGKldjKx1Qem1HdJwy4Mz4GL4QRkE78KOBHT0jKzJ1ww8OxB7",
        "F7STPC-QnIBQl264CY29qdH66k",
        "Xyz8Q~kT3.bQ9sVw0aHcJmRfLpNdEuGiYoZx1b2C",
        "q9-ZkT3bQ9sVw0aHcJmRfLpNdEuGiYoZx1b2CkT3bQ9sVw0aHcJmRfLpNdEuGiYo_",
        "5f3c2a10-8d1e-4b7a-9c55-0d6e1f2a3b4c",
        "1gq7mmkv8r0t5n2b6c4d9e3f1a5s7j8k0l2h4g6p9q1w3e5r7t9",
        "correct horse battery staple",
        "p@ss:w%rd+/ =\u{e9}\u{20ac}&?# and more",
    ];
    for line in import_texts(&test, "client_secret", &texts, CAREFUL).await {
        assert_eq!(line.outcome.as_str(), "created", "{line:?}");
    }
    for (n, text) in texts.iter().enumerate() {
        assert_eq!(test.authorize(&n.to_string(), text).await.status, 200);
    }
}

#[tokio::test]
async fn every_format_judges_a_secret_alike() {
    let hydra = |text: &str| json!({"client_id": "a", "grant_types": ["client_credentials"], "client_secret": text});
    let keycloak = |text: &str| json!({"clientId": "a", "protocol": "openid-connect", "serviceAccountsEnabled": true, "secret": text});
    let table = |text: &str| json!({"client_id": "a", "client_secret": text});
    for text in [
        "{SSHA}1unCV8jmKSJdHMYA8qyXHj3qcnFrba31",
        "sha256$salt$388adbd7474ff5cf7a2a49f590cf943ad5b2fe7426f05cd6dd6a0c61bf2f46c7",
        "9e7cf5d23a0123baffae99f47a6f30a0",
        "${vault.secret-of-billing}",
        "the secret before a space ",
        "NULL",
        "15 characters..",
    ] {
        let csv = format!("client_id,client_secret\na,\"{text}\"\n");
        let mut reasons = Vec::new();
        for file in [
            hydra(text).to_string(),
            keycloak(text).to_string(),
            table(text).to_string(),
            csv,
        ] {
            let test = TestApp::new().await;
            let (_, lines) = import_with(&test, &file, CAREFUL).await;
            let reason = lines[0]
                .reason
                .as_deref()
                .unwrap_or_else(|| panic!("{file}"));
            let (_, why) = reason.split_once(": ").unwrap();
            reasons.push(why.to_owned());
            assert!(client_ids(&test).await.is_empty());
        }
        assert!(
            reasons.windows(2).all(|two| two[0] == two[1]),
            "{reasons:?}"
        );
    }
}

#[tokio::test]
async fn a_list_of_words_is_no_secret() {
    let test = TestApp::new().await;
    let row = json!({"client_id": "a", "client_secret": ["two words", "of more than 16"]});
    let (_, lines) = import_with(&test, &row.to_string(), CAREFUL).await;
    assert!(lines[0].reason.as_deref().unwrap().contains("is a list"));
}

#[tokio::test]
async fn a_plain_secret_has_the_fewest_characters_that_the_setting_says() {
    let (short, long) = ("\u{fc}".repeat(15), "\u{fc}".repeat(14) + "ab");
    let test = TestApp::new().await;
    let lines = import_texts(&test, "client_secret", &["0123456789abcde", &long], CAREFUL).await;
    let reason = lines[0].reason.as_deref().unwrap();
    assert!(
        reason.contains("15 characters") && reason.contains("MIN_SECRET_LENGTH (16)"),
        "{reason}"
    );
    assert_eq!(lines[1].outcome.as_str(), "created");

    let test = TestApp::with(&[("MIN_SECRET_LENGTH", "17")]).await;
    for line in import_texts(&test, "client_secret", &[&short, &long], CAREFUL).await {
        assert!(line.is_bad(), "{line:?}");
    }
}
