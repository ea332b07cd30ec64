//! Beyond `MAX_BODY` the response announces that the connection ends, and reaches clients that send all before they read.

use super::{Caller, LARGE, announced, chunked, head};
use crate::harness::Served;

const REFUSED: [(&str, u16); 8] = [
    ("POST /authorize", 413),
    ("POST /verify", 413),
    ("POST /nowhere", 413),
    ("PUT /authorize", 413),
    ("POST /admin/api/v1/clients", 413),
    ("GET /verify", 401),
    ("GET /nowhere", 404),
    ("PUT /verify/requiring/scope=read/a", 401),
];

#[tokio::test]
async fn a_client_that_sends_all_before_it_reads_gets_its_response() {
    let served = Served::start(&[]).await;

    for (request, status) in REFUSED {
        let mut caller = Caller::new(&served).await;
        caller.send(&announced(request, &[], LARGE)).await;

        let reply = caller.reply().await;
        let reply = reply.unwrap_or_else(|| panic!("{request}: the response was lost"));
        assert_eq!(reply.status, status, "{request}: {}", reply.body);
        assert!(reply.closes(), "{request}: {}", reply.head);
        caller.is_closed().await;
    }
}

#[tokio::test]
async fn so_does_a_client_that_sends_chunks() {
    let served = Served::start(&[]).await;

    for (request, status) in [
        ("POST /authorize", 413),
        ("POST /verify", 413),
        ("POST /nowhere", 404),
        ("PUT /authorize", 405),
        ("POST /admin/api/v1/clients", 401),
        ("GET /verify", 401),
        ("PUT /verify/requiring/scope=read/a", 401),
    ] {
        let mut caller = Caller::new(&served).await;
        caller.send(&chunked(request, &[], LARGE)).await;

        let reply = caller.reply().await;
        let reply = reply.unwrap_or_else(|| panic!("{request}: the response was lost"));
        assert_eq!(reply.status, status, "{request}: {}", reply.body);
        caller.is_closed().await;
    }
}

#[tokio::test]
async fn the_server_half_closes_at_once_and_reads_on() {
    let served = Served::start(&[]).await;
    let mut caller = Caller::new(&served).await;
    let length = format!("content-length: {LARGE}");
    caller.send(&head("POST /authorize", &[&length])).await;

    let reply = caller.reply().await.unwrap();
    assert_eq!((reply.status, reply.closes()), (413, true));
    caller.is_closed().await;
    // Whatever of this would not be read would be a reset.
    for piece in vec![b'x'; LARGE].chunks(64 * 1024) {
        caller.send(piece).await;
    }
}

#[tokio::test]
async fn a_client_that_never_stops_is_cut_off() {
    let served = Served::start(&[("MAX_IMPORT", "64KiB")]).await;
    let mut caller = Caller::new(&served).await;
    let request = head("POST /nowhere", &["transfer-encoding: chunked"]);
    caller.send(&request).await;
    let chunk = [&b"10000\r\n"[..], &vec![b'x'; 0x1_0000][..], b"\r\n"].concat();

    // 128 MiB, of which 8 are read.
    let mut sent = 0;
    while sent < 2_048 && caller.try_send(&chunk).await.is_ok() {
        sent += 1;
    }

    assert!((128..2_048).contains(&sent), "{sent} chunks of 64 KiB");
}

#[tokio::test]
async fn a_body_that_the_client_holds_back_is_not_asked_for() {
    let served = Served::start(&[]).await;

    for request in ["POST /nowhere", "GET /verify", "POST /admin/api/v1/clients"] {
        let mut caller = Caller::new(&served).await;
        let lines = ["expect: 100-continue", "content-length: 10"];
        caller.send(&head(request, &lines)).await;

        let reply = caller.reply().await.unwrap();
        assert!(reply.status >= 400, "{request}: {}", reply.head);
        assert!(reply.closes(), "{request}: {}", reply.head);
        caller.is_closed().await;
    }
}

#[tokio::test]
async fn a_body_that_is_needed_is_asked_for() {
    let served = Served::start(&[]).await;
    let mut caller = Caller::new(&served).await;

    for _ in 0..3 {
        let lines = ["expect: 100-continue", "content-length: 10"];
        caller.send(&head("POST /authorize", &lines)).await;
        assert_eq!(caller.reply().await.unwrap().status, 100);
        caller.send(b"0123456789").await;
        let reply = caller.reply().await.unwrap();
        assert_eq!((reply.status, reply.closes()), (415, false));
    }
}

/// As proxies do that ask about a request with its length and without its body: the next request is not taken for it.
#[tokio::test]
async fn a_length_without_its_body_ends_the_connection_announced() {
    let served = Served::start(&[]).await;

    for request in ["GET /verify", "POST /verify/requiring/scope=read/a"] {
        for line in ["content-length: 5", "transfer-encoding: chunked"] {
            let mut caller = Caller::new(&served).await;
            caller.send(&head(request, &[line])).await;
            let reply = caller.reply().await.unwrap();
            assert_eq!((reply.status, reply.closes()), (401, true), "{request}");
            caller.is_closed().await;
        }
    }
}
