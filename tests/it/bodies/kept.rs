//! Up to `MAX_BODY` a connection goes on, whatever was answered.

use super::{Caller, MAX_BODY, announced, chunked, head};
use crate::harness::{CLIENT, Served, TestApp};

/// Requests over one connection.
const REQUESTS: usize = 40;

/// Nobody reads the bodies of these: each has to be there when its head is judged, for the connection to be kept. So one
/// record of TLS has both.
const IGNORED: [(&str, u16); 10] = [
    ("GET /", 200),
    ("GET /nowhere", 404),
    ("GET /authorize", 405),
    ("GET /verify", 401),
    ("GET /healthz", 200),
    ("GET /readyz", 200),
    ("GET /.well-known/jwks.json", 200),
    ("GET /admin/api/v1/clients", 401),
    ("GET /admin/clients", 303),
    ("PUT /verify/requiring/scope=read/a", 401),
];

/// Requests that are refused before anybody reads their body, and some whose body is read.
const OTHERS: [(&str, u16); 10] = [
    ("POST /nowhere", 404),
    ("PUT /authorize", 405),
    ("DELETE /verify", 405),
    ("POST /healthz", 405),
    ("POST /admin/api/v1/clients", 401),
    ("POST /admin/api/v1/nowhere", 404),
    ("POST /admin/login", 403),
    ("POST /admin/transfer/import", 403),
    ("POST /authorize", 415),
    ("POST /verify", 415),
];

const SMALL: [usize; 4] = [1, 100, 4_000, 14_000];
const SIZES: [usize; 5] = [1, 1_000, 20_000, MAX_BODY - 1, MAX_BODY];

async fn keeps(caller: &mut Caller, bytes: &[u8], status: u16, what: &str) {
    caller.send(bytes).await;
    let reply = caller.reply().await;
    let reply = reply.unwrap_or_else(|| panic!("{what}: the connection was cut"));
    assert_eq!(reply.status, status, "{what}: {}", reply.body);
    assert!(!reply.closes(), "{what}: {}", reply.head);
}

#[tokio::test]
async fn forty_requests_with_bodies_are_answered_over_one_connection_at_every_route_and_fallback() {
    let served = Served::start(&[]).await;

    for (requests, sizes) in [(IGNORED, &SMALL[..]), (OTHERS, &SIZES)] {
        for (request, status) in requests {
            let mut caller = Caller::new(&served).await;
            for n in 0..REQUESTS {
                let size = sizes[n % sizes.len()];
                let bytes = announced(request, &[], size);
                let what = format!("{n}: {request} with {size} bytes");
                keeps(&mut caller, &bytes, status, &what).await;
            }
        }
    }
}

#[tokio::test]
async fn bodies_in_chunks_too() {
    let served = Served::start(&[]).await;

    for (requests, sizes) in [(IGNORED, &SMALL[..]), (OTHERS, &SIZES)] {
        for (request, status) in requests {
            let mut caller = Caller::new(&served).await;
            for &size in sizes {
                let bytes = chunked(request, &[], size);
                let what = format!("{request} with {size} bytes in chunks");
                keeps(&mut caller, &bytes, status, &what).await;
            }
        }
    }
}

#[tokio::test]
async fn other_refusals_keep_the_connection_as_well() {
    let served = Served::start(&[]).await;
    let secret = served.test.client().await;
    let bearer = format!("authorization: Bearer {}", served.test.token(&secret).await);
    let long = format!("x-long: {}", "x".repeat(20_000));

    for (request, line, status) in [
        // For another audience.
        ("POST /admin/api/v1/clients", bearer.as_str(), 401),
        (
            "POST /verify/requiring/scope=delete/a",
            bearer.as_str(),
            403,
        ),
        ("POST /verify/requiring/scope=read/a", bearer.as_str(), 200),
        ("GET /verify?scope=read", bearer.as_str(), 200),
        ("POST /authorize", long.as_str(), 431),
        ("POST /nowhere", long.as_str(), 431),
    ] {
        let mut caller = Caller::new(&served).await;
        for n in 0..REQUESTS {
            let size = if status == 431 {
                SIZES[n % 5]
            } else {
                SMALL[n % 4]
            };
            let bytes = announced(request, &[line], size);
            let what = format!("{n}: {request} {status} with {size} bytes");
            keeps(&mut caller, &bytes, status, &what).await;
        }
    }
}

#[tokio::test]
async fn a_body_that_comes_after_the_response_is_taken_from_the_connection() {
    let served = Served::start(&[]).await;
    let mut caller = Caller::new(&served).await;

    for (length, status) in [(1, 404), (5_000, 404), (MAX_BODY, 404)] {
        let content_length = format!("content-length: {length}");
        caller
            .send(&head("POST /nowhere", &[&content_length]))
            .await;
        let reply = caller.reply().await.unwrap();
        assert_eq!((reply.status, reply.closes()), (status, false));
        for piece in vec![b'x'; length].chunks(3_000) {
            caller.send(piece).await;
        }
    }
    keeps(&mut caller, &head("GET /healthz", &[]), 200, "behind them").await;
}

#[tokio::test]
async fn what_is_in_a_body_is_never_taken_for_a_request() {
    let served = Served::start(&[]).await;
    let mut caller = Caller::new(&served).await;
    let hidden = String::from_utf8(head("GET /healthz", &[])).unwrap();

    for request in ["POST /nowhere", "GET /nowhere", "PUT /authorize"] {
        let length = format!("content-length: {}", hidden.len());
        let bytes = [head(request, &[&length]), hidden.clone().into_bytes()].concat();
        caller.send(&bytes).await;
        assert_ne!(caller.reply().await.unwrap().status, 200, "{request}");
        keeps(&mut caller, &head("GET /readyz", &[]), 200, request).await;
    }
}

/// A client reconnects when it is told to; no request is lost over a connection that ends unannounced.
#[tokio::test]
async fn large_bodies_that_nobody_reads_end_a_connection_announced_or_not_at_all() {
    let served = Served::start(&[]).await;
    let mut caller = Caller::new(&served).await;

    for n in 0..REQUESTS {
        let request = ["GET /", "GET /verify", "GET /nowhere"][n % 3];
        caller.send(&announced(request, &[], SIZES[n % 5])).await;
        let reply = caller.reply().await;
        let reply = reply.unwrap_or_else(|| panic!("{n}: {request}: cut"));
        if reply.closes() {
            caller = Caller::new(&served).await;
        }
    }
}

#[tokio::test]
async fn clients_that_are_throttled_keep_their_connection() {
    let served = Served::start(&[]).await;
    served.test.client().await;
    let mut caller = Caller::new(&served).await;
    let form = format!("client_id={CLIENT}&client_secret=a-wrong-secret-of-some-length");

    let mut statuses = Vec::new();
    for _ in 0..REQUESTS {
        let length = format!("content-length: {}", form.len());
        let lines = [
            "content-type: application/x-www-form-urlencoded",
            length.as_str(),
        ];
        caller.send(&head("POST /authorize", &lines)).await;
        caller.send(form.as_bytes()).await;
        statuses.push(caller.reply().await.unwrap().status);
    }
    assert!(
        statuses.contains(&401) && statuses.contains(&429),
        "{statuses:?}"
    );
}

#[tokio::test]
async fn without_a_database_too() {
    let served = Served::of(gone().await);

    for request in [
        "POST /admin/login",
        "POST /admin/api/v1/clients",
        "POST /introspect",
        "POST /nowhere",
    ] {
        let mut caller = Caller::new(&served).await;
        for n in 0..REQUESTS {
            caller.send(&announced(request, &[], SIZES[n % 5])).await;
            let reply = caller.reply().await.unwrap();
            assert!(!reply.closes(), "{request}: {}", reply.head);
        }
    }
}

/// A service that knows that its database is gone.
async fn gone() -> TestApp {
    let test = TestApp::new().await;
    test.app.store().close().await;
    test.app.replication.read_changes().await.unwrap_err();
    test
}
