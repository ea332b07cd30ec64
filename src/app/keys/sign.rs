//! The lane in which RSA signatures are made. The other algorithms sign at once on the thread that asks (see
//! [`Signing`]): handing the work over would take longer.

use std::net::IpAddr;

use anyhow::Context;

use crate::app::core::lane::{Lane, LaneMetrics, LaneSetup};
use crate::app::error::Result;
use crate::app::keys::Keys;
use crate::config::KeysConfig;
use crate::jwt::Signing;

/// Below the threads that serve, above those that hash: a caller that waits for a signature has proved who it is, a caller
/// that waits for a hash has not.
const NICE: i32 = 10;

pub(super) fn start_lane(config: &KeysConfig) -> anyhow::Result<Lane<()>> {
    let setup = LaneSetup {
        name: "signing",
        threads: config.signing_threads,
        queue: config.signing_queue,
        nice: NICE,
        full: "the server is signing too many tokens at once; try again shortly",
    };
    Lane::start(setup).context("cannot start the signing threads")
}

impl Keys {
    /// The JWT in compact form; signed in the lane if the signature is due. 503 when the lane is full.
    pub(crate) async fn finish(&self, signing: Signing, source: Option<IpAddr>) -> Result<String> {
        match signing {
            Signing::Done(jwt) => Ok(jwt),
            Signing::Due(unsigned) => {
                // In a box: the future of a warm login is moved several times, whole.
                let signed = Box::pin(self.signing.run(source, move |()| unsigned.sign()));
                Ok(signed.await??)
            }
        }
    }

    pub(crate) fn signing_lane(&self) -> LaneMetrics {
        self.signing.metrics()
    }
}
