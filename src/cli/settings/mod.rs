//! `settings` and `secret`: what is in force here, secrets masked; what each setting means; and a new SECRET.

pub(in crate::cli) mod man;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::output::{self, Output};
use crate::app::error::Error;
use crate::base::secret::random_base62;
use crate::cli::database::open;
use crate::config::{SettingDescription, describe_settings};

/// The length of a SECRET: 381 bits, with which nobody has to ask what is enough.
const SECRET_LENGTH: usize = 64;

#[derive(Subcommand)]
pub(super) enum SecretCommand {
    /// Print a new SECRET for the server; change nothing
    New,
}

#[derive(Args)]
pub(super) struct SettingsArgs {
    /// Explain these settings, or all: meaning, values, defaults
    #[arg(long, value_name = "NAME", num_args = 0..)]
    explain: Option<Vec<String>>,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &SettingsArgs) -> anyhow::Result<ExitCode> {
    match &args.explain {
        Some(names) => explain(names, args.output)?,
        None => show(args.output)?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn print_new_secret() -> anyhow::Result<ExitCode> {
    Output::text_once(&(random_base62(SECRET_LENGTH) + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn show(output: Output) -> anyhow::Result<()> {
    let settings = open::load()?.config()?.settings.0;
    output.print(&settings, "name", || {
        output::table(
            &settings,
            &[
                ("name", |it| it.name.clone()),
                ("value", |it| match (it.is_secret, it.is_set) {
                    (true, true) => "(set, not shown)".to_owned(),
                    (true, false) => "(not set)".to_owned(),
                    (false, _) => it.value.clone(),
                }),
                ("from", |it| {
                    if it.is_set { "set" } else { "default" }.to_owned()
                }),
            ],
        )
    })
}

fn explain(names: &[String], output: Output) -> anyhow::Result<()> {
    let mut settings = describe_settings();
    let is_called =
        |setting: &SettingDescription, name: &String| setting.name.eq_ignore_ascii_case(name);
    let is_known = |name: &&String| settings.iter().any(|setting| is_called(setting, name));
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        return Err(Error::not_found(format!("setting `{name}`")).into());
    }
    settings
        .retain(|setting| names.is_empty() || names.iter().any(|name| is_called(setting, name)));
    output.print(&settings, "name", || {
        let parts: Vec<String> = settings.iter().map(paragraph).collect();
        parts.join("\n\n")
    })
}

fn paragraph(setting: &SettingDescription) -> String {
    let default = match setting.default {
        "" => String::new(),
        default => format!(" (default: {default})"),
    };
    let mut lines = format!("{}{default}", setting.name);
    for line in wrap(&setting.text, 96) {
        lines += &format!("\n  {line}");
    }
    lines
}

/// Lines of at most `width` characters, unless one word is longer.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                *line += " ";
                *line += word;
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}
