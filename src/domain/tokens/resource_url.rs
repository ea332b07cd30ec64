//! Owns which audiences are URLs of protected resources, and where the metadata of such a resource is (RFC 9728 §3). Knows nothing of
//! whose they are.

use crate::domain::Audience;

/// The path of the metadata of protected resources (RFC 9728 §3).
pub const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// The place of a protected resource: its host in lower case without the port 443, and what stands behind it. A slash alone behind
/// the host is none (RFC 9728 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourcePlace(String);

impl ResourcePlace {
    /// The place of the resource with this identifier; `None` unless it is an https URL without fragment (RFC 9728 §1.2).
    pub fn of(identifier: &Audience) -> Option<Self> {
        let rest = identifier.as_str().strip_prefix("https://")?;
        let (host, behind) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        // What no URL has: it could not stand in a challenge either.
        let is_url = !behind.contains(['#', '"', '\\', '<', '>', '^', '`', '{', '|', '}']);
        if is_url {
            Self::new(host, behind)
        } else {
            None
        }
    }

    /// The place at this host, with what stands behind it: a path, a query, both or nothing. `None` for what is no host.
    pub fn new(host: &str, behind: &str) -> Option<Self> {
        let host = host.strip_suffix(":443").unwrap_or(host);
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
        let behind = match behind.strip_prefix('/') {
            Some(query) if query.is_empty() || query.starts_with('?') => query,
            Some(_) | None => behind,
        };
        let is_host = !host.is_empty() && host.bytes().all(is_allowed);
        is_host.then(|| Self(format!("{}{behind}", host.to_ascii_lowercase())))
    }

    /// The place as one text, the host first.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(identifier: &str) -> Option<String> {
        let place = ResourcePlace::of(&Audience::parse(identifier).unwrap());
        place.map(|place| place.0)
    }

    #[test]
    fn a_place_is_host_and_path_without_what_spellings_of_a_host_differ_in() {
        for (identifier, expected) in [
            ("https://a.test", "a.test"),
            ("https://a.test/", "a.test"),
            ("https://A.Test:443/Mcp", "a.test/Mcp"),
            ("https://a.test:8443/mcp/", "a.test:8443/mcp/"),
            ("https://a.test/mcp?x=/y", "a.test/mcp?x=/y"),
            ("https://a.test?x=y", "a.test?x=y"),
            ("https://a.test/?x=y", "a.test?x=y"),
            ("https://[::1]:8443/a", "[::1]:8443/a"),
        ] {
            assert_eq!(place(identifier).as_deref(), Some(expected), "{identifier}");
        }
    }

    #[test]
    fn what_is_no_https_url_has_no_place() {
        for identifier in [
            "invoices",
            "http://a.test/mcp",
            "HTTPS://a.test",
            "urn:a:b",
            "https:",
            "https://",
            "https:///mcp",
            "https://?x",
            "https://a.test/#x",
            "https://a.test/mcp\"x",
            "https://a.test/a\\b",
            "https://user@a.test/",
            "https://a.test,b.test/",
        ] {
            assert_eq!(place(identifier), None, "{identifier}");
        }
    }
}
