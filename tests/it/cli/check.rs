//! `check`, and how mistakes in `.env` are told.

use std::fs;

use token_server::app::NewClient;
use token_server::domain::{Audience, Identifiers, Scope};

use crate::harness::{CLIENT, Ran, SECRET, Shell, TestApp, new_client};

/// The lines of the report that begin with `FAIL`.
fn failures(ran: &Ran) -> Vec<&str> {
    let lines = ran.out.lines();
    lines
        .filter_map(|line| line.strip_prefix("FAIL  "))
        .collect()
}

#[tokio::test]
async fn settings_certificate_and_database_are_told_at_once() {
    let shell = Shell::migrated().await;
    fs::write(
        shell.path().join(".env"),
        "TOKEN_TLL=5m\nLOG=info\nLOG=debug\nSECRET=short\n",
    )
    .unwrap();

    let ran = Ran::from(
        shell
            .command(&["check"])
            .env_remove("SECRET")
            .env("ISSUER", "http://insecure")
            .output()
            .unwrap(),
    );

    assert_eq!(ran.code, 1);
    let failures = failures(&ran);
    assert_eq!(failures.len(), 5, "{}", ran.out);
    for (failure, start) in failures.iter().zip([
        "TOKEN_TLL: .env sets an unknown setting",
        "LOG: .env sets it twice",
        "ISSUER: found `http://insecure`",
        "SECRET: has 5 bytes",
        "certificate: TLS_CERT",
    ]) {
        assert!(failure.starts_with(start), "{failure}");
    }
    assert!(ran.out.contains("ok    database"), "{}", ran.out);
}

#[tokio::test]
async fn all_is_well_is_exit_0() {
    let shell = Shell::migrated().await;
    shell.certificate();

    let ran = shell.run(&["check"]);

    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 7, "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.starts_with("ok    ")));
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_without_its_password() {
    let shell = Shell::new().await;
    let unreachable = "postgres://user:hunter2@127.0.0.1:1/tokens";
    for url in [unreachable, "mysql://user:hunter2@db/tokens", "hunter2"] {
        for arguments in [&["check"][..], &["migrate"], &["client", "list"]] {
            let ran = Ran::from(
                shell
                    .command(arguments)
                    .env("DATABASE_URL", url)
                    .env("DATABASE_ACQUIRE_TIMEOUT", "1s")
                    .output()
                    .unwrap(),
            );
            assert_eq!(ran.code, 1, "{url}: {ran:?}");
            let told = ran.out + &ran.err;
            assert!(told.contains("DATABASE_URL"), "{url}: {told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
    assert_eq!(fs::read_dir(shell.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_environment_wins_over_env() {
    let shell = Shell::migrated().await;
    fs::write(
        shell.path().join(".env"),
        "ISSUER=https://in-the-file\nAUDIENCE='$1 # 2'\n",
    )
    .unwrap();
    let ran = shell.run(&["check"]);
    assert!(
        ran.out.contains("FAIL  AUDIENCE: found `$1 # 2`"),
        "{ran:?}"
    );

    fs::write(
        shell.path().join(".env"),
        format!("ISSUER=https://in-the-file\nSECRET=\"{SECRET}\"\n"),
    )
    .unwrap();
    let in_file = Ran::from(
        shell
            .command(&["check"])
            .env_remove("SECRET")
            .output()
            .unwrap(),
    );
    let in_both = Ran::from(
        shell
            .command(&["check"])
            .env("ISSUER", "https://outside")
            .output()
            .unwrap(),
    );

    assert!(
        in_file.out.contains("issuer https://in-the-file"),
        "{in_file:?}"
    );
    assert!(
        in_both.out.contains("issuer https://outside"),
        "{in_both:?}"
    );
}

#[tokio::test]
async fn a_line_that_does_not_parse_is_named_by_its_number() {
    let shell = Shell::new().await;
    fs::write(
        shell.path().join(".env"),
        "# settings\n\nLOG=info\nSECRET=hunter2 with spaces\n",
    )
    .unwrap();

    let ran = shell.run(&["check"]);

    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("cannot read .env: line 4 "), "{}", ran.err);
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
}

#[tokio::test]
async fn a_value_that_is_not_utf_8_is_refused_not_forgotten() {
    use std::os::unix::ffi::OsStrExt;
    let shell = Shell::new().await;
    let value = std::ffi::OsStr::from_bytes(b"\xff");

    let ran = Ran::from(
        shell
            .command(&["check"])
            .env("LOG", value)
            .output()
            .unwrap(),
    );

    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("LOG: its value is not UTF-8"), "{ran:?}");
}

#[tokio::test]
async fn clients_that_need_a_certificate_where_none_can_come_are_a_warning() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let bound = "--tls-client-certificate-bound-access-tokens";
    for id in ["a", "b", "c"] {
        shell.run(&["client", "create", id, bound]);
    }
    shell.run(&["client", "disable", "b", "--yes"]);
    let check = |settings: &[(&str, &str)]| {
        let mut command = shell.command(&["check"]);
        Ran::from(command.envs(settings.iter().copied()).output().unwrap())
    };

    let warned = check(&[]);
    assert_eq!(warned.code, 0, "{warned:?}");
    let told = "warn  clients: the tokens of 2 are bound to certificates";
    assert!(warned.out.contains(told), "{}", warned.out);

    let proxied = [
        ("CLIENT_CERT_HEADER", "Client-Cert"),
        ("TRUSTED_PROXIES", "::1"),
    ];
    for settings in [
        &[("TLS_CLIENT_CERTIFICATES", "true")][..],
        &[("TLS_CLIENT_CA", "certs/cert.pem")],
        &proxied,
    ] {
        let fine = check(settings);
        assert_eq!(fine.code, 0, "{fine:?}");
        assert!(!fine.out.contains("warn"), "{}", fine.out);
    }
    for id in ["a", "c"] {
        shell.run(&["client", "delete", id, "--yes"]);
    }
    assert!(!check(&[]).out.contains("warn"));
}

/// A client that introspects the token of `billing`.
async fn introspect(test: &TestApp, id: &str, scopes: &str, identifiers: &str, token: &str) {
    let new = NewClient {
        scopes: Scope::parse(scopes).unwrap(),
        audiences: Audience::parse_list("https://api.test").unwrap(),
        identifiers: Identifiers::parse(identifiers).unwrap(),
        ..new_client(id)
    };
    let userinfo = format!("{id}:{}", test.register(new).await);
    let asked = [("token", token)];
    let answer = test.post_basic("/introspect", &userinfo, &asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn clients_that_introspect_without_an_identifier_are_a_warning() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let test = TestApp::on(shell.database().clone(), &[]).await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    for (id, scopes, identifiers) in [
        ("api", "", ""),
        ("other", "read", ""),
        ("off", "", ""),
        ("gone", "", ""),
        ("gateway", "token:introspect", ""),
        ("service", "", "https://api.test"),
    ] {
        introspect(&test, id, scopes, identifiers, &token).await;
    }
    let own = [("token", token.as_str())];
    let userinfo = format!("{CLIENT}:{secret}");
    test.post_basic("/introspect", &userinfo, &own).await;
    assert!(!shell.run(&["check"]).out.contains("warn"));
    test.app.audit.write_rejected_requests().await.unwrap();
    shell.run(&["client", "disable", "off", "--yes"]);
    shell.run(&["client", "delete", "gone", "--yes"]);

    let warned = shell.run(&["check"]);
    assert_eq!(warned.code, 0, "{warned:?}");
    let told = "warn  identifiers: `api`, `other` introspect tokens and have no identifier";
    assert!(warned.out.contains(told), "{}", warned.out);

    let named = shell.run(&[
        "client",
        "update",
        "api",
        "--identifier",
        "https://api.test",
    ]);
    assert_eq!(named.code, 0, "{named:?}");
    shell.run(&["client", "update", "other", "--scope", "token:introspect"]);
    assert!(!shell.run(&["check"]).out.contains("warn"));
}

#[tokio::test]
async fn of_many_that_introspect_without_an_identifier_some_are_named() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let test = TestApp::on(shell.database().clone(), &[]).await;
    let token = test.token(&test.client().await).await;
    for n in 10..21 {
        introspect(&test, &format!("c{n}"), "", "", &token).await;
    }
    test.app.audit.write_rejected_requests().await.unwrap();

    let warned = shell.run(&["check"]);

    let told = "`c18`, `c19` and others introspect tokens and have no identifier";
    assert!(
        warned.out.contains(told) && !warned.out.contains("c20"),
        "{}",
        warned.out
    );
}

#[cfg(not(feature = "passkeys"))]
#[tokio::test]
async fn an_admin_with_passkeys_only_is_a_warning_in_a_build_without_until_a_reset() {
    let shell = Shell::migrated().await;
    shell.certificate();
    shell.run(&["admin", "create", "olga"]);
    assert!(!shell.run(&["check"]).out.contains("warn"));
    let clock = token_server::base::clock::Clock::system();
    let test = crate::harness::TestApp::at(clock, shell.database().clone(), &[]).await;
    crate::admin::store_passkey(&test, "olga").await;

    let warned = shell.run(&["check"]);
    assert_eq!(warned.code, 0, "{warned:?}");
    let told = "warn  admins: `olga` cannot log in";
    assert!(warned.out.contains(told), "{}", warned.out);

    assert_eq!(shell.run(&["admin", "reset", "olga"]).code, 0);
    assert!(!shell.run(&["check"]).out.contains("warn"));
}

#[tokio::test]
async fn a_postgres_elsewhere_without_tls_is_a_warning_without_the_password() {
    let shell = Shell::new().await;
    // Reserved for documentation: nothing answers there.
    let check = |parameters: &str| {
        let url = format!("postgres://user:hunter2@192.0.2.1/tokens{parameters}");
        let mut command = shell.command(&["check"]);
        command
            .env("DATABASE_URL", url)
            .env("DATABASE_ACQUIRE_TIMEOUT", "1s");
        Ran::from(command.output().unwrap())
    };

    let warned = check("?pasword=hunter3");
    let told = "warn  DATABASE_URL: the connection to 192.0.2.1 may be without TLS (sslmode=prefer); add \
                `sslmode=verify-full`";
    assert!(warned.out.contains(told), "{}", warned.out);
    assert!(
        warned
            .out
            .contains("warn  DATABASE_URL: the URL's parameter `pasword` is unknown")
    );
    assert!(!(warned.out + &warned.err).contains("hunter"));

    assert!(
        !check("?sslmode=verify-full")
            .out
            .contains("warn  DATABASE_URL")
    );
    let mistyped = check("?sslmod=verify-full");
    assert!(
        mistyped.out.contains("there is no parameter `sslmod`"),
        "{}",
        mistyped.out
    );
}

#[tokio::test]
async fn a_weak_previous_secret_is_a_warning() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let mut command = shell.command(&["check"]);

    let ran = Ran::from(
        command
            .env("SECRET_PREVIOUS", "a".repeat(32))
            .output()
            .unwrap(),
    );

    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("warn  SECRET_PREVIOUS: repeats itself"),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn secrets_with_more_work_than_a_file_may_bring_are_a_warning() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let bcrypt =
        |cost: u32| format!("$2b${cost:02}$xK/W7usGq/8YvxFmfNlh3.shkyO53gYWIjvBNauzxLi1T67yb2Lfa");
    let file = shell.path().join("clients.csv");
    let mut csv = "client_id,client_secret\nlight,".to_owned() + &bcrypt(12) + "\n";
    for n in 10..22 {
        csv += &format!("heavy-{n},{}\n", bcrypt(15));
    }
    fs::write(&file, csv).unwrap();
    let imported = shell
        .command(&["client", "import", file.to_str().unwrap()])
        .env("IMPORT_MAX_BCRYPT_COST", "15")
        .output();
    let imported = Ran::from(imported.unwrap());
    assert_eq!(imported.code, 0, "{imported:?}");

    let warned = shell.run(&["check"]);

    assert_eq!(warned.code, 0, "{warned:?}");
    let told = "`heavy-18`, `heavy-19` and others (12 clients) takes more work than";
    assert!(warned.out.contains(told), "{}", warned.out);
    assert!(
        !warned.out.contains("light") && !warned.out.contains("heavy-20"),
        "{}",
        warned.out
    );
    for n in 10..22 {
        shell.run(&["client", "delete", &format!("heavy-{n}"), "--yes"]);
    }
    assert!(!shell.run(&["check"]).out.contains("warn"));
}
