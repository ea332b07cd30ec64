//! A source's share of the connections: beyond it new ones are closed before their handshake, and others are served.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Served, proxy_header};
use crate::metrics::{operator, until};

/// Each source may have two connections of eight.
const FEW: [(&str, &str); 2] = [
    ("MAX_CONNECTIONS", "8"),
    ("MAX_CONNECTIONS_PER_SOURCE", "25%"),
];

/// Behind a balancer at 127.0.0.1.
const BEHIND: [(&str, &str); 2] = [
    ("TRUSTED_PROXIES", "127.0.0.1"),
    ("PROXY_PROTOCOL", "required"),
];

#[tokio::test]
async fn a_source_beyond_its_share_is_refused_and_others_are_served() {
    let served = Served::start(&FEW).await;
    let one = served.connect_from(2).await.unwrap();
    let another = served.connect_from(2).await.unwrap();

    assert!(served.connect_from(2).await.is_err());

    let others = served.connect_from(3).await;
    assert!(others.is_ok());
    let page = operator(&served).page().await;
    let refused = |reason| {
        page.get(&format!(
            "connections_refused_total{{listener=\"main\",reason=\"{reason}\"}}"
        ))
    };
    assert_eq!(["source", "total", "descriptors"].map(refused), [1, 0, 0]);
    drop(one);
    while served.connect_from(2).await.is_err() {
        tokio::task::yield_now().await;
    }
    drop(another);
}

#[tokio::test]
async fn the_share_is_a_quarter_unless_it_is_set() {
    let served = Served::start(&[("MAX_CONNECTIONS", "8")]).await;
    let _open = (
        served.connect_from(2).await.unwrap(),
        served.connect_from(2).await.unwrap(),
    );

    assert!(served.connect_from(2).await.is_err());
}

/// A connection that says nothing has its place too, and gives it back.
#[tokio::test]
async fn a_connection_without_a_handshake_counts_until_it_ends() {
    let served = Served::start(&FEW).await;
    let silent = (
        TcpStream::connect(served.address).await.unwrap(),
        TcpStream::connect(served.address).await.unwrap(),
    );
    let operator = operator(&served);
    until(&operator, |page| {
        page.get("connections{listener=\"main\"}") == 2
    })
    .await;

    assert!(served.connect_from(1).await.is_err());

    drop(silent);
    while served.connect_from(1).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_trusted_proxy_has_no_share() {
    let trusted = [("TRUSTED_PROXIES", "127.0.0.2")];
    let served = Served::start(&[&FEW[..], &trusted].concat()).await;

    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(served.connect_from(2).await.unwrap());
    }

    assert!(served.connect_from(2).await.is_err(), "the limit of all");
}

#[tokio::test]
async fn behind_a_balancer_each_caller_has_its_share() {
    let served = Served::start(&[FEW, BEHIND].concat()).await;
    let connect = async |last| {
        let mut tcp = TcpStream::connect(served.address).await.unwrap();
        tcp.write_all(&proxy_header(last)).await.unwrap();
        served.go_on(tcp).await
    };
    let mut open = Vec::new();
    for last in [2, 2, 3, 3] {
        open.push(connect(last).await.unwrap());
    }

    assert!(connect(2).await.is_err());
    assert!(connect(3).await.is_err());
    assert!(connect(4).await.is_ok());

    open.clear();
    while connect(2).await.is_err() {
        tokio::task::yield_now().await;
    }
}
