//! `settings`: what is in force here, secrets masked.

use std::process::ExitCode;

use clap::Args;

use super::output::{self, Output};
use crate::cli::open;
use crate::config::Setting;

#[derive(Args)]
pub(super) struct SettingsArgs {
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &SettingsArgs) -> anyhow::Result<ExitCode> {
    let settings = open::load()?.config()?.settings.0;
    args.output.print(&settings, || {
        let header = ["name", "value", "from"];
        output::table(&header, settings.iter().map(row))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn row(setting: &Setting) -> Vec<String> {
    let value = match (setting.is_secret, setting.is_set) {
        (true, true) => "(set, not shown)".to_owned(),
        (true, false) => "(not set)".to_owned(),
        (false, _) => setting.value.clone(),
    };
    let from = if setting.is_set { "set" } else { "default" };
    vec![setting.name.clone(), value, from.to_owned()]
}
