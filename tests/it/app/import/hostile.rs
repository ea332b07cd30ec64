//! Hashes and files that somebody made to do harm, or that got damaged: refused at the import, so that no
//! login is the first to find out.

use proptest::prelude::*;
use serde_json::json;
use token_server::app::SecretHash;
use token_server::app::clients::transfer::import::{ImportFile, ImportedSecret};

use super::RULES;

const SALT: &str = "AAECAwQFBgcICQoLDA0ODw";
const OUT: &str = "b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E";
const CRYPT: &str = "Mq4YHD2syxYT.MsH1Ek0n1$B8SsoD1.eku45.qly3UcFPvAjB.z5ouQs6LcYregTh9";
const BCRYPT: &str = "w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG";

fn assert_refused(hash: &str) {
    assert!(SecretHash::parse(hash).is_err(), "understood: {hash}");
    assert!(secret_of(hash).is_err(), "taken for a secret: {hash}");
}

/// What an import makes of a text in the field of the secret.
fn secret_of(text: &str) -> Result<ImportedSecret, String> {
    let row = json!({"client_id": "a", "client_secret": text});
    let file = ImportFile::parse(row.to_string().as_bytes(), &RULES).unwrap();
    let (_, row) = file.rows.into_iter().next().unwrap();
    row.map(|mut client| client.secrets.remove(0))
        .map_err(|refused| refused.reason)
}

#[test]
fn more_work_than_a_login_can_bear_is_refused() {
    for hash in [
        format!("$argon2id$v=19$m=4194304,t=1,p=1${SALT}${OUT}"),
        format!("$argon2id$v=19$m=4294967295,t=4294967295,p=16777215${SALT}${OUT}"),
        format!("$argon2id$v=19$m=1048576,t=100,p=1${SALT}${OUT}"),
        format!("$argon2id$v=19$m=1024,t=1,p=100${SALT}${OUT}"),
        format!("$scrypt$ln=40,r=8,p=1${SALT}${OUT}"),
        format!("$scrypt$ln=63,r=8,p=1${SALT}${OUT}"),
        format!("$scrypt$ln=20,r=16,p=16${SALT}${OUT}"),
        format!("$scrypt$ln=10,r=4294967295,p=1${SALT}${OUT}"),
        format!("$scrypt$ln=10,r=8,p=4294967295${SALT}${OUT}"),
        format!("$scrypt${SALT}${OUT}").replace("$scrypt$", "$scrypt$ln=256$"),
        // log2 N of 63; r of 2^30 - 1; p of 2^30 - 1.
        format!("$7$z6..../....{CRYPT}"),
        format!("$7$8zzzzz/....{CRYPT}"),
        format!("$7$86....zzzzz{CRYPT}"),
        format!("$2b$31${BCRYPT}"),
        format!("$2b$17${BCRYPT}"),
        format!("$pbkdf2-sha256$4294967295${SALT}${OUT}"),
        format!("$pbkdf2-sha256$i=4294967295${SALT}${OUT}"),
    ] {
        assert_refused(&hash);
    }
}

#[test]
fn what_would_accept_any_secret_or_none_is_refused() {
    for hash in [
        "$pbkdf2-sha256$8000$salt$".to_owned(),
        format!("$pbkdf2-sha256$8000${SALT}$"),
        format!("$pbkdf2-sha256$8000${SALT}"),
        format!("$pbkdf2-sha256$8000$${OUT}"),
        format!("$pbkdf2-sha256$8000${SALT}$AAAA"),
        format!("$pbkdf2-sha256$8000${SALT}${OUT}$x"),
        format!("$pbkdf2-sha256$999${SALT}${OUT}"),
        format!("$pbkdf2-sha256$0${SALT}${OUT}"),
        format!("$pbkdf2-sha256$8000${SALT}${}", "A".repeat(88)),
        format!("$pbkdf2-sha256$8000${}${OUT}", "A".repeat(88)),
        format!("$pbkdf2-sha256$8000${SALT}${}", OUT.replace('w', "+")),
        format!("$pbkdf2-sha256$8000${SALT}$!{}", &OUT[1..]),
        format!("$pbkdf2-sha256$i=8000,l=64${SALT}${OUT}"),
        format!("$pbkdf2-sha256${SALT}${OUT}"),
        format!("$pbkdf2-md5$8000${SALT}${OUT}"),
        format!("$argon2id$v=19$m=64,t=2,p=1${SALT}"),
        format!("$argon2id$v=19$m=64,t=2,p=1${SALT}$AAAA"),
        format!("$argon2id$v=18$m=64,t=2,p=1${SALT}${OUT}"),
        format!("$argon2id$v=19$m=4,t=2,p=1${SALT}${OUT}"),
        format!("$argon2id$v=19$m=64,t=0,p=1${SALT}${OUT}"),
        format!("$argon2x$v=19$m=64,t=2,p=1${SALT}${OUT}"),
        format!("$argon2id$v=19$m=64,t=2,p=1,keyid=AAAA${SALT}${OUT}"),
        format!("$scrypt$ln=0,r=8,p=1${SALT}${OUT}"),
        format!("$scrypt$ln=10,r=0,p=1${SALT}${OUT}"),
        format!("$scrypt$v=1$ln=10,r=8,p=1${SALT}${OUT}"),
        format!("$scrypt$ln=10,r=8,p=1${SALT}"),
        "$7$".to_owned(),
        "$7$8".to_owned(),
        "$7$8U..../....".to_owned(),
        "$7$8U..../....salt$".to_owned(),
        "$7$8U..$short".to_owned(),
        format!("$7$8U..../....{}", &CRYPT[..40]),
        format!("$7$8U..../....é{CRYPT}"),
        format!("$7$8.....{}", CRYPT.replace('$', "$$")),
        format!("$7$8U..../....{CRYPT}{}", "A".repeat(100)),
        format!("$2b$03${BCRYPT}"),
        format!("$2b$12${}", &BCRYPT[..40]),
        format!("$2b$1é${}", &BCRYPT[1..]),
        "$2b$12$".to_owned(),
    ] {
        assert_refused(&hash);
    }
}

/// Else whoever has the old table could log in with what stands in it.
#[test]
fn a_hash_of_another_kind_does_not_pass_for_a_plain_secret() {
    for hash in [
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$5$salt$Gcm6FsVtF/Qa77ZKD.iwsJlCVPY0XSMgLJL0Hnww/c1",
        "$6$rounds=5000$salt$longhash",
        "$y$j9T$salt$hash",
        "pbkdf2_sha256$600000$salt$hash=",
        "pbkdf2:sha256:600000$salt$hash",
        "scrypt:32768:8:1$salt$hash",
        "argon2$argon2id$v=19$m=102400,t=2,p=8$salt$hash",
        "bcrypt_sha256$$2b$12$salt",
    ] {
        assert_refused(hash);
    }
    for plain in [
        "$ is a plain secret",
        "$$ is a plain secret",
        "a$b$c is a plain secret",
        "$ecret of a client",
        "$two words$ and more",
        "pbkdf is a plain secret",
        "{ is a plain secret",
    ] {
        let secret = secret_of(plain);
        assert!(
            matches!(secret, Ok(ImportedSecret::Plain(..))),
            "{plain}: {secret:?}"
        );
    }
}

#[test]
fn a_good_hash_with_anything_cut_off_never_panics() {
    for hash in [
        format!("$argon2id$v=19$m=64,t=2,p=1${SALT}${OUT}"),
        format!("$scrypt$ln=10,r=8,p=1${SALT}${OUT}"),
        format!("$pbkdf2-sha256$8000${SALT}${OUT}"),
        format!("$pbkdf2-sha256$i=8000,l=32${SALT}${OUT}"),
        format!("$7$8U..../....{CRYPT}"),
        format!("$2b$12${BCRYPT}"),
    ] {
        assert!(SecretHash::parse(&hash).is_ok(), "{hash}");
        for end in 0..hash.len() {
            let _ = SecretHash::parse(&hash[..end]);
            let _ = SecretHash::parse(&hash[end..]);
        }
    }
}

proptest! {
    #[test]
    fn parsing_a_hash_never_panics(text in any::<String>()) {
        let _ = SecretHash::parse(&text);
        let _ = secret_of(&text);
    }

    #[test]
    fn parsing_what_is_almost_a_hash_never_panics(
        id in "argon2(id|i|d)|scrypt|7|2[abxy]|pbkdf2(-sha(1|256|512))?",
        fields in proptest::collection::vec("[0-9a-z=,./+-]{0,30}|\\PC{0,5}|[mtplnri]=[0-9]{1,12}", 0..5),
    ) {
        let text = format!("${id}${}", fields.join("$"));
        let _ = SecretHash::parse(&text);
        prop_assert!(!matches!(secret_of(&text), Ok(ImportedSecret::Plain(..))));
    }

    #[test]
    fn parsing_a_file_never_panics(bytes in any::<Vec<u8>>()) {
        let _ = ImportFile::parse(&bytes, &RULES);
    }

    #[test]
    fn parsing_what_is_almost_a_file_never_panics(
        start in "client_id,client_secret(,name|,metadata)?(\r\n|\n)|\\[|\\{\"client_id\":|",
        text in "([\\[\\]{}\":,a-z0-9\r\n$é]|client_id|client_secret){0,80}",
    ) {
        let lines = start.lines().count() + text.lines().count() + 2;
        if let Ok(file) = ImportFile::parse(format!("{start}{text}").as_bytes(), &RULES) {
            for (line, _) in file.rows {
                prop_assert!((1..=lines as u64).contains(&line), "{}", line);
            }
        }
    }
}
