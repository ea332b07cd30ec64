//! `migrate`: brings the schema up to date.

use std::process::ExitCode;

use super::environment;
use super::output::Output;
use crate::app::App;
use crate::clock::Clock;

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let app = App::open(environment::load()?.config()?, Clock::system())?;
    let pending = app.store().list_pending_migrations().await?;
    app.store().migrate().await?;
    for migration in &pending {
        Output::remark(&format!("applied {migration}"));
    }
    if pending.is_empty() {
        Output::remark("the schema is up to date");
    }
    Ok(ExitCode::SUCCESS)
}
