//! `admin`: the people at the portal; the first one, and those who are locked out.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::confirmation::Confirmation;
use super::output::{self, Output, OutputWithoutId, stdin, text_or};
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
    Enable {
        /// The admin
        name: AdminName,
    },
    /// Give an admin another role, and end the admin's sessions
    Role {
        /// The admin
        name: AdminName,
        /// What the admin may do: viewer, operator or owner
        role: AdminRole,
    },
    /// Delete an admin; the audit trail keeps the admin's events
    #[command(visible_alias = "rm", alias = "remove")]
    Delete(DangerousArgs),
    /// List the live sessions
    Sessions(Output),
    /// End a session
    EndSession {
        /// The session's id, as `sessions` shows it
        #[arg(value_parser = SessionId::parse)]
        session_id: SessionId,
    },
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
pub(super) struct DangerousArgs {
    /// The admin
    name: AdminName,
    #[command(flatten)]
    confirmation: Confirmation,
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
        AdminCommand::Enable { name } => {
            let enabled = AdminStatus::Enabled;
            app.admins.set_status(&origin(), &name, enabled).await?;
            Output::remark(&format!("{name} can log in again"));
        }
        AdminCommand::Role { name, role } => {
            app.admins.set_role(&origin(), &name, role).await?;
            Output::remark(&format!(
                "{name} has the role {role} from the next login on"
            ));
        }
        AdminCommand::Delete(args) => delete(&app, args).await?,
        AdminCommand::Sessions(output) => sessions(&app, output).await?,
        AdminCommand::EndSession { session_id } => {
            app.admins.end_any_session(&origin(), &session_id).await?;
            Output::remark(&format!("ended the session {session_id}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let admins = app.admins.list().await?;
    output.print(&admins, "name", || {
        output::table(
            &admins,
            &[
                ("name", |it| it.name.to_string()),
                ("role", |it| it.role.to_string()),
                ("status", |it| it.status.as_str().to_owned()),
                ("second factor", |it| {
                    if it.has_second_factor() { "on" } else { "off" }.to_owned()
                }),
                ("last login", |it| text_or(it.last_log_in_at, "never")),
            ],
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
        output::table(
            &sessions,
            &[
                ("session_id", |it| it.session_id.to_string()),
                ("name", |it| it.name.to_string()),
                ("created_at", |it| it.created_at.to_string()),
                ("seen_at", |it| it.seen_at.to_string()),
                ("expires_at", |it| it.expires_at.to_string()),
                ("source", |it| it.source.clone()),
                ("user_agent", |it| it.user_agent.clone()),
            ],
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
        let password = match self.password_file {
            Some(path) => Secret::read_file(&path)
                .with_context(|| format!("cannot read {}", path.display()))?,
            None if self.password_stdin => {
                stdin::read_secret("type the password, Enter and Ctrl-D")?
            }
            None => return Ok((NewPassword::Made, true)),
        };
        Ok((NewPassword::Chosen(password), false))
    }
}
