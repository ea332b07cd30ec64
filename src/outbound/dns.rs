//! Owns the addresses of hosts: nothing else resolves a name that a fetch of keys goes to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The one source of addresses. A value, not a trait: tests make a simulated one.
#[derive(Clone)]
pub struct Dns(Source);

type LookUp = dyn Fn(&str) -> Vec<IpAddr> + Send + Sync;
type Route = dyn Fn(IpAddr) -> IpAddr + Send + Sync;

#[derive(Clone)]
enum Source {
    System,
    Simulated {
        look_up: Arc<LookUp>,
        route: Arc<Route>,
    },
}

impl Dns {
    /// The resolver of the system.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Hosts have the addresses that `look_up` returns; a connection to one of them goes to the address that `route` returns.
    pub fn simulated(
        look_up: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static,
        route: impl Fn(IpAddr) -> IpAddr + Send + Sync + 'static,
    ) -> Self {
        Self(Source::Simulated {
            look_up: Arc::new(look_up),
            route: Arc::new(route),
        })
    }

    /// The addresses of a host. The port 0 stands for that of the URL.
    pub(super) async fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        match &self.0 {
            Source::System => Ok(tokio::net::lookup_host((host, 0)).await?.collect()),
            Source::Simulated { look_up, .. } => {
                let found = look_up(host).into_iter();
                Ok(found.map(|it| SocketAddr::new(it, 0)).collect())
            }
        }
    }

    pub(super) fn route(&self, address: SocketAddr) -> SocketAddr {
        match &self.0 {
            Source::System => address,
            Source::Simulated { route, .. } => SocketAddr::new(route(address.ip()), address.port()),
        }
    }
}
