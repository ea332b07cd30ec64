//! Where the database is.

use super::{SECRET, config, mistakes};

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
