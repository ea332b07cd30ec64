//! The server's certificate, in files or from an authority.

use super::{SECRET, config};

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
