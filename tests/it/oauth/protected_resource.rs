//! The metadata of protected resources (RFC 9728), and the challenges that lead to it.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::Caller;
use crate::harness::{Answer, TestApp};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// So long until what was written is read.
const LATER: i64 = 5;

async fn at_host(test: &TestApp, host: &str, behind: &str) -> Answer {
    let path = format!("{WELL_KNOWN}{behind}");
    test.get_with(&path, &[("host", host)]).await
}

#[track_caller]
fn assert_is(answer: &Answer, resource: &str) {
    assert_eq!(answer.status, 200, "{resource}: {}", answer.text());
    assert_eq!(
        answer.json(),
        json!({
            "resource": resource,
            "authorization_servers": ["https://tokens.test"],
            "bearer_methods_supported": ["header"],
        })
    );
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
}

/// RFC 9728 §3.1: the well-known path stands between the host and the path of the resource.
#[tokio::test]
async fn each_identifier_that_is_an_https_url_has_a_document_at_its_host_and_at_this_server() {
    let test = TestApp::new().await;
    for (id, identifiers) in [
        (
            "mcp",
            "https://mcp.test/mcp https://mcp.test:8443/mcp/ https://mcp.test/a?tenant=1",
        ),
        (
            "api",
            "https://api.test https://Big.test:443/ invoices http://plain.test/a",
        ),
    ] {
        Caller::service(&test, id, identifiers).await;
    }
    for (host, behind, resource) in [
        ("mcp.test", "/mcp", "https://mcp.test/mcp"),
        ("MCP.test:443", "/mcp", "https://mcp.test/mcp"),
        ("mcp.test:8443", "/mcp/", "https://mcp.test:8443/mcp/"),
        ("mcp.test", "/a?tenant=1", "https://mcp.test/a?tenant=1"),
        ("api.test", "", "https://api.test"),
        ("api.test", "/", "https://api.test"),
        ("big.test", "", "https://Big.test:443/"),
    ] {
        assert_is(&at_host(&test, host, behind).await, resource);
        let named = format!("/{}{behind}", host.trim_end_matches(":443"));
        assert_is(&at_host(&test, "tokens.test", &named).await, resource);
        assert_is(&test.get(&format!("{WELL_KNOWN}{named}")).await, resource);
    }
    for (host, behind) in [
        ("other.test", "/mcp"),
        ("mcp.test", "/mcp/"),
        ("mcp.test", "/MCP"),
        ("mcp.test", "/mcp/x"),
        ("mcp.test", "/mcp?x=1"),
        ("mcp.test", "/a"),
        ("mcp.test", ""),
        ("mcp.test:8443", "/mcp"),
        ("plain.test", "/a"),
        ("invoices", ""),
        ("tokens.test", ""),
        ("tokens.test", "/invoices"),
        ("tokens.test", "/mcp"),
        ("tokens.test", "/https://mcp.test/mcp"),
        ("tokens.test", "/%6dcp.test/mcp"),
    ] {
        let answer = at_host(&test, host, behind).await;
        answer.assert_error(404, "not_found");
    }
}

#[tokio::test]
async fn the_host_that_a_trusted_proxy_tells_counts_and_nobody_elses() {
    let test = TestApp::with(&[("TRUSTED_PROXIES", "192.0.2.7")]).await;
    Caller::service(&test, "mcp", "https://mcp.test/mcp").await;
    let ask = async |source: &str, hosts: &[&str]| {
        let mut request = Request::get(format!("{WELL_KNOWN}/mcp")).header("host", "inside");
        for host in hosts {
            request = request.header("x-forwarded-host", *host);
        }
        test.call_from(source, request.body(Body::empty()).unwrap())
            .await
    };
    assert_is(
        &ask("192.0.2.7", &["mcp.test"]).await,
        "https://mcp.test/mcp",
    );
    let stranger = ask("192.0.2.8", &["mcp.test"]).await;
    stranger.assert_error(404, "not_found");
    let twice = ask("192.0.2.7", &["mcp.test", "other.test"]).await;
    twice.assert_error(404, "not_found");
}

#[tokio::test]
async fn what_is_written_is_read_within_seconds_and_what_is_known_outlives_the_database() {
    let test = TestApp::new().await;
    test.get(&format!("{WELL_KNOWN}/mcp.test"))
        .await
        .assert_error(404, "not_found");
    Caller::service(&test, "mcp", "https://mcp.test").await;
    test.clock.advance(LATER);
    let found = test.get(&format!("{WELL_KNOWN}/mcp.test")).await;
    assert_is(&found, "https://mcp.test");

    test.app.store().close().await;
    test.clock.advance(LATER);
    for _ in 0..3 {
        let found = test.get(&format!("{WELL_KNOWN}/mcp.test")).await;
        assert_is(&found, "https://mcp.test");
    }
}

#[tokio::test]
async fn without_the_database_nothing_is_denied() {
    let test = TestApp::new().await;
    test.app.store().close().await;
    for _ in 0..2 {
        let answer = test.get(&format!("{WELL_KNOWN}/mcp.test")).await;
        answer.assert_error(503, "temporarily_unavailable");
    }
    let refused = test.get("/verify?audience=https://mcp.test").await;
    refused.assert_error(401, "invalid_token");
    assert!(
        !refused
            .header("www-authenticate")
            .contains("resource_metadata")
    );
}

/// RFC 9728 §5.1. The URL is one of this server, which answers there whatever stands in front of the resource.
#[tokio::test]
async fn a_challenge_at_verify_leads_to_the_metadata_of_the_audience_that_is_required() {
    let test = TestApp::new().await;
    let caller = Caller::new(
        &test,
        "agent",
        "read",
        "https://mcp.test/mcp https://other.test",
    )
    .await;
    Caller::service(&test, "mcp", "https://mcp.test/mcp invoices").await;
    let token = caller.token().await;
    let (good, bad) = (format!("Bearer {token}"), "Bearer a.b.c".to_owned());
    let url = format!("https://tokens.test{WELL_KNOWN}/mcp.test/mcp");
    let parameter = format!(", resource_metadata=\"{url}\"");
    let required = "audience=https://mcp.test/mcp";

    for (path, authorization, status) in [
        (format!("/verify?{required}"), "", 401),
        (format!("/verify?{required}"), &*bad, 401),
        (format!("/verify?{required}&scope=delete"), &*good, 403),
        (format!("/verify/requiring/{required}/x"), "", 401),
        (
            format!("/verify/requiring/{}/x", required.replace('/', "%2F")),
            &*bad,
            401,
        ),
    ] {
        let headers = [("authorization", authorization)];
        let answer = test
            .get_with(&path, &headers[usize::from(authorization.is_empty())..])
            .await;
        if path.contains("requiring/audience=https:/") {
            // A slash ends the segment with the requirements.
            assert_eq!(answer.status, 401);
            continue;
        }
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer realm=") && challenge.ends_with(&parameter),
            "{path}: {challenge}"
        );
    }
    let in_body = [("audience", "https://mcp.test/mcp"), ("token", "a.b.c")];
    let answer = test.post_form("/verify", &in_body).await;
    assert!(answer.header("www-authenticate").ends_with(&parameter));

    let document = test
        .get(url.strip_prefix("https://tokens.test").unwrap())
        .await;
    assert_is(&document, "https://mcp.test/mcp");
    let good = [("authorization", good.as_str())];
    let answer = test.get_with(&format!("/verify?{required}"), &good).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for query in [
        "",
        "audience=https://other.test",
        "audience=https://mcp.test/mcp/",
        "audience=https://MCP.test/mcp",
        "audience=invoices",
        "audience=https://tokens.test",
    ] {
        let answer = test.get(&format!("/verify?{query}")).await;
        answer.assert_error(401, "invalid_token");
        let challenge = answer.header("www-authenticate");
        assert!(
            !challenge.contains("resource_metadata"),
            "{query}: {challenge}"
        );
    }
    // What is wrong with the question is not the token's matter.
    let wrong = test.get(&format!("/verify?{required}&scopes=a")).await;
    assert_eq!(wrong.header("www-authenticate"), "");
}

#[tokio::test]
async fn an_issuer_with_a_path_has_it_before_the_well_known_one() {
    let test = TestApp::with(&[("ISSUER", "https://tokens.test/eu")]).await;
    Caller::service(&test, "mcp", "https://mcp.test/mcp").await;
    let answer = test.get("/verify?audience=https://mcp.test/mcp").await;
    let challenge = answer.header("www-authenticate");
    let url = format!("https://tokens.test/eu{WELL_KNOWN}/mcp.test/mcp");
    assert!(challenge.contains(&url), "{challenge}");
}
