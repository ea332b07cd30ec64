//! Whether the service can do all it promises right now.

use super::App;
use crate::clock::UnixTime;
use crate::error::{Error, Result};

/// The last answer of the database, believed for a second: anybody may ask `/readyz` as often as they like,
/// and the database must not feel it.
pub(super) type LastPing = tokio::sync::Mutex<Option<(UnixTime, bool)>>;

impl App {
    /// Fails when the database does not answer.
    pub async fn check_readiness(&self) -> Result<()> {
        let mut last = self.last_ping.lock().await;
        let now = self.clock.now();
        let answers = match *last {
            Some((at, answers)) if at == now => answers,
            _ => match self.store.ping().await {
                Ok(()) => true,
                Err(error) => {
                    tracing::warn!(
                        "the database does not answer: {:#}",
                        anyhow::Error::from(error)
                    );
                    false
                }
            },
        };
        *last = Some((now, answers));
        if answers {
            Ok(())
        } else {
            Err(Error::temporarily_unavailable(
                "the database does not answer",
            ))
        }
    }
}
