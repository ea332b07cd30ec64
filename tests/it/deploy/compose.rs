use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use yaml_rust2::Yaml;

use super::{judge, names, ran, read, texts, yaml};
use crate::harness::make_program;

const FOLDER: &str = "deploy/compose";

/// The program `prepare` in a folder, where it makes the secrets.
pub(crate) fn prepare_in(folder: &Path) -> PathBuf {
    let program = folder.join("prepare");
    make_program(&program, &read("deploy/compose/prepare"));
    program
}

fn compose() -> Yaml {
    yaml("deploy/compose/compose.yaml")
}

#[test]
#[ignore = "interop"]
fn the_file_is_what_compose_takes() {
    let check = |path: &Path| {
        let mut check = judge("check-jsonschema");
        ran(check
            .args(["--builtin-schema", "vendor.compose-spec"])
            .arg(path))
    };
    let (is_good, said) = check(&Path::new(FOLDER).join("compose.yaml"));
    assert!(is_good, "{said}");

    let folder = TempDir::new().unwrap();
    let broken = folder.path().join("compose.yaml");
    let text = read("deploy/compose/compose.yaml").replace("read_only:", "readonly:");
    fs::write(&broken, text).unwrap();
    assert!(!check(&broken).0);
}

#[test]
fn two_replicas_stand_behind_haproxy() {
    let compose = compose();
    let services = compose["services"].as_hash().unwrap();
    let haproxy = read("deploy/compose/haproxy.cfg");
    let behind = texts(&compose["services"]["haproxy"]["depends_on"]);

    assert_eq!(behind.len(), 2);
    for replica in behind {
        assert!(services.contains_key(&Yaml::String(replica.to_owned())));
        let asked = format!(" {replica}:2600");
        // Among those that are ready, and among those that live.
        assert_eq!(haproxy.matches(&asked).count(), 2, "{replica}");
    }
}

#[test]
fn haproxy_alone_says_whose_a_connection_is() {
    let compose = compose();
    let haproxy = &compose["services"]["haproxy"]["networks"]["default"]["ipv4_address"];
    let settings = &compose["x-token-server"]["environment"];

    assert_eq!(settings["PROXY_PROTOCOL"].as_str(), Some("required"));
    assert_eq!(settings["TRUSTED_PROXIES"], *haproxy);
    let lines = read("deploy/compose/haproxy.cfg");
    assert_eq!(lines.matches(" send-proxy-v2 ").count(), 2);
}

#[test]
#[ignore = "interop"]
fn haproxy_understands_its_configuration() {
    let find = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; exec haproxy \"$@\"";
    let mut check = Command::new("sh");
    check.args(["-c", find, "sh", "-c", "-f", "deploy/compose/haproxy.cfg"]);

    let (is_good, said) = ran(&mut check);

    assert!(is_good, "{said}");
    // The names are Docker's.
    for warning in said.lines().filter(|line| line.starts_with("[WARNING]")) {
        assert!(warning.contains("could not resolve address"), "{said}");
    }
}

#[test]
fn what_prepare_makes_is_what_compose_reads_and_the_server_takes() {
    let folder = TempDir::new().unwrap();
    let prepare = prepare_in(folder.path());
    let (is_done, said) = ran(&mut Command::new(&prepare));
    assert!(is_done, "{said}");
    let secrets = folder.path().join("secrets");

    let compose = compose();
    let read_by_compose = compose["secrets"].as_hash().unwrap().values();
    let read_by_compose = read_by_compose.map(|secret| secret["file"].as_str().unwrap());
    let made = names(&secrets)
        .into_iter()
        .map(|name| format!("secrets/{name}"));
    assert_eq!(
        read_by_compose
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>(),
        made.collect()
    );
    // Others on this machine do not get as far as the files.
    let permissions = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (permissions(&secrets), permissions(&secrets.join("secret"))),
        (0o700, 0o644)
    );

    let file = |name: &str| secrets.join(name);
    let mut check = Command::new(env!("CARGO_BIN_EXE_token-server"));
    check
        .arg("check")
        .current_dir(folder.path())
        .env_clear()
        .env("SECRET_FILE", file("secret"))
        .env("DATABASE_URL", "sqlite::memory:")
        .env("TLS_CERT", file("cert.pem"))
        .env("TLS_KEY", file("key.pem"));
    let (is_good, said) = ran(&mut check);
    assert!(is_good, "{said}");
    let password = fs::read_to_string(file("postgres-password")).unwrap();
    let url = fs::read_to_string(file("database-url")).unwrap();
    assert!(url.contains(&format!(":{}@postgres/", password.trim())));
}

/// drills/compose.rs connects so to a real Postgres.
#[test]
fn replicas_know_postgres_by_an_authority_whose_key_is_gone() {
    let folder = TempDir::new().unwrap();
    let prepare = prepare_in(folder.path());
    assert!(ran(&mut Command::new(&prepare)).0);
    let secrets = folder.path().join("secrets");

    let url = fs::read_to_string(secrets.join("database-url")).unwrap();
    let ends = "?sslmode=verify-full&sslrootcert=/run/secrets/postgres-ca.pem\n";
    assert!(url.ends_with(ends), "{url}");
    let compose = compose();
    let server = texts(&compose["x-token-server"]["secrets"]);
    assert!(server.contains("postgres-ca.pem") && !server.contains("postgres-key.pem"));
    let key = fs::metadata(secrets.join("postgres-key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let keys = names(&secrets).into_iter().filter(|name| {
        let text = fs::read_to_string(secrets.join(name)).unwrap();
        text.contains("PRIVATE KEY")
    });
    assert_eq!(keys.collect::<Vec<_>>(), ["key.pem", "postgres-key.pem"]);
}

#[test]
fn prepare_names_an_address_from_before_postgres_had_tls() {
    let folder = TempDir::new().unwrap();
    let prepare = prepare_in(folder.path());
    fs::create_dir(folder.path().join("secrets")).unwrap();
    let old = "postgres://token_server:a@postgres/token_server\n";
    let file = folder.path().join("secrets/database-url");
    fs::write(&file, old).unwrap();

    let (is_done, said) = ran(&mut Command::new(&prepare));

    assert!(
        is_done && said.contains("has no sslmode=verify-full"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(file).unwrap(), old);
}

#[test]
fn each_replica_is_asked_for_its_health_and_the_first_lines_make_an_admin() {
    let compose = yaml("deploy/compose/compose.yaml");
    let test = &compose["x-replica"]["healthcheck"]["test"];
    let words = test.as_vec().unwrap().iter();
    let words: Vec<_> = words.map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words, ["CMD", "/usr/bin/token-server", "health"]);
    let source = read("deploy/compose/compose.yaml");
    assert!(source.contains("cli admin create olga --role owner\n"));
}

#[test]
fn what_prepare_has_made_it_leaves_alone() {
    let folder = TempDir::new().unwrap();
    let prepare = prepare_in(folder.path());
    let contents = || {
        assert!(ran(&mut Command::new(&prepare)).0);
        let files = names(folder.path().join("secrets")).into_iter();
        let files = files.map(|name| fs::read(folder.path().join("secrets").join(name)).unwrap());
        files.collect::<Vec<_>>()
    };

    assert_eq!(contents(), contents());
}
