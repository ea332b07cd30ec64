//! `migrate`: brings the schema up to date.

use std::process::ExitCode;

use anyhow::Context;

use super::output::Output;
use crate::app::App;
use crate::base::clock::Clock;
use crate::cli::open;

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let app = App::open(open::load()?.config()?, Clock::system())?;
    let pending = app.store().list_pending_migrations().await;
    let pending = pending.context("DATABASE_URL")?;
    app.store()
        .migrate()
        .await
        .context("DATABASE_URL: cannot migrate the database")?;
    for migration in &pending {
        Output::remark(&format!("applied {migration}"));
    }
    if pending.is_empty() {
        Output::remark("the schema is up to date");
    }
    Ok(ExitCode::SUCCESS)
}
