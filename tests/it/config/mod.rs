//! `.env.sample` and the code agree, and mistakes are told all at once, without a secret in them.

mod certificate;
mod database;
mod listeners;
mod secrets;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;
use token_server::config::{Config, ConfigErrors, Environment};

const SECRET: &str = "a secret for tests, of more than 32 bytes";

/// Every variable of the sample, commented out or not, with its value.
pub(crate) fn sample() -> BTreeMap<String, String> {
    let text = fs::read_to_string(".env.sample").unwrap();
    let is_name = |name: &str| {
        name.bytes()
            .all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit())
    };
    text.lines()
        .filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once('='))
        .filter(|(name, _)| is_name(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn config(settings: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    Config::from_lookup(|name| {
        let mut found = settings.iter().filter(|(theirs, _)| *theirs == name);
        found.next().map(|(_, value)| (*value).to_owned())
    })
}

/// The variables that were complained about, and all that was said.
fn mistakes(settings: &[(&str, &str)]) -> (Vec<String>, String) {
    let errors = config(settings).unwrap_err();
    (
        errors.0.iter().map(|error| error.name.clone()).collect(),
        errors.to_string(),
    )
}

#[test]
fn the_sample_names_exactly_the_settings_there_are() {
    let asked = RefCell::new(BTreeSet::new());
    let _ = Config::from_lookup(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });

    let named: BTreeSet<String> = sample().into_keys().collect();

    assert_eq!(named, asked.into_inner());
}

#[test]
fn the_sample_shows_the_defaults() {
    let mut values = sample();
    values.insert("SECRET".to_owned(), SECRET.to_owned());
    // Depends on the machine.
    values.remove("HASHING_THREADS");
    values.remove("SIGNING_THREADS");

    let from_sample = Config::from_lookup(|name| values.get(name).cloned()).unwrap();
    let from_nothing = config(&[("SECRET", SECRET)]).unwrap();

    assert_eq!(format!("{from_sample:#?}"), format!("{from_nothing:#?}"));
}

#[test]
fn every_shown_default_is_the_codes_own() {
    let nothing = format!("{:#?}", config(&[("SECRET", SECRET)]).unwrap());
    for (name, value) in sample() {
        let by_machine = ["HASHING_THREADS", "SIGNING_THREADS"];
        if name == "SECRET" || by_machine.contains(&&*name) || value.is_empty() {
            continue;
        }
        let with_it = config(&[("SECRET", SECRET), (&name, &value)]).unwrap();
        assert_eq!(format!("{with_it:#?}"), nothing, "{name}={value}");
    }
}

/// So replicas agree whichever way each of them got it.
#[test]
fn a_value_is_the_same_from_a_variable_from_env_and_from_a_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("secret");
    let url = "sqlite:data/other.db";
    for spaces in ["", " ", "\n", "\r\n", " \t "] {
        let (secret, url) = (
            format!("{spaces}{SECRET}{spaces}"),
            format!("{url}{spaces}"),
        );
        fs::write(&file, &secret).unwrap();
        let by_variable = config(&[("SECRET", &secret), ("DATABASE_URL", &url)]).unwrap();
        let by_file = config(&[("SECRET_FILE", file.to_str().unwrap())]).unwrap();
        let env = folder.path().join(".env");
        fs::write(
            &env,
            format!("SECRET='{SECRET}{spaces}'\nTOKEN_TTL= 5m {spaces}\n"),
        )
        .unwrap();
        let by_env = Environment::load(&env).unwrap().config().unwrap();

        for read in [&by_variable, &by_file, &by_env] {
            assert_eq!(read.token.secret.expose(), SECRET, "{spaces:?}");
        }
        assert_eq!(by_variable.database.url.expose(), "sqlite:data/other.db");
        assert_eq!(by_env.token.ttl.seconds(), 300);
        // 0.1.0 counted them.
        let warned: Vec<_> = by_variable
            .warnings()
            .into_iter()
            .map(|it| it.name)
            .collect();
        let expected: &[&str] = if spaces.is_empty() {
            &[]
        } else {
            &["DATABASE_URL", "SECRET"]
        };
        assert_eq!(warned, expected, "{spaces:?}");
        assert_eq!(by_env.warnings().len(), usize::from(!spaces.is_empty()));
    }
}

#[test]
fn a_dollar_in_env_stands_for_itself_and_a_byte_order_mark_for_nothing() {
    let folder = TempDir::new().unwrap();
    let env = folder.path().join(".env");
    let secret = "a$PATH-secret-of-more-than-32-bytes-$HOME";
    let text = format!(
        "\u{feff}SECRET={secret}\nISSUER=https://a$b.example\nAUDIENCE='https://a$b.example'\n"
    );
    fs::write(&env, text).unwrap();

    let read = Environment::load(&env).unwrap().config().unwrap();

    assert_eq!(read.token.secret.expose(), secret);
    assert_eq!(read.token.issuer.as_str(), "https://a$b.example");
    let warnings = read.warnings();
    let names: Vec<&str> = warnings.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["SECRET", "ISSUER"]);
    for warning in &warnings {
        assert!(warning.message.contains("`$`"), "{}", warning.message);
        assert!(
            !warning.message.contains("secret-of"),
            "{}",
            warning.message
        );
    }
}

#[test]
fn a_log_that_would_be_silent_is_refused_with_the_value() {
    for value in ["foo", "warning", "hyper=debug"] {
        let (names, text) = mistakes(&[("SECRET", SECRET), ("LOG", value)]);
        assert_eq!(names, ["LOG"]);
        assert!(text.contains(&format!("found `{value}`")), "{text}");
    }
    assert!(config(&[("SECRET", SECRET), ("LOG", "off")]).is_ok());
}

#[test]
fn the_admin_api_has_an_audience_that_no_client_has_by_default() {
    let at = |issuer| [("SECRET", SECRET), ("ISSUER", issuer)];
    let read = config(&at("https://tokens.test/a/")).unwrap();
    let audience = read.token.admin_audience.as_str();
    assert_eq!(audience, "https://tokens.test/a/admin/api");
    assert_eq!(read.token.audience.as_str(), "https://tokens.test/a/");

    let issuer = at("https://tokens.test");
    let own = ("AUDIENCE", "https://tokens.test/admin/api");
    let (names, text) = mistakes(&[&issuer[..], &[own]].concat());
    assert_eq!(names, ["AUDIENCE"], "{text}");
}

#[test]
fn all_mistakes_are_told_at_once_with_what_was_found() {
    let (names, text) = mistakes(&[
        ("LISTEN_ADDR", "everywhere"),
        ("TOKEN_TTL", "1y"),
        ("ISSUER", "http://insecure"),
        ("MAX_CONNECTIONS", "0"),
        ("LOG_FORMAT", "xml"),
    ]);

    let expected = [
        "LISTEN_ADDR",
        "MAX_CONNECTIONS",
        "ISSUER",
        "TOKEN_TTL",
        "SECRET",
        "LOG_FORMAT",
    ];
    assert_eq!(
        BTreeSet::from_iter(names),
        BTreeSet::from(expected.map(str::to_owned))
    );
    for found in ["`everywhere`", "`1y`", "`http://insecure`", "`0`", "`xml`"] {
        assert!(text.contains(found), "{found}: {text}");
    }
}

#[test]
fn key_times_are_bounded_and_fit_together() {
    let with = |settings: &[(&str, &str)]| {
        let settings = [&[("SECRET", SECRET)], settings].concat();
        config(&settings).map(|config| config.keys.rotation)
    };
    let rotation = |text| with(&[("KEY_ROTATION", text), ("KEY_PUBLISH_AHEAD", "10m")]);

    assert_eq!(with(&[]), Ok(Some(90 * 86_400)));
    assert_eq!(rotation("never"), Ok(None));
    assert_eq!(rotation("1h"), Ok(Some(3_600)));
    for bad in ["59m", "3651d", "Never", "0"] {
        assert_eq!(rotation(bad).unwrap_err().0[0].name, "KEY_ROTATION");
    }
    for bad in ["9m", "31d", "never"] {
        let refused = with(&[("KEY_PUBLISH_AHEAD", bad)]).unwrap_err();
        assert_eq!(refused.0[0].name, "KEY_PUBLISH_AHEAD");
    }
    let unfit = with(&[("KEY_ROTATION", "12h")]).unwrap_err();
    assert_eq!(unfit.0[0].name, "KEY_PUBLISH_AHEAD");
    assert_eq!(
        mistakes(&[("SECRET", SECRET), ("SIGNING_ALG", "es256")]).0,
        ["SIGNING_ALG"]
    );
}

#[test]
fn a_replica_that_is_cut_off_serves_clients_for_an_hour_at_most() {
    let limit = |text| config(&[("SECRET", SECRET), ("STALE_LIMIT", text)]);

    assert!(limit("1h").is_ok());
    assert_eq!(limit("3601s").unwrap_err().0[0].name, "STALE_LIMIT");
}

proptest! {
    #[test]
    fn no_value_makes_it_panic(value in any::<String>()) {
        let _ = Config::from_lookup(|name| (!name.ends_with("_FILE")).then(|| value.clone()));
    }
}
