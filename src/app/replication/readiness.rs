//! What orchestrators are told: no more than was tried within this second.

use crate::app::core::availability::{Readiness, stale};
use crate::app::error::{Error, Result};
use crate::app::replication::Replication;

impl Replication {
    /// What the service can do right now, for orchestrators. They wait for the start as well, and for them tokens must be
    /// issued and the clock must be right.
    pub async fn check_readiness(&self) -> Result<Readiness> {
        match self.core.readiness() {
            Readiness::Starting => Err(Error::without_revocations()),
            Readiness::Stale => Err(stale()),
            known @ (Readiness::Ready | Readiness::Degraded(_)) => {
                self.core.check_clock()?;
                self.keys.run_self_test_apart().await?;
                Ok(known)
            }
        }
    }
}
