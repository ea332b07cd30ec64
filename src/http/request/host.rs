//! Owns whether a request says exactly once which host it is for (RFC 9112 §3.2, RFC 9113 §8.3.1). A proxy in front may
//! have read the other one. Looked at is what comes over a connection.

use axum::http::header::HOST;
use axum::http::{HeaderValue, Request, Uri, Version};

use crate::app::error::Error;

/// What is wrong with the host of a request, left in it for what answers.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct HostProblem(&'static str);

impl From<HostProblem> for Error {
    fn from(problem: HostProblem) -> Self {
        Self::invalid_request(problem.0)
    }
}

/// Fails for a request whose host is missing, ambiguous or malformed. HTTP/1.0 knows no `Host`.
pub(in crate::http) fn check_host<B>(request: &Request<B>) -> Result<(), HostProblem> {
    let mut headers = request.headers().get_all(HOST).iter();
    let (header, another) = (headers.next(), headers.next());
    let authority = request.uri().authority().map(|it| it.as_str().as_bytes());
    if another.is_some() {
        return Err(HostProblem("the request has more than one Host header"));
    }
    if header.is_none() && request.version() == Version::HTTP_11 {
        return Err(HostProblem("the request has no Host header"));
    }
    let header = header.map(HeaderValue::as_bytes);
    if [header, authority]
        .into_iter()
        .flatten()
        .any(|it| !is_host(it))
    {
        return Err(HostProblem("the request's host is malformed"));
    }
    match (header, authority) {
        (Some(header), Some(authority)) if !is_same(header, authority) => Err(HostProblem(
            "the Host header differs from the host in the request's target",
        )),
        _ => Ok(()),
    }
}

/// Leaves in a request what is wrong with its host, if anything is.
pub(in crate::http) fn mark_host_problem<B>(request: &mut Request<B>) {
    if let Err(problem) = check_host(request) {
        request.extensions_mut().insert(problem);
    }
}

/// The host that a request is for, with its port. HTTP/2 has it in the target, HTTP/1.1 in a header.
pub(in crate::http) fn host<'a>(
    uri: &'a Uri,
    headers: &'a axum::http::HeaderMap,
) -> Option<&'a str> {
    let authority = uri.authority().map(axum::http::uri::Authority::as_str);
    authority.or_else(|| headers.get(HOST)?.to_str().ok())
}

/// `uri-host [ ":" port ]` of RFC 3986, roughly: no space, no user, no path.
fn is_host(text: &[u8]) -> bool {
    let is_allowed = |b: &u8| b.is_ascii_alphanumeric() || b"-._~:[]%!$&'()*+,;=".contains(b);
    !text.is_empty() && text.iter().all(is_allowed)
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    let without_port = |host: &'_ [u8]| host.len() - if host.ends_with(b":443") { 4 } else { 0 };
    one[..without_port(one)].eq_ignore_ascii_case(&other[..without_port(other)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(version: Version, target: &str, hosts: &[&str]) -> Option<&'static str> {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        check_host(&request.body(()).unwrap()).err().map(|it| it.0)
    }

    #[test]
    fn a_request_has_one_host() {
        let (v10, v11, v2) = (Version::HTTP_10, Version::HTTP_11, Version::HTTP_2);
        for (version, target, hosts) in [
            (v11, "/", &["a.test"][..]),
            (v11, "/", &["[::1]:2600"]),
            (v11, "https://a.test:443/", &["A.test"]),
            (v10, "/", &[]),
            (v10, "/", &["a.test"]),
            (v2, "https://a.test/", &[]),
            (v2, "https://a.test/", &["a.test"]),
        ] {
            assert_eq!(
                check(version, target, hosts),
                None,
                "{version:?} {target} {hosts:?}"
            );
        }
        for (version, target, hosts, problem) in [
            (v11, "/", &[][..], "no Host"),
            (v11, "/", &[""], "malformed"),
            (v11, "/", &["a.test", "a.test"], "more than one"),
            (v10, "/", &["a.test", "b.test"], "more than one"),
            (v11, "/", &["a.test b.test"], "malformed"),
            (v11, "/", &["x@a.test"], "malformed"),
            (v11, "https://a.test/", &[], "no Host"),
            (v11, "https://a.test/", &["b.test"], "differs"),
            (v2, "https://a.test/", &["b.test"], "differs"),
            (v2, "https://a.test/", &["a.test:444"], "differs"),
            (v2, "https://x@a.test/", &[], "malformed"),
        ] {
            let found = check(version, target, hosts);
            assert!(
                found.is_some_and(|it| it.contains(problem)),
                "{target} {hosts:?}: {found:?}"
            );
        }
    }
}
