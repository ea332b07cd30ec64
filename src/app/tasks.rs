//! What the service does without being asked. Each task is a plain loop around a use case, which tests call
//! by itself; this file owns only how often.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::App;

/// Nothing waits for a pruning: it only keeps tables and memory small.
const PRUNE_INTERVAL: Duration = Duration::from_mins(1);

/// Runs every task until `stop` is cancelled. A task that ends before is a bug: it stops the service, so that
/// whoever watches over it starts it anew.
pub async fn run(app: Arc<App>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(prune(Arc::clone(&app), stop.clone()));
    let ended = tasks.join_next().await;
    if !stop.is_cancelled() {
        stop.cancel();
        bail!("a background task ended: {ended:?}");
    }
    tasks.join_all().await;
    Ok(())
}

async fn prune(app: Arc<App>, stop: CancellationToken) {
    while pause(PRUNE_INTERVAL, &stop).await {
        app.revocations.prune(app.clock.now());
    }
}

/// False when it is time to stop.
async fn pause(interval: Duration, stop: &CancellationToken) -> bool {
    stop.run_until_cancelled(tokio::time::sleep(interval))
        .await
        .is_some()
}
