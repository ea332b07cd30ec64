//! `.env.sample` and the code agree, and mistakes are told all at once, without a secret in them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;
use token_server::config::{Config, ConfigErrors, Environment, SAMPLE_SECRET};

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

#[test]
fn operators_programs_are_served_on_the_loopback_interface_unless_it_is_set_otherwise() {
    let with = |settings: &[(&str, &str)]| {
        let settings = [&[("SECRET", SECRET)], settings].concat();
        config(&settings).map(|config| config.http.ops_listen)
    };

    assert_eq!(with(&[]), Ok("127.0.0.1:2601".parse().ok()));
    assert_eq!(with(&[("OPS_LISTEN", "off")]), Ok(None));
    let everywhere = with(&[("OPS_LISTEN", "0.0.0.0:9000")]);
    assert_eq!(everywhere, Ok("0.0.0.0:9000".parse().ok()));
    let refused = with(&[("OPS_LISTEN", "2601")]).unwrap_err();
    assert_eq!(refused.0[0].name, "OPS_LISTEN");
}

#[test]
fn whose_connections_are_is_said_by_trusted_proxies_only() {
    for name in ["PROXY_PROTOCOL", "ADMIN_PROXY_PROTOCOL"] {
        let base = [("SECRET", SECRET), (name, "required")];
        assert_eq!(mistakes(&base).0, [name]);
        let trusted = [&base[..], &[("TRUSTED_PROXIES", "10.0.0.1")]].concat();
        assert!(config(&trusted).is_ok());
        assert_eq!(mistakes(&[("SECRET", SECRET), (name, "v1")]).0, [name]);
    }
}

/// Where the database is then; what the URL does not say `location` says.
fn database(settings: &[(&str, &str)]) -> String {
    let settings = [&[("SECRET", SECRET)], settings].concat();
    config(&settings).unwrap().database.url.expose().clone()
}

#[test]
fn the_url_of_a_postgres_may_stand_in_parts_which_need_no_encoding() {
    let parts = [
        ("DATABASE_HOST", "db.internal"),
        ("DATABASE_USER", "token server"),
        ("DATABASE_PASSWORD", "p@ss:w/rd?#%&="),
        ("DATABASE_NAME", "tokens"),
    ];

    assert_eq!(
        database(&parts),
        "postgres://?host=db.internal&port=5432&user=token+server&dbname=tokens&sslmode=verify-full&\
         password=p%40ss%3Aw%2Frd%3F%23%25%26%3D"
    );
    let more = [
        ("DATABASE_PORT", "6432"),
        ("DATABASE_SSLMODE", "require"),
        ("DATABASE_SSLROOTCERT", "/etc/ca.pem"),
    ];
    let with_more = database(&[&parts[..], &more].concat());
    assert!(with_more.contains("port=6432"), "{with_more}");
    assert!(
        with_more.contains("sslmode=require&sslrootcert=%2Fetc%2Fca.pem"),
        "{with_more}"
    );
}

#[test]
fn a_database_is_given_by_its_url_or_in_parts() {
    let whole = [
        ("SECRET", SECRET),
        ("DATABASE_HOST", "db"),
        ("DATABASE_USER", "u"),
        ("DATABASE_NAME", "d"),
    ];
    assert!(config(&whole).is_ok());
    let both = [&whole[..], &[("DATABASE_URL", "postgres://db/d")]].concat();
    let refused = mistakes(&both);
    assert_eq!(
        refused.0,
        ["DATABASE_HOST", "DATABASE_USER", "DATABASE_NAME"]
    );
    assert!(refused.1.contains("not both"), "{}", refused.1);

    for (lonely, missing) in [
        ("DATABASE_HOST", ["DATABASE_USER", "DATABASE_NAME"]),
        ("DATABASE_USER", ["DATABASE_HOST", "DATABASE_NAME"]),
        ("DATABASE_NAME", ["DATABASE_HOST", "DATABASE_USER"]),
    ] {
        assert_eq!(mistakes(&[("SECRET", SECRET), (lonely, "x")]).0, missing);
    }
    for (name, value) in [("DATABASE_PORT", "5433"), ("DATABASE_PASSWORD", "hunter2")] {
        let refused = mistakes(&[("SECRET", SECRET), (name, value)]);
        assert_eq!(
            refused.0,
            ["DATABASE_HOST", "DATABASE_USER", "DATABASE_NAME"]
        );
        assert!(!refused.1.contains("hunter2"), "{}", refused.1);
    }
    for (name, value) in [
        ("DATABASE_PORT", "0"),
        ("DATABASE_PORT", "65536"),
        ("DATABASE_SSLMODE", "allow"),
        ("DATABASE_SSLMODE", "verify_full"),
    ] {
        let refused = mistakes(&[&whole[..], &[(name, value)]].concat());
        assert_eq!(refused.0, [name], "{value}");
    }
    let password = [("DATABASE_PASSWORD", "a"), ("DATABASE_PASSWORD_FILE", "/b")];
    assert_eq!(
        mistakes(&[&whole[..], &password].concat()).0,
        ["DATABASE_PASSWORD"]
    );
}

#[test]
fn addresses_in_a_header_are_believed_from_trusted_proxies_only() {
    for header in ["x-forwarded-for", "forwarded"] {
        let base = [("SECRET", SECRET), ("CLIENT_ADDRESS_FROM", header)];
        assert_eq!(mistakes(&base).0, ["CLIENT_ADDRESS_FROM"]);
        let trusted = [&base[..], &[("TRUSTED_PROXIES", "10.0.0.1")]].concat();
        assert!(config(&trusted).is_ok());
    }
    for bad in ["X-Forwarded-For", "x-real-ip", "x-forwarded-for forwarded"] {
        let bad = [("SECRET", SECRET), ("CLIENT_ADDRESS_FROM", bad)];
        assert_eq!(mistakes(&bad).0, ["CLIENT_ADDRESS_FROM"]);
    }
}

#[test]
fn without_tls_other_machines_can_connect_only_where_proxies_are_named() {
    let at = |address| [("SECRET", SECRET), ("PLAIN_LISTEN", address)];
    for here in ["127.0.0.1:8080", "[::1]:8080", "unix:/run/plain.sock"] {
        assert!(config(&at(here)).is_ok(), "{here}");
    }
    for beyond in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080"] {
        assert_eq!(mistakes(&at(beyond)).0, ["PLAIN_LISTEN"], "{beyond}");
        let trusted = [&at(beyond)[..], &[("TRUSTED_PROXIES", "10.0.0.1")]].concat();
        assert!(config(&trusted).is_ok(), "{beyond}");
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

#[test]
fn the_certificate_is_in_files_or_an_authority_issues_it() {
    let acme = |settings: &[(&str, &str)]| {
        let base = [
            ("SECRET", SECRET),
            ("TLS_ACME_NAMES", "tokens.example.com"),
            ("TLS_ACME_ACCEPT_TERMS", "true"),
        ];
        config(&[settings, &base].concat())
    };
    let refused = |settings: &[(&str, &str)]| {
        let errors = acme(settings).unwrap_err().0;
        errors.into_iter().map(|it| it.name).collect::<Vec<_>>()
    };

    let good = acme(&[]).unwrap().acme.unwrap();
    assert_eq!(good.names, ["tokens.example.com"]);
    assert_eq!(
        good.directory.as_str(),
        "https://acme-v02.api.letsencrypt.org/directory"
    );
    assert!(config(&[("SECRET", SECRET)]).unwrap().acme.is_none());
    assert_eq!(
        refused(&[("TLS_CERT", "a.pem"), ("TLS_KEY", "b.pem")]),
        ["TLS_CERT", "TLS_KEY"]
    );
    for (name, bad) in [
        ("TLS_ACME_ACCEPT_TERMS", "false"),
        ("TLS_ACME_NAMES", "*.example.com"),
        ("TLS_ACME_NAMES", "192.0.2.1"),
        ("TLS_ACME_DIRECTORY", "http://ca.example/directory"),
        ("TLS_ACME_DIRECTORY", "https://user:pw@ca.example/directory"),
        ("TLS_ACME_CONTACT", "nobody"),
    ] {
        assert_eq!(refused(&[(name, bad)]), [name], "{bad}");
    }
}

#[test]
fn an_external_account_has_both_parts_and_its_key_is_secret() {
    let (id, key) = ("TLS_ACME_EAB_KEY_ID", "TLS_ACME_EAB_HMAC_KEY");
    let acme = |settings: &[(&str, &str)]| {
        let base = [
            ("SECRET", SECRET),
            ("TLS_ACME_NAMES", "tokens.example.com"),
            ("TLS_ACME_ACCEPT_TERMS", "true"),
        ];
        config(&[settings, &base].concat())
    };

    let good = acme(&[(id, "key-1"), (key, "aHVudGVyMg")]).unwrap();
    let account = good.acme.as_ref().unwrap().external_account.as_ref();
    assert_eq!(account.unwrap().hmac_key.expose(), b"hunter2");
    let shown = format!("{good:?} {:?}", good.settings.0);
    for secret in ["hunter2", "aHVudGVyMg", &format!("{:?}", b"hunter2")] {
        assert!(!shown.contains(secret), "{shown}");
    }
    for (settings, name) in [
        (&[(id, "key-1")][..], key),
        (&[(key, "aHVudGVyMg")], id),
        (&[(id, "key-1"), (key, "not base64!")], key),
    ] {
        let errors = acme(settings).unwrap_err();
        assert_eq!(errors.0[0].name, name);
        assert!(!errors.to_string().contains("not base64!"), "{errors}");
    }
}

proptest! {
    #[test]
    fn no_value_makes_it_panic(value in any::<String>()) {
        let _ = Config::from_lookup(|name| (!name.ends_with("_FILE")).then(|| value.clone()));
    }
}
