//! Where the server listens, and which proxies it believes.

use super::{SECRET, config, mistakes};

#[test]
fn operators_programs_are_served_on_the_loopback_interface_unless_it_is_set_otherwise() {
    let with = |settings: &[(&str, &str)]| {
        let settings = [&[("SECRET", SECRET)], settings].concat();
        config(&settings).map(|config| config.http.ops_listen)
    };

    assert_eq!(with(&[]), Ok("127.0.0.1:2601".parse().ok()));
    assert_eq!(with(&[("OPS_LISTEN", "off")]), Ok(None));
    let everywhere = with(&[("OPS_LISTEN", "0.0.0.0:9000")]);
    assert_eq!(everywhere, Ok("0.0.0.0:9000".parse().ok()));
    let refused = with(&[("OPS_LISTEN", "2601")]).unwrap_err();
    assert_eq!(refused.0[0].name, "OPS_LISTEN");
}

#[test]
fn whose_connections_are_is_said_by_trusted_proxies_only() {
    for name in ["PROXY_PROTOCOL", "ADMIN_PROXY_PROTOCOL"] {
        let base = [("SECRET", SECRET), (name, "required")];
        assert_eq!(mistakes(&base).0, [name]);
        let trusted = [&base[..], &[("TRUSTED_PROXIES", "10.0.0.1")]].concat();
        assert!(config(&trusted).is_ok());
        assert_eq!(mistakes(&[("SECRET", SECRET), (name, "v1")]).0, [name]);
    }
}

#[test]
fn addresses_in_a_header_are_believed_from_trusted_proxies_only() {
    for header in ["x-forwarded-for", "forwarded"] {
        let base = [("SECRET", SECRET), ("CLIENT_ADDRESS_FROM", header)];
        assert_eq!(mistakes(&base).0, ["CLIENT_ADDRESS_FROM"]);
        let trusted = [&base[..], &[("TRUSTED_PROXIES", "10.0.0.1")]].concat();
        assert!(config(&trusted).is_ok());
    }
    for bad in ["X-Forwarded-For", "x-real-ip", "x-forwarded-for forwarded"] {
        let bad = [("SECRET", SECRET), ("CLIENT_ADDRESS_FROM", bad)];
        assert_eq!(mistakes(&bad).0, ["CLIENT_ADDRESS_FROM"]);
    }
}

#[test]
fn without_tls_other_machines_can_connect_only_where_proxies_are_named() {
    let at = |address| [("SECRET", SECRET), ("PLAIN_LISTEN", address)];
    for here in ["127.0.0.1:8080", "[::1]:8080", "unix:/run/plain.sock"] {
        assert!(config(&at(here)).is_ok(), "{here}");
    }
    for beyond in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080"] {
        assert_eq!(mistakes(&at(beyond)).0, ["PLAIN_LISTEN"], "{beyond}");
        let trusted = [&at(beyond)[..], &[("TRUSTED_PROXIES", "10.0.0.1")]].concat();
        assert!(config(&trusted).is_ok(), "{beyond}");
    }
}
