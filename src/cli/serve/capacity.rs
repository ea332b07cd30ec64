//! Owns what is said of limits of the system that are too low for the settings: descriptors, memory, and the queue of
//! connections.

use crate::base::process_limits;
use crate::cli::serve::listener::BACKLOG;
use crate::config::Config;
use crate::http::{own_descriptors, room_for_connections};

/// Memory of an idle connection, TLS included: 30 KiB were measured (`bench/faults`, 10,000 of them).
const CONNECTION_BYTES: u64 = 32 << 10;

/// Memory of a server that has just started.
const IDLE_BYTES: u64 = 32 << 20;

/// Limits of the system; `None`: there is none, or it cannot be read.
struct Limits {
    descriptors: Option<u64>,
    memory: Option<u64>,
    listen_queue: Option<u64>,
}

/// Lets the process have as many descriptors as it may.
pub(super) fn raise_descriptor_limit() {
    if let Err(error) = process_limits::raise_descriptor_limit() {
        tracing::warn!("cannot raise the limit of descriptors to the hard limit: {error}");
    }
}

/// What an operator should change, each with its variable.
pub(super) fn find(config: &Config) -> Vec<String> {
    let limits = Limits {
        descriptors: process_limits::hard_descriptor_limit(),
        memory: process_limits::memory_limit(),
        listen_queue: process_limits::listen_queue_limit(),
    };
    limits.find_problems(config)
}

impl Limits {
    fn find_problems(&self, config: &Config) -> Vec<String> {
        let problems = [
            self.find_few_descriptors(config),
            self.find_little_memory(config),
            self.find_short_queue(),
        ];
        problems.into_iter().flatten().collect()
    }

    fn find_few_descriptors(&self, config: &Config) -> Option<String> {
        let limit = usize::try_from(self.descriptors?).unwrap_or(usize::MAX);
        let needed = connections(config).saturating_add(own_descriptors(config));
        (needed > limit).then(|| {
            format!(
                "MAX_CONNECTIONS: {} connections and the server itself need {needed} descriptors, but the process may \
                    have only {limit}: raise LimitNOFILE (`ulimit -Hn`), or lower MAX_CONNECTIONS; until then the \
                    server accepts {} connections",
                connections(config),
                room_for_connections(limit, config)
            )
        })
    }

    fn find_little_memory(&self, config: &Config) -> Option<String> {
        let limit = self.memory?;
        let connections = connections(config);
        let of_connections = (connections as u64).saturating_mul(CONNECTION_BYTES);
        let needed = of_connections.saturating_add(own_memory(config));
        (needed > limit).then(|| {
            format!(
                "MAX_CONNECTIONS: {connections} connections and the caches need about {} MiB of memory, but the \
                    control group allows only {} MiB: raise the memory limit, or lower MAX_CONNECTIONS",
                needed >> 20,
                limit >> 20
            )
        })
    }

    fn find_short_queue(&self) -> Option<String> {
        let limit = self.listen_queue?;
        (limit < u64::from(BACKLOG.unsigned_abs())).then(|| {
            format!(
                "net.core.somaxconn is {limit}: only that many connections can wait to be accepted, and the system \
                    delays others by a second or more; set it to {BACKLOG}"
            )
        })
    }
}

/// Connections of all listeners that have `MAX_CONNECTIONS`.
fn connections(config: &Config) -> usize {
    let admin = &config.admin;
    let plain = config.proxies.plain.listen.is_some();
    let listeners =
        1 + usize::from(admin.is_on && admin.listen_addr.is_some()) + usize::from(plain);
    config.http.max_connections.saturating_mul(listeners)
}

/// What the server takes without connections: the caches when they are full, and the memory of hashing: the lanes of
/// generated and of chosen secrets have `HASHING_THREADS` each, the portal's has one.
fn own_memory(config: &Config) -> u64 {
    let authentication = &config.authentication;
    let [generated, chosen] = [
        authentication.argon2_generated,
        authentication.argon2_chosen,
    ]
    .map(|work| u64::from(work.m) << 10);
    let hashing = (authentication.hashing_threads as u64)
        .saturating_mul(generated.saturating_add(chosen))
        .saturating_add(chosen);
    IDLE_BYTES
        .saturating_add(authentication.client_cache_size)
        .saturating_add(config.token.cache_size)
        .saturating_add(hashing)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1,000 connections, and caches of 48 MiB.
    fn problems(settings: &[(&str, &str)], limits: &Limits) -> Vec<String> {
        let base = [
            ("SECRET", "a secret for tests, of more than 32 bytes"),
            ("MAX_CONNECTIONS", "1000"),
            ("HASHING_THREADS", "1"),
        ];
        let config = Config::from_lookup(|name| {
            let mut found = settings.iter().chain(&base);
            let found = found.find(|(theirs, _)| *theirs == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        limits.find_problems(&config.unwrap())
    }

    const NONE: Limits = Limits {
        descriptors: None,
        memory: None,
        listen_queue: None,
    };

    #[test]
    fn without_limits_nothing_is_said() {
        assert_eq!(problems(&[], &NONE), Vec::<String>::new());
    }

    #[test]
    fn descriptors_are_needed_for_each_connection_of_each_listener_and_for_the_server() {
        let limits = |descriptors| Limits {
            descriptors: Some(descriptors),
            ..NONE
        };
        let admin = [("ADMIN_LISTEN", "127.0.0.1:1")];

        let few = problems(&[], &limits(1_000));

        assert!(
            few[0].starts_with("MAX_CONNECTIONS: 1000 connections"),
            "{few:?}"
        );
        assert!(few[0].contains("may have only 1000"), "{few:?}");
        assert_eq!(problems(&[], &limits(2_000)), Vec::<String>::new());
        let few = problems(&admin, &limits(2_000));
        assert!(few[0].contains("2000 connections"), "{few:?}");
    }

    #[test]
    fn memory_is_needed_for_connections_and_caches() {
        let limits = |mebibytes: u64| Limits {
            memory: Some(mebibytes << 20),
            ..NONE
        };

        let little = problems(&[], &limits(148));

        assert!(little[0].contains("about 150 MiB"), "{little:?}");
        assert!(little[0].contains("allows only 148 MiB"), "{little:?}");
        assert_eq!(problems(&[], &limits(151)), Vec::<String>::new());
        let fewer = [("MAX_CONNECTIONS", "900")];
        assert_eq!(problems(&fewer, &limits(148)), Vec::<String>::new());
    }

    #[test]
    fn the_limit_of_the_kubernetes_manifests_is_enough() {
        let read = |name: &str| std::fs::read_to_string(format!("deploy/{name}")).unwrap();
        let limits = Limits {
            memory: Some(640 << 20),
            ..NONE
        };
        let settings = [
            ("MAX_CONNECTIONS", "5000"),
            ("ADMIN_LISTEN", "0.0.0.0:2602"),
            ("HASHING_THREADS", "2"),
        ];
        for file in ["kubernetes/deployment.yaml", "helm/values.yaml"] {
            assert!(read(file).contains("memory: 640Mi\n"), "{file}");
        }
        let literals = read("kubernetes/kustomization.yaml");
        for (name, value) in settings {
            assert!(literals.contains(&format!("- {name}={value}\n")), "{name}");
        }
        assert!(read("helm/values.yaml").contains("MAX_CONNECTIONS: \"5000\""));
        assert_eq!(problems(&settings, &limits), Vec::<String>::new());
    }

    #[test]
    fn a_queue_that_is_shorter_than_ours_is_named() {
        let limits = |listen_queue| Limits {
            listen_queue: Some(listen_queue),
            ..NONE
        };

        let short = problems(&[], &limits(128));

        assert!(
            short[0].starts_with("net.core.somaxconn is 128"),
            "{short:?}"
        );
        assert_eq!(problems(&[], &limits(4_096)), Vec::<String>::new());
    }
}
