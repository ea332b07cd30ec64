//! How a client may prove who it is, as the command line sets and shows it.

use serde_json::json;

use crate::harness::{Ran, Shell};

/// RFC 8037 appendix A.2.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

async fn shell() -> Shell {
    let shell = Shell::migrated().await;
    std::fs::write(shell.path().join("keys.json"), KEYS).unwrap();
    shell
}

#[tokio::test]
async fn a_client_with_keys_alone_has_no_secret() {
    let shell = shell().await;

    let made = shell.run(&[
        "client",
        "create",
        "a",
        "--auth-method",
        "private_key_jwt",
        "--jwks",
        "keys.json",
        "--json",
    ]);

    assert_eq!(made.code, 0, "{made:?}");
    assert_eq!(made.json()["auth_methods"], json!(["private_key_jwt"]));
    assert_eq!(made.json()["jwks"]["keys"][0]["kid"], "one");
    assert_eq!(made.json()["secrets"], json!([]));
    let shown = shell.run(&["client", "show", "a"]);
    assert!(shown.out.contains("1 here: one"), "{}", shown.out);
}

#[tokio::test]
async fn methods_keys_and_subject_are_changed_one_by_one_and_taken_away() {
    let shell = shell().await;
    assert_eq!(shell.run(&["client", "create", "a"]).code, 0);
    let update = |arguments: &[&str]| {
        let ran = shell.run(&[&["client", "update", "a", "--json"], arguments].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json()
    };

    let named = update(&["--tls-client-auth", "subject_dn=CN=a, O=Acme"]);
    assert_eq!(named["tls_client_auth_subject_dn"], "CN=a,O=Acme");
    assert_eq!(
        named["auth_methods"],
        json!(["client_secret_basic", "client_secret_post"])
    );
    update(&["--jwks", "keys.json"]);
    let all = update(&[
        "--auth-method",
        "private_key_jwt",
        "--auth-method",
        "tls_client_auth client_secret_basic",
    ]);
    assert_eq!(
        all["auth_methods"],
        json!(["client_secret_basic", "private_key_jwt", "tls_client_auth"])
    );
    let shown = shell.run(&["client", "show", "a"]);
    assert!(
        shown.out.contains("subject_dn=CN=a,O=Acme"),
        "{}",
        shown.out
    );

    let plain = update(&[
        "--auth-method",
        "client_secret_post",
        "--no-keys",
        "--no-tls-client-auth",
    ]);
    assert_eq!(plain["auth_methods"], json!(["client_secret_post"]));
    assert!(plain.get("jwks").is_none() && plain.get("tls_client_auth_subject_dn").is_none());
}

#[tokio::test]
async fn a_jwks_uri_needs_a_host_that_is_allowed() {
    let shell = shell().await;
    let create = |id: &str, hosts: &str| {
        let uri = "https://keys.example/a";
        let arguments = ["client", "create", id, "--jwks-uri", uri, "--json"];
        let mut command = shell.command(&arguments);
        Ran::from(command.env("JWKS_URI_HOSTS", hosts).output().unwrap())
    };

    let refused = create("a", "");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("JWKS_URI_HOSTS"), "{refused:?}");
    assert_eq!(create("b", "keys.example").code, 0);
    let shown = shell.run(&["client", "show", "b", "--json"]);
    assert_eq!(shown.json()["jwks_uri"], "https://keys.example/a");
}

#[tokio::test]
async fn what_could_never_work_is_refused_with_a_reason() {
    let shell = shell().await;
    let private = KEYS.replace(r#""kid""#, r#""d":"AQAB","kid""#);
    std::fs::write(shell.path().join("private.json"), private).unwrap();
    assert_eq!(shell.run(&["client", "create", "there"]).code, 0);

    for (arguments, told) in [
        (
            &["create", "a", "--auth-method", "private_key_jwt"][..],
            "needs the client's public keys",
        ),
        (
            &["create", "a", "--auth-method", "tls_client_auth"],
            "a certificate subject",
        ),
        (
            &[
                "update",
                "there",
                "--auth-method",
                "self_signed_tls_client_auth",
            ],
            "public keys",
        ),
        (
            &["create", "a", "--auth-method", "none"],
            "client_secret_basic",
        ),
        (&["create", "a", "--jwks", "missing.json"], "missing.json"),
        (
            &["create", "a", "--jwks", "private.json"],
            "private or symmetric",
        ),
        (
            &[
                "create",
                "a",
                "--jwks",
                "keys.json",
                "--jwks-uri",
                "https://a/",
            ],
            "cannot be used with",
        ),
        (&["create", "a", "--jwks-uri", "http://a/"], "https://"),
        (
            &["create", "a", "--tls-client-auth", "san_dns=*.example"],
            "wildcard",
        ),
        (
            &[
                "create",
                "a",
                "--auth-method",
                "private_key_jwt",
                "--jwks",
                "keys.json",
                "--expires-in",
                "1d",
            ],
            "uses a secret",
        ),
        (&["update", "there"], "give at least one change"),
    ] {
        let ran = shell.run(&[&["client"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(told), "{arguments:?}: {ran:?}");
    }
    assert!(!shell.run(&["client", "list"]).out.contains(" a "));
}

#[tokio::test]
async fn check_names_files_that_cannot_be_used() {
    let shell = shell().await;
    shell.certificate();
    let check = |name: &str, path: &str| {
        let mut command = shell.command(&["check"]);
        let ran = command
            .env("JWKS_URI_HOSTS", "keys.example")
            .env(name, path)
            .output();
        Ran::from(ran.unwrap())
    };

    for name in ["TLS_CLIENT_CA", "JWKS_URI_CA"] {
        for path in ["missing.pem", "keys.json"] {
            let ran = check(name, path);
            assert_eq!(ran.code, 1, "{ran:?}");
            let told = format!("FAIL  client authentication: {name}");
            assert!(ran.out.contains(&told) && ran.out.contains(path), "{ran:?}");
        }
        let good = check(name, "certs/cert.pem");
        assert_eq!(good.code, 0, "{good:?}");
        assert!(good.out.contains("keys.example"), "{good:?}");
    }
}
