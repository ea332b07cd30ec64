//! Owns which address a caller has, where a trusted proxy says so in a header (`CLIENT_ADDRESS_FROM`).
//!
//! Each proxy adds the address from which it was asked at the right end. Of what stands left of the first address that is no
//! trusted proxy, anybody may be the author.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::app::error::{Error, Result};
use crate::config::{ClientAddressSource, ProxiesConfig};

/// From where a proxy was asked; `None`: it does not say (RFC 7239 §6.2 and §6.3).
type Hop = Option<IpAddr>;

/// Reads a line of a header; `None`: it is malformed.
type Parse = fn(&str) -> Option<Vec<Hop>>;

/// The caller's address. An error when a trusted proxy does not say it: the proxy's own would be taken for that of all callers.
pub(in crate::http) fn client_address(
    headers: &HeaderMap,
    peer: IpAddr,
    proxies: &ProxiesConfig,
) -> Result<IpAddr> {
    let (name, parse): (_, Parse) = match proxies.client_address_from {
        ClientAddressSource::Connection => return Ok(peer),
        ClientAddressSource::XForwardedFor => ("X-Forwarded-For", parse_forwarded_for),
        ClientAddressSource::Forwarded => ("Forwarded", parse_forwarded),
    };
    if !proxies.are_trusted(peer) {
        return Ok(peer);
    }
    let mut hops = Vec::new();
    for line in headers.get_all(name) {
        let line = line.to_str().ok().and_then(parse);
        hops.extend(
            line.ok_or_else(|| Error::invalid_request(format!("the proxy's {name} is malformed")))?,
        );
    }
    if hops.is_empty() {
        let description =
            format!("the proxy's request has no {name} with the address of its caller");
        return Err(Error::invalid_request(description));
    }
    choose(&hops, proxies).ok_or_else(|| {
        let description = format!("the proxy's {name} does not name its caller by an address");
        Error::invalid_request(description)
    })
}

/// The rightmost address that is no trusted proxy, or the leftmost if all are.
fn choose(hops: &[Hop], proxies: &ProxiesConfig) -> Hop {
    let is_proxy = |hop: &&Hop| hop.is_some_and(|address| proxies.are_trusted(address));
    let caller = hops.iter().rev().find(|hop| !is_proxy(hop));
    *caller.or(hops.first())?
}

/// Addresses separated by commas, each perhaps with a port.
fn parse_forwarded_for(line: &str) -> Option<Vec<Hop>> {
    let hops = line.split(',').map(str::trim);
    hops.map(|hop| match hop.parse::<IpAddr>() {
        Ok(address) => Some(Some(address.to_canonical())),
        Err(_) => parse_node(hop),
    })
    .collect()
}

/// RFC 7239 §4. An element without `for` is a hop that does not say from where.
fn parse_forwarded(line: &str) -> Option<Vec<Hop>> {
    let mut rest = line;
    let mut hops = Vec::new();
    loop {
        let (pairs, behind) = take_element(rest)?;
        // RFC 9110 §5.6.1.2: an empty element counts for nothing.
        if !pairs.is_empty() {
            let mut senders = pairs
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case("for"));
            hops.push(match (senders.next(), senders.next()) {
                (None, _) => None,
                (Some((_, node)), None) => parse_node(node)?,
                (Some(_), Some(_)) => return None,
            });
        }
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None => return behind.is_empty().then_some(hops),
        }
    }
}

/// The pairs up to a comma or the end, and what is behind them.
fn take_element(text: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t']);
    loop {
        if !rest.starts_with([';', ',']) && !rest.is_empty() {
            let (name, behind) = take_token(rest)?;
            let (value, behind) = take_value(behind.strip_prefix('=')?)?;
            pairs.push((name, value));
            rest = behind.trim_start_matches([' ', '\t']);
        }
        match rest.strip_prefix(';') {
            Some(next) => rest = next.trim_start_matches([' ', '\t']),
            None => return Some((pairs, rest)),
        }
    }
}

fn take_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return take_token(text).map(|(value, rest)| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// RFC 9110 §5.6.2.
fn take_token(text: &str) -> Option<(&str, &str)> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let end = text
        .bytes()
        .position(|b| !is_token(b))
        .unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// RFC 7239 §6: an IPv4 address, an IPv6 address in brackets, `unknown` or a made-up name, each perhaps with a port.
fn parse_node(node: &str) -> Option<Hop> {
    let is_obfuscated = |text: &str| {
        let rest = text.strip_prefix('_').filter(|rest| !rest.is_empty());
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        rest.is_some_and(|rest| rest.bytes().all(is_allowed))
    };
    let (name, port) = match node.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let address: std::net::Ipv6Addr = address.parse().ok()?;
            let address = IpAddr::V6(address).to_canonical();
            (Some(address), port)
        }
        None => {
            let (name, port) = node.split_at(node.find(':').unwrap_or(node.len()));
            if name.eq_ignore_ascii_case("unknown") || is_obfuscated(name) {
                (None, port)
            } else {
                let address: std::net::Ipv4Addr = name.parse().ok()?;
                (Some(IpAddr::V4(address)), port)
            }
        }
    };
    let is_port = |text: &str| {
        let is_number = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        is_number || is_obfuscated(text)
    };
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    /// The proxies are at 10.0.0.0/8.
    fn found(source: ClientAddressSource, peer: &str, lines: &[&str]) -> Result<String, String> {
        let mut proxies = ProxiesConfig::trusting("10.0.0.0/8");
        proxies.client_address_from = source;
        let name = match source {
            ClientAddressSource::Forwarded => "forwarded",
            ClientAddressSource::Connection | ClientAddressSource::XForwardedFor => {
                "x-forwarded-for"
            }
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_str(line).unwrap());
        }
        let found = client_address(&headers, peer.parse().unwrap(), &proxies);
        let found = found.map(|address| address.to_string());
        found.map_err(|error| error.description.to_string())
    }

    fn forwarded_for(lines: &[&str]) -> Result<String, String> {
        found(ClientAddressSource::XForwardedFor, "10.0.0.1", lines)
    }

    fn forwarded(lines: &[&str]) -> Result<String, String> {
        found(ClientAddressSource::Forwarded, "10.0.0.1", lines)
    }

    #[test]
    fn the_rightmost_address_that_is_no_trusted_proxy_counts_or_the_leftmost_if_all_are() {
        for (lines, address) in [
            (&["192.0.2.7"][..], "192.0.2.7"),
            (&["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
            (&["198.51.100.1, 192.0.2.7, 10.0.0.9"], "192.0.2.7"),
            (&["198.51.100.1", "192.0.2.7"], "192.0.2.7"),
            (&["192.0.2.7, 10.0.0.8", "10.0.0.9"], "192.0.2.7"),
            (&["10.0.0.8,192.0.2.7"], "192.0.2.7"),
            (&["unknown, 192.0.2.7"], "192.0.2.7"),
            (&["192.0.2.7:50000"], "192.0.2.7"),
            (&["[::ffff:192.0.2.7]:443"], "192.0.2.7"),
            (&["::ffff:192.0.2.7"], "192.0.2.7"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]:443"], "2001:db8::1"),
            (&["10.0.0.7, 10.0.0.8"], "10.0.0.7"),
            (&["10.0.0.7", "10.0.0.8"], "10.0.0.7"),
        ] {
            assert_eq!(forwarded_for(lines).unwrap(), address, "{lines:?}");
        }
        let all_trusted = forwarded(&["for=10.0.0.7, for=10.0.0.8"]);
        assert_eq!(all_trusted.unwrap(), "10.0.0.7");
    }

    #[test]
    fn a_header_that_is_missing_or_malformed_is_an_error() {
        let lines: [&[&str]; 12] = [
            &[],
            &[""],
            &["unknown"],
            &["proxy.example"],
            &["192.0.2.7,"],
            &["192.0.2.7, , 10.0.0.2"],
            &["192.0.2.7; 10.0.0.2"],
            &["192.0.2.7 10.0.0.2"],
            &["nonsense, 192.0.2.7"],
            &["192.0.2.7", "nonsense"],
            &["192.0.2.7:x"],
            &["192.0.2.7, unknown, 10.0.0.2"],
        ];
        for lines in lines {
            assert!(forwarded_for(lines).is_err(), "{lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_has_it() {
        for lines in [
            &["for=192.0.2.7"][..],
            &["For=192.0.2.7;proto=https;by=203.0.113.43"],
            &["proto=http; for=\"192.0.2.7:50000\" , For=10.0.0.2"],
            &["for=_hidden, for=unknown;host=x", "for=192.0.2.7"],
            &[", ,for=192.0.2.7,"],
            &["for=\"[::ffff:192.0.2.7]:_port\";host=\"a, b; for=198.51.100.1\""],
            &[r#"for="192\.0.2.7""#],
        ] {
            assert_eq!(forwarded(lines).as_deref(), Ok("192.0.2.7"), "{lines:?}");
        }
        let v6 = forwarded(&["for=\"[2001:db8:cafe::17]:4711\""]);
        assert_eq!(v6.unwrap(), "2001:db8:cafe::17");
        for line in [
            "",
            "for",
            "for=",
            "for=192.0.2.7:80",
            "for=[2001:db8::1]",
            "for=\"2001:db8::1\"",
            "for=\"192.0.2.7",
            "for=192.0.2.7;for=192.0.2.8",
            "for=192.0.2.7 for=192.0.2.8",
            "for=unknown",
            "for=_hidden",
            "proto=https",
            "for=192.0.2.7, by=10.0.0.2",
            "for = 192.0.2.7",
        ] {
            assert!(forwarded(&[line]).is_err(), "{line}");
        }
    }

    #[test]
    fn of_anybody_else_and_by_default_the_address_of_the_connection_counts() {
        for source in [
            ClientAddressSource::XForwardedFor,
            ClientAddressSource::Forwarded,
        ] {
            for lines in [&["198.51.100.1"][..], &["for=198.51.100.1"], &["?"], &[]] {
                assert_eq!(found(source, "192.0.2.9", lines).unwrap(), "192.0.2.9");
            }
        }
        let by_default = found(ClientAddressSource::Connection, "10.0.0.1", &["192.0.2.7"]);
        assert_eq!(by_default.unwrap(), "10.0.0.1");
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in any::<String>(), list in "[-_a-z0-9:.,;=\"\\\\ \\[\\]]{0,60}") {
            for line in [&line, &list] {
                let _ = parse_forwarded(line);
                let _ = parse_forwarded_for(line);
            }
        }

        #[test]
        fn what_a_caller_sends_itself_never_counts(theirs in "[0-9a-f:., ]{0,40}") {
            let Ok(address) = forwarded_for(&[&theirs, "192.0.2.7"]) else { return Ok(()) };
            prop_assert_eq!(address, "192.0.2.7");
        }
    }
}
