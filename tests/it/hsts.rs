//! Browsers are told to speak HTTPS only, but not about this machine's own names.

use crate::harness::TestApp;

async fn hsts(test: &TestApp, path: &str, host: &str) -> String {
    let headers = [("host", host), ("accept", "text/html")];
    let answer = test.get_with(path, &headers).await;
    answer.header("strict-transport-security").to_owned()
}

#[tokio::test]
async fn pages_have_it_for_a_public_name() {
    let test = TestApp::new().await;
    for path in ["/", "/admin/login", "/admin/"] {
        assert_eq!(
            hsts(&test, path, "tokens.test:2600").await,
            "max-age=31536000",
            "{path}"
        );
    }
    let program = test.get_with("/", &[("host", "tokens.test")]).await;
    assert_eq!(program.header("strict-transport-security"), "");
}

#[tokio::test]
async fn pages_do_not_have_it_for_this_machine() {
    let test = TestApp::new().await;
    for host in [
        "localhost:2600",
        "127.0.0.1:2600",
        "127.9.9.9",
        "[::1]:2600",
        "tokens.localhost",
    ] {
        for path in ["/", "/admin/login"] {
            assert_eq!(hsts(&test, path, host).await, "", "{path} {host}");
        }
    }
}

#[tokio::test]
async fn hsts_max_age_changes_it_and_off_and_development_mode_end_it() {
    let development = [("DEVELOPMENT", "true"), ("LISTEN_ADDR", "127.0.0.1:2600")];
    for (settings, expected) in [
        (&[("HSTS_MAX_AGE", "1h")][..], "max-age=3600"),
        (&[("HSTS_MAX_AGE", "off")], ""),
        (&development, ""),
    ] {
        let test = TestApp::with(settings).await;
        assert_eq!(
            hsts(&test, "/", "tokens.test").await,
            expected,
            "{settings:?}"
        );
    }
}
