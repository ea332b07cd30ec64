//! Owns the PROXY protocol (version 2): what a balancer that passes TLS through says, before TLS, of who its caller is.
//! Knows nothing of TLS and HTTP.
//!
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use ppp::v2::{Addresses, Command, Header, Protocol};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::ProxiesConfig;

/// Signature, version, family and length.
const FIXED_BYTES: usize = 16;

/// What may follow them: the addresses, and additions (TLVs) that are not looked at. Those of the balancers that
/// there are take some hundred bytes.
const MOST_BYTES: usize = 2_048;

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum NoSource {
    /// Anybody could say anything.
    #[error("its address is not in TRUSTED_PROXIES")]
    Untrusted,
    #[error("it does not begin with a valid PROXY header of version 2")]
    Malformed,
    #[error("its PROXY header did not come within HANDSHAKE_TIMEOUT")]
    Late,
}

/// Reads the header and nothing beyond it; the address that the connection is of.
pub(in crate::http) async fn read_source(
    stream: &mut TcpStream,
    peer: SocketAddr,
    proxies: &ProxiesConfig,
    patience: Duration,
) -> Result<SocketAddr, NoSource> {
    if !proxies.are_trusted(peer.ip()) {
        return Err(NoSource::Untrusted);
    }
    let read = timeout(patience, read_header(stream)).await;
    let header = read
        .map_err(|_| NoSource::Late)?
        .map_err(|_| NoSource::Malformed)?;
    parse(&header, peer).ok_or(NoSource::Malformed)
}

async fn read_header(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut header = vec![0; FIXED_BYTES];
    stream.read_exact(&mut header).await?;
    // Before anything more is read: what is no header may be the begin of anything.
    let length = usize::from(u16::from_be_bytes([header[14], header[15]]));
    if !header.starts_with(ppp::v2::PROTOCOL_PREFIX) || length > MOST_BYTES {
        return Err(ErrorKind::InvalidData.into());
    }
    header.resize(FIXED_BYTES + length, 0);
    stream.read_exact(&mut header[FIXED_BYTES..]).await?;
    Ok(header)
}

/// Whom a header is about: of a balancer's own connection itself (`LOCAL`, as its health checks are), else whom it names.
/// One that cannot name its caller is refused: it would be taken for the balancer, whose word is believed.
fn parse(header: &[u8], peer: SocketAddr) -> Option<SocketAddr> {
    let header = Header::try_from(header).ok()?;
    match (header.command, header.protocol, header.addresses) {
        (Command::Local, _, _) => Some(peer),
        (Command::Proxy, Protocol::Stream, Addresses::IPv4(of)) => {
            Some((of.source_address, of.source_port).into())
        }
        (Command::Proxy, Protocol::Stream, Addresses::IPv6(of)) => {
            Some((of.source_address, of.source_port).into())
        }
        (Command::Proxy, _, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn peer() -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], 999))
    }

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [ppp::v2::PROTOCOL_PREFIX, &[command, family], &length, rest].concat()
    }

    const V4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 2, 0xc3, 0x50, 0x0a, 0x28];

    #[test]
    fn the_source_is_whom_the_header_names_whatever_follows() {
        let with_tlv = [&V4[..], &[4, 0, 1, 42]].concat();
        for rest in [&V4[..], &with_tlv] {
            let of = parse(&header(0x21, 0x11, rest), peer());
            assert_eq!(of, "192.0.2.7:50000".parse().ok());
        }

        let mut rest = [0; 36];
        rest[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        rest[15] = 1;
        let of = parse(&header(0x21, 0x21, &rest), peer());
        assert_eq!(of, "[2001:db8::1]:0".parse().ok());
    }

    #[test]
    fn a_balancers_own_connection_has_its_own_address() {
        assert_eq!(parse(&header(0x20, 0x00, &[]), peer()), Some(peer()));
        assert_eq!(parse(&header(0x20, 0x11, &V4), peer()), Some(peer()));
    }

    #[test]
    fn what_names_nobody_is_refused() {
        let unix = [b'/'; 216];
        for (command, family, rest) in [
            (0x21, 0x00, &[][..]),
            (0x21, 0x31, &unix),
            (0x21, 0x12, &V4),
            (0x21, 0x10, &V4),
            (0x21, 0x11, &V4[..11]),
            (0x21, 0x21, &V4),
            (0x22, 0x11, &V4),
            (0x11, 0x11, &V4),
        ] {
            let header = header(command, family, rest);
            assert_eq!(parse(&header, peer()), None, "{command:x} {family:x}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(
            command in any::<u8>(),
            family in any::<u8>(),
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let _ = parse(&header(command, family, &rest), peer());
            let _ = parse(&rest, peer());
        }
    }
}
