//! Opens the service as the commands need it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::app::App;
use crate::base::clock::Clock;
use crate::config::Environment;
use crate::domain::{Actor, Origin};

/// The settings of this process: its environment over `.env` of the working directory.
pub(super) fn load() -> anyhow::Result<Environment> {
    Environment::load(Path::new(".env"))
}

/// The use cases on a database whose schema is up to date.
pub(super) async fn open() -> anyhow::Result<Arc<App>> {
    let app = Arc::new(App::open(load()?.config()?, Clock::system())?);
    refuse_pending(&app).await?;
    app.core.compare_clocks().await.context("DATABASE_URL")?;
    Ok(app)
}

/// Whoever runs this command, for the audit trail: the user of the operating system, by name where this machine has
/// one for it.
pub(super) fn origin() -> Origin {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id == uid && !name.is_empty()).then(|| name.to_owned())
    });
    Origin {
        actor: Actor::Cli(name.unwrap_or_else(|| format!("uid {uid}"))),
        source: None,
        request_id: None,
    }
}

/// Fails when the database's schema is behind this program.
pub(super) async fn refuse_pending(app: &App) -> anyhow::Result<()> {
    let pending = app.store().list_pending_migrations().await;
    let pending = pending.context("DATABASE_URL")?;
    if !pending.is_empty() {
        bail!(
            "DATABASE_URL: {} migration(s) are pending ({}); run `token-server migrate`",
            pending.len(),
            pending.join(", ")
        );
    }
    Ok(())
}
