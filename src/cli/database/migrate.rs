//! `migrate`: brings the schema up to date.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use crate::cli::database::open;
use crate::cli::output::Output;
use crate::store::MigrationEvent;

pub(in crate::cli) async fn run() -> anyhow::Result<ExitCode> {
    let mut config = open::config()?;
    config.database.create_if_missing = true;
    let app = open::connect(config).await?;
    let is_changed = AtomicBool::new(false);
    let tell = |event: &MigrationEvent| match event {
        MigrationEvent::Begun(_) => {}
        MigrationEvent::Applied(place) => {
            is_changed.store(true, Ordering::Relaxed);
            Output::remark(&format!("applied {}", place.name));
        }
        MigrationEvent::Waiting { .. }
        | MigrationEvent::DroppingInvalidIndex(_)
        | MigrationEvent::Running { .. } => Output::remark(&event.to_string()),
    };
    app.store()
        .migrate(&tell)
        .await
        .context("DATABASE_URL: cannot migrate the database")?;
    if !is_changed.load(Ordering::Relaxed) {
        Output::remark("the schema is up to date");
    }
    Ok(ExitCode::SUCCESS)
}
