//! `admin`: the people at the portal; the first one, and those who are locked out.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::confirmation::Confirmation;
use super::output::{self, Output, OutputWithoutId};
use crate::app::{App, NewAdmin, NewPassword};
use crate::base::secret::Secret;
use crate::cli::database::open;
use crate::cli::database::open::origin;
use crate::domain::{Admin, AdminName, AdminRole, AdminStatus, SessionId};

#[derive(Subcommand)]
pub(super) enum AdminCommand {
    /// Create an admin and print the password, once
    #[command(aliases = ["add", "new"])]
    Create(CreateArgs),
    /// List the admins
    #[command(visible_alias = "ls")]
    List(Output),
    /// Give an admin a new password, printed once, and remove the second factor
    #[command(aliases = ["reset-password", "passwd"])]
    Reset(ResetArgs),
    /// Disable an admin, and end the admin's sessions
    Disable(DangerousArgs),
    /// Enable a disabled admin
    Enable(NameArgs),
    /// Give an admin another role, and end the admin's sessions
    Role(RoleArgs),
    /// Delete an admin; the audit trail keeps the admin's events
    #[command(visible_alias = "rm", alias = "remove")]
    Delete(DangerousArgs),
    /// List the live sessions
    Sessions(Output),
    /// End a session
    EndSession(SessionArgs),
}

#[derive(Args)]
pub(super) struct CreateArgs {
    /// The admin's name for the login
    name: AdminName,
    /// What the admin may do: viewer, operator or owner
    #[arg(long, default_value = "owner")]
    role: AdminRole,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Args)]
pub(super) struct ResetArgs {
    /// The admin
    name: AdminName,
    /// Keep the second factor
    #[arg(long)]
    keep_second_factor: bool,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    output: OutputWithoutId,
}

#[derive(Args)]
pub(super) struct NameArgs {
    /// The admin
    name: AdminName,
}

#[derive(Args)]
pub(super) struct RoleArgs {
    /// The admin
    name: AdminName,
    /// What the admin may do: viewer, operator or owner
    role: AdminRole,
}

#[derive(Args)]
pub(super) struct DangerousArgs {
    /// The admin
    name: AdminName,
    #[command(flatten)]
    confirmation: Confirmation,
}

#[derive(Args)]
pub(super) struct SessionArgs {
    /// The session's id, as `sessions` shows it
    #[arg(value_parser = SessionId::parse)]
    session_id: SessionId,
}

/// Where a password comes from; without either one is made.
#[derive(Args)]
struct PasswordArgs {
    /// Read the password from a file instead of generating one
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    password_file: Option<PathBuf>,
    /// Read the password from stdin instead of generating one
    #[arg(long)]
    password_stdin: bool,
}

/// What is printed when a password was made; one that was given is not repeated.
#[derive(Serialize)]
struct WithPassword<'a> {
    #[serde(flatten)]
    admin: &'a Admin,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

pub(super) async fn run(command: AdminCommand) -> anyhow::Result<ExitCode> {
    let app = open::open().await?;
    match command {
        AdminCommand::Create(args) => {
            let (password, is_made) = args.password.read()?;
            let new = NewAdmin {
                name: args.name,
                role: args.role,
            };
            let (admin, password) = app.admins.create(&origin(), new, password).await?;
            print(&admin, is_made.then_some(&password), args.output)?;
        }
        AdminCommand::List(output) => list(&app, output).await?,
        AdminCommand::Reset(args) => {
            let (password, is_made) = args.password.read()?;
            let (name, second_factor) = (&args.name, !args.keep_second_factor);
            let password = app
                .admins
                .reset(&origin(), name, password, second_factor)
                .await?;
            let admin = app.admins.find(name).await?;
            print(&admin, is_made.then_some(&password), args.output)?;
        }
        AdminCommand::Disable(args) => {
            let name = &app.admins.find(&args.name).await?.name;
            let what = format!("`{name}` can no longer log in, and the sessions of `{name}` end");
            args.confirmation.ask(&what, "Disable this admin?")?;
            let disabled = AdminStatus::Disabled;
            app.admins.set_status(&origin(), name, disabled).await?;
            Output::remark(&format!("{name} can no longer log in"));
        }
        AdminCommand::Enable(args) => {
            app.admins
                .set_status(&origin(), &args.name, AdminStatus::Enabled)
                .await?;
            Output::remark(&format!("{} can log in again", args.name));
        }
        AdminCommand::Role(args) => {
            app.admins
                .set_role(&origin(), &args.name, args.role)
                .await?;
            Output::remark(&format!(
                "{} has the role {} from the next login on",
                args.name, args.role
            ));
        }
        AdminCommand::Delete(args) => delete(&app, args).await?,
        AdminCommand::Sessions(output) => sessions(&app, output).await?,
        AdminCommand::EndSession(args) => {
            app.admins
                .end_any_session(&origin(), &args.session_id)
                .await?;
            Output::remark(&format!("ended the session {}", args.session_id));
        }
    }
    app.store().close().await;
    Ok(ExitCode::SUCCESS)
}

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let admins = app.admins.list().await?;
    output.print(&admins, "name", || {
        let header = ["name", "role", "status", "second factor", "last login"];
        output::table(
            &header,
            admins.iter().map(|admin| {
                vec![
                    admin.name.to_string(),
                    admin.role.to_string(),
                    admin.status.as_str().to_owned(),
                    if admin.has_second_factor() {
                        "on"
                    } else {
                        "off"
                    }
                    .to_owned(),
                    admin
                        .last_log_in_at
                        .map_or_else(|| "never".to_owned(), |at| at.to_string()),
                ]
            }),
        )
    })
}

async fn delete(app: &App, args: DangerousArgs) -> anyhow::Result<()> {
    let name = &args.name;
    app.admins.find(name).await?;
    let what = format!("deleting the admin `{name}` cannot be undone");
    args.confirmation.ask_to_type(&what, name.as_str())?;
    app.admins.delete(&origin(), name).await?;
    Output::remark(&format!("deleted {name}"));
    Ok(())
}

async fn sessions(app: &App, output: Output) -> anyhow::Result<()> {
    let sessions = app.admins.list_sessions(None).await?;
    output.print(&sessions, "session_id", || {
        let header = [
            "session_id",
            "name",
            "created_at",
            "seen_at",
            "expires_at",
            "source",
            "user_agent",
        ];
        output::table(
            &header,
            sessions.iter().map(|session| {
                vec![
                    session.session_id.to_string(),
                    session.name.to_string(),
                    session.created_at.to_string(),
                    session.seen_at.to_string(),
                    session.expires_at.to_string(),
                    session.source.clone(),
                    session.user_agent.clone(),
                ]
            }),
        )
    })
}

fn print(
    admin: &Admin,
    password: Option<&Secret<String>>,
    output: OutputWithoutId,
) -> anyhow::Result<()> {
    let password = password.map(|it| it.expose().as_str());
    let printed = output.print_once(&WithPassword { admin, password }, || {
        let mut pairs = vec![
            ("name", admin.name.to_string()),
            ("role", admin.role.to_string()),
        ];
        pairs.extend(password.map(|it| ("password", it.to_owned())));
        output::list(&pairs)
    });
    let name = &admin.name;
    printed.with_context(|| {
        format!("the password could not be shown; generate another one with `admin reset {name}`")
    })?;
    if password.is_some() {
        Output::remark("store the password now: it cannot be shown again");
    }
    Ok(())
}

impl PasswordArgs {
    /// The password, and whether it is made.
    fn read(self) -> anyhow::Result<(NewPassword, bool)> {
        let text = match self.password_file {
            Some(path) => read_file(&path)?,
            None if self.password_stdin => read_stdin()?,
            None => return Ok((NewPassword::Made, true)),
        };
        let password = Secret::from(text.expose().trim_end_matches(['\r', '\n']));
        Ok((NewPassword::Chosen(password), false))
    }
}

fn read_file(path: &Path) -> anyhow::Result<Secret<String>> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Secret::new(text))
}

fn read_stdin() -> anyhow::Result<Secret<String>> {
    if std::io::stdin().is_terminal() {
        Output::remark("type the password, Enter and Ctrl-D");
    }
    let mut text = String::new();
    std::io::stdin()
        .take(4_096)
        .read_to_string(&mut text)
        .context("cannot read stdin")?;
    Ok(Secret::new(text))
}
