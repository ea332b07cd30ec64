//! Owns what is dangerous in how the database is reached and kept, and yet does not keep anybody from using it.

use std::net::IpAddr;
use std::path::PathBuf;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::base::private_file::exposure;
use crate::store::db::connect::{DatabaseOptions, postgres, split_parameters};
use crate::store::db::sqlite::sqlite_file;

/// What SQLite appends to the name of its file for those beside it.
const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

impl DatabaseOptions {
    /// What an operator should change. Nothing of a URL that does not parse, which is an error elsewhere.
    pub fn warnings(&self) -> Vec<String> {
        let url = self.url.expose();
        if url.starts_with("sqlite:") {
            return self.exposed_files();
        }
        if !url.starts_with("postgres") {
            return Vec::new();
        }
        let Ok(server) = postgres(url, self) else {
            return Vec::new();
        };
        let unknown = split_parameters(url).map_or_else(|_| Vec::new(), |(_, unknown)| unknown);
        let warning = |name| format!("the URL's parameter `{name}` is unknown and ignored");
        let unknown = unknown.into_iter().map(warning);
        unencrypted(&server).into_iter().chain(unknown).collect()
    }

    fn exposed_files(&self) -> Vec<String> {
        let Ok(Some(file)) = sqlite_file(self) else {
            return Vec::new();
        };
        let named = |suffix: &&str| {
            let mut name = file.as_os_str().to_owned();
            name.push(suffix);
            exposure(&PathBuf::from(name))
        };
        BESIDE.iter().filter_map(named).collect()
    }
}

/// The default of a URL, `prefer`, goes on without TLS when anybody on the way says that there is none.
fn unencrypted(server: &PgConnectOptions) -> Option<String> {
    let mode = match server.get_ssl_mode() {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => return None,
    };
    let host = server.get_host();
    if server.get_socket().is_some() || is_loopback(host) {
        return None;
    }
    Some(format!(
        "the connection to {host} may be without TLS (sslmode={mode}); add `sslmode=verify-full` to the URL, and \
         `sslrootcert=FILE` for an authority of your own"
    ))
}

fn is_loopback(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    last.is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
        || address.is_ok_and(|it| it.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use crate::store::db::connect::tests::options;

    fn warnings(url: &str) -> Vec<String> {
        options(url).warnings()
    }

    #[test]
    fn a_postgres_elsewhere_without_tls_is_warned_of() {
        for url in [
            "postgres://user:hunter2@db.test/tokens",
            "postgresql://user:hunter2@192.0.2.1/tokens?sslmode=disable",
            "postgres://user:hunter2@localhost/tokens?host=db.test&sslmode=allow",
            "postgres://user:hunter2@db.test/tokens?sslmode=prefer",
        ] {
            let found = warnings(url);
            assert_eq!(found.len(), 1, "{url}: {found:?}");
            assert!(found[0].contains("sslmode=verify-full"), "{found:?}");
            assert!(!found[0].contains("hunter2"), "{found:?}");
        }
    }

    #[test]
    fn a_postgres_with_tls_or_on_this_machine_is_not() {
        for url in [
            "postgres://user:hunter2@db.test/tokens?sslmode=verify-full",
            "postgres://user:hunter2@db.test/tokens?sslmode=require",
            "postgres://user:hunter2@localhost/tokens",
            "postgres://user:hunter2@127.0.0.2/tokens?sslmode=disable",
            "postgres://user:hunter2@[::1]/tokens",
            "postgres://user@localhost/tokens?host=/var/run/postgresql",
            "mysql://user:hunter2@db.test/tokens",
        ] {
            assert_eq!(warnings(url), Vec::<String>::new(), "{url}");
        }
    }

    #[test]
    fn an_unknown_parameter_is_named_without_its_value() {
        let found = warnings("postgres://user@localhost/tokens?pasword=hunter2&connect_timeout=5");
        assert_eq!(
            found,
            [
                "the URL's parameter `pasword` is unknown and ignored",
                "the URL's parameter `connect_timeout` is unknown and ignored"
            ]
        );
    }
}
