//! The certificate in files: what `check` and the start say of one that clients do not trust, and that a reload does not
//! replace a valid one by it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use tempfile::TempDir;
use token_server::base::clock::{Clock, UnixTime};
use token_server::config::TlsConfig;
use token_server::http::Certificate;

use crate::cli::{free_port, read_until, signal};
use crate::harness::{Log, NOW, Ran, Served, Shell, until, write_certificate};

const BOTH: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS12, &rustls::version::TLS13];

const DAY: i64 = 86_400;

/// For these names, valid from `from` until `until`.
fn params(names: &[&str], from: UnixTime, until: UnixTime) -> CertificateParams {
    let date = |at: UnixTime| {
        let since_1970 = Duration::from_secs(u64::try_from(at.0).unwrap());
        date_time_ymd(1970, 1, 1) + since_1970
    };
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date(from);
    params.not_after = date(until);
    params
}

/// Writes a certificate and its key.
fn write(folder: &Path, params: &CertificateParams) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
}

/// The functions that judge them have tests of their own, with keys of every kind.
#[test]
fn a_pair_that_nobody_could_use_is_named_with_what_to_do() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = TempDir::new().unwrap();
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let pair = KeyPair::generate().unwrap();
    let leaf = params(&["localhost"], NOW, NOW.plus(DAY));
    let leaf = leaf.signed_by(&pair, &issuer).unwrap().pem();
    let load = |chain: &str, pem: &str| {
        fs::write(&cert, chain).unwrap();
        fs::write(&key, pem).unwrap();
        let files = TlsConfig {
            cert: cert.clone(),
            key: key.clone(),
        };
        Certificate::load(files)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let plain = pair.serialize_pem();
    let encrypted = plain.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");

    assert_eq!(load(&format!("{leaf}{}", issuer.pem()), &plain), Ok(()));
    let reversed = load(&format!("{}{leaf}", issuer.pem()), &plain).unwrap_err();
    assert!(reversed.starts_with("TLS_CERT: "), "{reversed}");
    assert!(reversed.contains("wrong order"), "{reversed}");
    let encrypted = load(&leaf, &encrypted).unwrap_err();
    assert!(encrypted.starts_with("TLS_KEY: "), "{encrypted}");
    assert!(encrypted.contains("openssl pkey"), "{encrypted}");
    let of_another = load(&leaf, &KeyPair::generate().unwrap().serialize_pem()).unwrap_err();
    assert!(
        of_another.contains("do not make a usable pair"),
        "{of_another}"
    );
}

#[tokio::test]
async fn a_reload_keeps_a_valid_certificate_in_the_place_of_one_that_is_not_valid_now() {
    let log = Log::default();
    let _guard = log.capture();
    let served = Served::start(&[]).await;
    let old = served.root();
    let path = served.folder.path();

    for (from, end, told) in [
        (
            NOW.plus(-DAY),
            NOW.plus(-1),
            "it expired at 2027-01-15T07:59:59Z",
        ),
        (
            NOW.plus(1),
            NOW.plus(DAY),
            "it is not valid before 2027-01-15T08:00:01Z",
        ),
    ] {
        write(path, &params(&["localhost"], from, end));
        served.reload.notify_one();

        let file = path.join("cert.pem");
        let line = format!("keeps the old one: TLS_CERT: `{}`: {told}", file.display());
        until(&line, async || log.text().contains(&line)).await;
        served.connect(old.clone(), BOTH).await.unwrap();
    }

    write_certificate(path);
    served.reload.notify_one();
    while served.connect(served.root(), BOTH).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_certificate_that_was_not_valid_yet_is_taken_over_when_it_is() {
    let served = Served::start(&[]).await;
    let end = NOW.plus(DAY);
    write(
        served.folder.path(),
        &params(&["localhost"], NOW.plus(60), end),
    );
    served.reload.notify_one();
    let is_taken = || served.certificate.expires_at() == Some(end);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!is_taken());

    served.test.clock.advance(60);

    until("the new certificate is taken", async || is_taken()).await;
}

#[tokio::test]
async fn a_certificate_that_is_expired_itself_is_replaced_by_any_other() {
    let served = Served::start(&[]).await;
    let path = served.folder.path();
    let is_served = |end: UnixTime| served.certificate.expires_at() == Some(end);
    write(path, &params(&["localhost"], NOW, NOW.plus(DAY)));
    served.reload.notify_one();
    until("the first one is served", async || is_served(NOW.plus(DAY))).await;
    served.test.clock.advance(3 * DAY);

    write(path, &params(&["localhost"], NOW, NOW.plus(2 * DAY)));
    served.reload.notify_one();

    until("the second one is served", async || {
        is_served(NOW.plus(2 * DAY))
    })
    .await;
}

/// What `check` says of the certificate under these settings.
fn check(shell: &Shell, settings: &[(&str, &str)]) -> (i32, Vec<String>) {
    let mut command = shell.command(&["check"]);
    let ran = Ran::from(command.envs(settings.iter().copied()).output().unwrap());
    let lines = ran
        .out
        .lines()
        .filter(|line| line.contains("certificate: "));
    let lines = lines.filter(|line| !line.contains("its key match"));
    (ran.code, lines.map(str::to_owned).collect())
}

#[tokio::test]
async fn check_fails_on_a_certificate_that_is_expired_or_not_valid_yet_and_the_start_warns() {
    let shell = Shell::migrated().await;
    let now = Clock::system().now();
    for (from, end, told) in [
        (now.plus(-2 * DAY), now.plus(-DAY), "it expired at"),
        (now.plus(DAY), now.plus(2 * DAY), "it is not valid before"),
    ] {
        write(
            &shell.path().join("certs"),
            &params(&["localhost"], from, end),
        );

        let (code, lines) = check(&shell, &[]);
        let mut command = shell.command(&["serve"]);
        command.env("LISTEN_ADDR", format!("127.0.0.1:{}", free_port()));
        command.env("ISSUER", "https://localhost");
        let mut child = command.spawn().unwrap();
        let log = read_until(&mut child, "listening on");
        signal(&child, "-TERM");
        child.wait().unwrap();

        let begin = format!("TLS_CERT: `certs/cert.pem`: {told}");
        assert_eq!((code, lines.len()), (1, 1), "{lines:?}");
        assert!(
            lines[0].starts_with(&format!("FAIL  certificate: {begin}")),
            "{lines:?}"
        );
        for date in [from, end] {
            assert!(lines[0].contains(&date.to_string()), "{lines:?}");
        }
        assert!(log.contains(&begin) && log.contains("WARN"), "{log}");
    }
}

#[tokio::test]
async fn an_expired_certificate_behind_the_first_is_a_warning() {
    let shell = Shell::migrated().await;
    let now = Clock::system().now();
    let mut authority = params(&[], now.plus(-2 * DAY), now.plus(-DAY));
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let first = params(&["localhost"], now.plus(-DAY), now.plus(DAY));
    let first = first.signed_by(&key, &authority).unwrap();
    let folder = shell.path().join("certs");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.join("cert.pem"), first.pem() + &authority.pem()).unwrap();

    let (code, lines) = check(&shell, &[]);

    assert_eq!((code, lines.len()), (0, 1), "{lines:?}");
    let told =
        "warn  certificate: TLS_CERT: `certs/cert.pem`: certificate 2 of the chain: it expired at";
    assert!(lines[0].starts_with(told), "{lines:?}");
}

#[tokio::test]
async fn check_and_the_start_warn_of_a_certificate_for_another_host() {
    let shell = Shell::migrated().await;
    let (from, end) = (
        Clock::system().now().plus(-DAY),
        Clock::system().now().plus(DAY),
    );
    let names = ["localhost", "*.example.com", "127.0.0.1", "::1"];
    write(&shell.path().join("certs"), &params(&names, from, end));

    for issuer in [
        "https://localhost:2600",
        "https://TOKENS.example.com/path",
        "https://127.0.0.1",
        "https://[::1]:8443",
    ] {
        assert_eq!(
            check(&shell, &[("ISSUER", issuer)]),
            (0, Vec::new()),
            "{issuer}"
        );
    }
    for (issuer, host) in [
        ("https://example.com", "`example.com`"),
        ("https://a.tokens.example.com", "`a.tokens.example.com`"),
        ("https://127.0.0.2", "`127.0.0.2`"),
        ("https://[::2]", "`[::2]`"),
    ] {
        let (code, lines) = check(&shell, &[("ISSUER", issuer)]);
        assert_eq!((code, lines.len()), (0, 1), "{lines:?}");
        let told = format!(
            "warn  certificate: TLS_CERT: `certs/cert.pem`: it is not valid for the host of ISSUER, {host}: it is for "
        );
        assert!(lines[0].starts_with(&told), "{lines:?}");
        assert!(lines[0].contains("*.example.com"), "{lines:?}");
    }

    let mut command = shell.command(&["serve"]);
    command.env("LISTEN_ADDR", format!("127.0.0.1:{}", free_port()));
    command.env("ISSUER", "https://example.com");
    let mut child = command.spawn().unwrap();
    let log = read_until(&mut child, "listening on");
    signal(&child, "-TERM");
    child.wait().unwrap();
    assert!(
        log.contains("not valid for the host of ISSUER, `example.com`"),
        "{log}"
    );
    assert!(log.contains("WARN"), "{log}");
}

#[tokio::test]
async fn a_certificate_for_another_host_behind_a_proxy_is_a_remark() {
    let shell = Shell::migrated().await;
    shell.certificate();

    let settings = [
        ("ISSUER", "https://example.com"),
        ("TRUSTED_PROXIES", "10.0.0.0/8"),
    ];
    let (code, lines) = check(&shell, &settings);

    assert_eq!((code, lines.len()), (0, 1), "{lines:?}");
    assert!(lines[0].starts_with("note  certificate: "), "{lines:?}");
}

#[tokio::test]
async fn a_certificate_that_is_not_for_the_portals_host_is_a_warning() {
    let shell = Shell::migrated().await;
    shell.certificate();

    let settings = [("ADMIN_ORIGIN", "https://portal.example.com")];
    let (code, lines) = check(&shell, &settings);

    assert_eq!((code, lines.len()), (0, 1), "{lines:?}");
    let told = "not valid for the host of ADMIN_ORIGIN, `portal.example.com`";
    assert!(
        lines[0].starts_with("warn  ") && lines[0].contains(told),
        "{lines:?}"
    );
    let off = [settings[0], ("ADMIN", "off")];
    assert_eq!(check(&shell, &off), (0, Vec::new()));
}

/// A block that is not found is not served: clients miss the intermediate certificate.
#[tokio::test]
async fn joined_pem_blocks_are_refused_with_file_and_line() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let file = |name: &str| shell.path().join("certs").join(name);
    let (cert, key) = (
        fs::read_to_string(file("cert.pem")).unwrap(),
        fs::read_to_string(file("key.pem")).unwrap(),
    );
    let last = cert.lines().count();
    let joined = format!("{}{cert}", cert.trim_end());
    let with_mark = format!("\u{feff}{cert}");

    for (name, text, line) in [
        ("cert.pem", &joined, last),
        ("cert.pem", &with_mark, 1),
        ("key.pem", &format!("{}{key}", cert.trim_end()), last),
        ("key.pem", &format!("# {key}"), 1),
    ] {
        fs::write(file(name), text).unwrap();
        let (code, lines) = check(&shell, &[]);
        fs::write(file("cert.pem"), &cert).unwrap();
        fs::write(file("key.pem"), &key).unwrap();

        assert_eq!((code, lines.len()), (1, 1), "{lines:?}");
        let told = format!("`certs/{name}`: line {line}: ");
        assert!(lines[0].contains(&told), "{told}: {lines:?}");
    }
    for name in ["TLS_CLIENT_CA", "JWKS_URI_CA"] {
        for text in [&joined, &with_mark] {
            fs::write(file("ca.pem"), text).unwrap();
            let settings = [("JWKS_URI_HOSTS", "keys.example"), (name, "certs/ca.pem")];
            let ran = Ran::from(shell.command(&["check"]).envs(settings).output().unwrap());

            assert_eq!(ran.code, 1, "{ran:?}");
            assert!(
                ran.out.contains(&format!("{name}: `certs/ca.pem`: line ")),
                "{ran:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_certificate_and_its_key_may_be_in_one_file() {
    let shell = Shell::migrated().await;
    shell.certificate();
    let file = |name: &str| shell.path().join("certs").join(name);
    let both = ["key.pem", "cert.pem"].map(|it| fs::read_to_string(file(it)).unwrap());
    fs::write(file("both.pem"), both.concat()).unwrap();

    let settings = [
        ("TLS_CERT", "certs/both.pem"),
        ("TLS_KEY", "certs/both.pem"),
    ];

    assert_eq!(check(&shell, &settings), (0, Vec::new()));
}
