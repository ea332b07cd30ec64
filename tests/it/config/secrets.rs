//! Secrets in settings: which are refused, where they stand, and where they never show.

use std::fs;

use token_server::config::SAMPLE_SECRET;

use super::{SECRET, config, mistakes, sample};

#[test]
fn a_missing_a_short_and_the_samples_secret_are_refused() {
    for settings in [
        vec![],
        vec![("SECRET", "short")],
        vec![("SECRET", SAMPLE_SECRET)],
    ] {
        assert_eq!(mistakes(&settings).0, ["SECRET"]);
    }
    assert_eq!(sample()["SECRET"], SAMPLE_SECRET);
}

#[test]
fn a_secret_that_can_be_guessed_is_refused_in_one_line_without_it() {
    let repeated = "a".repeat(32);
    for secret in [&*repeated, "0123456789abcdef0123456789abcdef"] {
        let (names, text) = mistakes(&[("SECRET", secret)]);
        assert_eq!(names, ["SECRET"]);
        assert!(text.contains("can be guessed; make one with `token-server secret new`"));
        assert!(!text.contains(secret));
    }
}

#[test]
fn a_weak_secret_can_be_replaced_and_is_warned_of_until_it_is_gone() {
    let weak = "a".repeat(32);
    let replaced = config(&[("SECRET", SECRET), ("SECRET_PREVIOUS", &weak)]).unwrap();
    let warnings = replaced.warnings();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].name, "SECRET_PREVIOUS");
    assert!(!warnings[0].message.contains(&weak));

    let gone = config(&[("SECRET", SECRET)]).unwrap();
    assert_eq!(gone.warnings(), []);
}

#[test]
fn a_secret_in_the_wrong_setting_is_not_in_the_error_nor_among_the_settings() {
    let secret = "tks_AbCdEf12ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210zyxwvutsrq";
    let (_, text) = mistakes(&[("SECRET", SECRET), ("ISSUER", secret)]);
    assert!(
        text.contains("`[redacted]`") && !text.contains("ZYXW"),
        "{text}"
    );

    let url = "https://user:hunter2@collector.test/";
    let read = config(&[("SECRET", SECRET), ("AUDIENCE", url)]);
    let settings = read.map_or_else(
        |errors| errors.to_string(),
        |it| format!("{:?}", it.settings.0),
    );
    assert!(!settings.contains("hunter2"), "{settings}");
}

#[test]
fn the_bounds_of_secrets_and_hashes_have_bounds_themselves() {
    for (name, low, high, beyond) in [
        ("MIN_SECRET_LENGTH", "8", "256", ["7", "257"]),
        ("IMPORT_MAX_BCRYPT_COST", "4", "16", ["3", "17"]),
        (
            "IMPORT_MAX_PBKDF2_ROUNDS",
            "1000",
            "10000000",
            ["999", "10000001"],
        ),
        (
            "IMPORT_MAX_HASH_MEMORY",
            "1MiB",
            "1GiB",
            ["1023KiB", "1025MiB"],
        ),
        ("IMPORT_MAX_ARGON2_PASSES", "1", "100", ["0", "101"]),
    ] {
        for value in [low, high] {
            assert!(
                config(&[("SECRET", SECRET), (name, value)]).is_ok(),
                "{name}={value}"
            );
        }
        for value in beyond {
            let (names, _) = mistakes(&[("SECRET", SECRET), (name, value)]);
            assert_eq!(names, [name], "{name}={value}");
        }
    }
}

#[test]
fn no_secret_is_in_an_error_or_in_debug() {
    let url = "postgres://user:hunter2@db/tokens";
    let good = config(&[("SECRET", SECRET), ("DATABASE_URL", url)]).unwrap();
    let (_, told) = mistakes(&[("SECRET", "hunter2"), ("DATABASE_URL", url)]);

    assert!(!format!("{good:?}").contains(SECRET));
    assert!(!format!("{good:?}").contains("hunter2"));
    assert!(!told.contains("hunter2"));
}

#[test]
fn a_secret_may_stand_in_a_file_but_not_in_both_places() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, format!("{SECRET}\n")).unwrap();
    let path = path.to_str().unwrap();

    let from_file = config(&[("SECRET_FILE", path)]).unwrap();
    assert_eq!(from_file.token.secret.expose(), SECRET);
    assert_eq!(
        mistakes(&[("SECRET", SECRET), ("SECRET_FILE", path)]).0,
        ["SECRET"]
    );
    assert_eq!(
        mistakes(&[("SECRET_FILE", "/nonexistent")]).0,
        ["SECRET_FILE"]
    );
}
