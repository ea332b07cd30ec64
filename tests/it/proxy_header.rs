//! The PROXY protocol on the wire: who may speak it, and that nothing else is taken for it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{PROXY_SIGNATURE, Served, proxy_header};
use crate::metrics::{Page, operator};

const REQUIRED: (&str, &str) = ("PROXY_PROTOCOL", "required");
const FROM_HERE: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.1");

const BAD_LOGIN: &str = "client_id=nobody&client_secret=wrong";

/// Sends bytes in the place of a header; whether the server closes without a word.
async fn is_closed(served: &Served, bytes: &[u8]) -> bool {
    let mut tcp = TcpStream::connect(served.address).await.unwrap();
    tcp.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = tcp.read_to_end(&mut answer).await;
    answer.is_empty()
}

fn refused(page: &Page, reason: &str) -> i64 {
    page.get(&format!(
        "proxy_headers_refused_total{{listener=\"main\",reason=\"{reason}\"}}"
    ))
}

#[tokio::test]
async fn failures_are_counted_for_whom_the_header_names() {
    let one_failure = ("THROTTLE_SOURCE_FAILURES", "1");
    let served = Served::start(&[REQUIRED, FROM_HERE, one_failure]).await;

    let mut answers = Vec::new();
    for last in [1, 1, 2] {
        let answer = served.log_in_behind(&proxy_header(last), BAD_LOGIN).await;
        answers.push(answer[..12].to_owned());
    }

    let (unauthorized, throttled) = ("HTTP/1.1 401", "HTTP/1.1 429");
    assert_eq!(answers, [unauthorized, throttled, unauthorized]);
}

#[tokio::test]
async fn what_is_no_header_closes_the_connection_and_is_counted() {
    let served = Served::start(&[REQUIRED, FROM_HERE]).await;
    let oversized = [PROXY_SIGNATURE, &[0x21, 0x11, 0xff, 0xff], &[0; 3_000]].concat();
    let unix = [PROXY_SIGNATURE, &[0x21, 0x31, 0, 216], &[0; 216]].concat();
    let mut cut = proxy_header(1);
    cut[15] = 11;

    let bad: [&[u8]; 6] = [
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"PROXY TCP4 198.51.100.1 127.0.0.1 50000 2600\r\n",
        // The begin of TLS.
        &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0, 0, 0],
        &oversized,
        &unix,
        &cut,
    ];
    for bytes in bad {
        assert!(is_closed(&served, bytes).await, "{bytes:?}");
    }
    let page = operator(&served).page().await;

    assert_eq!(refused(&page, "malformed"), 6);
}

#[tokio::test]
async fn a_header_that_does_not_come_is_not_waited_for_long() {
    let served = Served::start(&[REQUIRED, FROM_HERE, ("HANDSHAKE_TIMEOUT", "1s")]).await;

    assert!(is_closed(&served, &proxy_header(1)[..20]).await);

    let page = operator(&served).page().await;
    assert_eq!(refused(&page, "timeout"), 1);
}

#[tokio::test]
async fn nobody_else_may_say_whose_a_connection_is() {
    let elsewhere = ("TRUSTED_PROXIES", "192.0.2.0/24");
    let served = Served::start(&[REQUIRED, elsewhere]).await;

    assert!(is_closed(&served, &proxy_header(1)).await);

    let page = operator(&served).page().await;
    assert_eq!(refused(&page, "untrusted"), 1);
}

#[tokio::test]
async fn a_header_is_no_tls_where_none_is_required() {
    let served = Served::start(&[FROM_HERE]).await;
    let mut tcp = TcpStream::connect(served.address).await.unwrap();

    tcp.write_all(&proxy_header(1)).await.unwrap();

    assert!(served.go_on(tcp).await.is_err());
}
