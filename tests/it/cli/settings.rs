//! `settings --explain`: what a setting means, at the command line.

use token_server::config::describe_settings;

use crate::config::sample;
use crate::harness::{Ran, Shell};

#[tokio::test]
async fn a_setting_is_explained_also_where_nothing_is_configured() {
    let shell = Shell::new().await;
    let explain = |name: &str| {
        let mut command = shell.command(&["settings", "--explain", name]);
        Ran::from(command.env_remove("SECRET").output().unwrap())
    };

    let ttl = explain("token_ttl");
    assert_eq!(ttl.code, 0, "{ttl:?}");
    assert!(
        ttl.out
            .starts_with("TOKEN_TTL (default: 1h)\n  How long tokens live"),
        "{ttl:?}"
    );
    let unknown = explain("TOKEN_TLT");
    assert_eq!((unknown.code, unknown.out.as_str()), (3, ""), "{unknown:?}");
    assert!(unknown.err.contains("TOKEN_TLT"), "{unknown:?}");
    let all = shell.run(&["settings", "--explain", "--output", "id"]);
    assert_eq!(all.out.lines().count(), sample().len());
}

#[test]
fn every_setting_of_the_sample_has_a_text() {
    let settings = describe_settings();
    let sample = sample();

    assert_eq!(settings.len(), sample.len());
    for setting in settings {
        assert!(sample.contains_key(setting.name), "{setting:?}");
        assert!(setting.text.split_whitespace().count() > 2, "{setting:?}");
        assert!(!setting.section.is_empty(), "{setting:?}");
    }
}
