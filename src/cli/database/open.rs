//! Opens the service as the commands need it, and closes its database when they are done.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, bail};

use crate::app::{App, AuditLog};
use crate::base::clock::Clock;
use crate::cli::output::Output;
use crate::config::{AuditLogTarget, Config, Environment};
use crate::domain::{Actor, Origin};
use crate::store::Store;

/// The file of settings that the command line names.
static ENV_FILE: OnceLock<PathBuf> = OnceLock::new();

/// The database of this command.
static OPENED: OnceLock<Store> = OnceLock::new();

/// The log of audit events of this process.
static AUDIT_LOG: OnceLock<AuditLog> = OnceLock::new();

/// Goes to the folder and takes the file of settings that the command line names.
pub(in crate::cli) fn locate(
    folder: Option<&Path>,
    env_file: Option<PathBuf>,
) -> anyhow::Result<()> {
    if let Some(folder) = folder {
        std::env::set_current_dir(folder)
            .with_context(|| format!("-C: cannot change to {}", folder.display()))?;
    }
    if let Some(file) = env_file {
        if !file.is_file() {
            bail!("--env-file: there is no file {}", file.display());
        }
        let _ = ENV_FILE.set(file);
    }
    Ok(())
}

/// The file of settings: `.env` of the working directory, unless the command line names another one.
pub(in crate::cli) fn env_file() -> &'static Path {
    ENV_FILE.get().map_or(Path::new(".env"), PathBuf::as_path)
}

/// The settings of this process: its environment over the file.
pub(in crate::cli) fn load() -> anyhow::Result<Environment> {
    Environment::load(env_file())
}

/// The configuration, for a command that needs a server's: without any setting this is most likely a wrong folder.
pub(in crate::cli) fn config() -> anyhow::Result<Config> {
    let environment = load()?;
    if environment.is_empty() {
        let folder = std::env::current_dir().unwrap_or_default();
        bail!(
            "no .env in {}, and no setting in the environment: run this in the server's folder, or use -C DIR or --env-file FILE",
            folder.display()
        );
    }
    Ok(environment.config()?)
}

/// The use cases on a database that can be reached. Says which one it is.
pub(in crate::cli) async fn connect(config: Config) -> anyhow::Result<Arc<App>> {
    let app = Arc::new(App::open(config, Clock::system())?);
    if matches!(app.config().log.audit, AuditLogTarget::File(_)) {
        log_events(&app)?;
    }
    let store = app.store();
    Output::remark(&format!("database: {}", store.location()));
    let _ = OPENED.set(store.clone());
    store.reach().await.context("DATABASE_URL")?;
    Ok(app)
}

/// The use cases on a database whose schema is up to date.
pub(in crate::cli) async fn open() -> anyhow::Result<Arc<App>> {
    open_under(config()?).await
}

/// [`open`] under settings that a command has changed.
pub(in crate::cli) async fn open_under(config: Config) -> anyhow::Result<Arc<App>> {
    let app = connect(config).await?;
    refuse_pending(&app).await?;
    app.core.compare_clocks().await.context("DATABASE_URL")?;
    Ok(app)
}

/// Starts `AUDIT_LOG`.
pub(in crate::cli) fn log_events(app: &App) -> anyhow::Result<()> {
    if let Some(log) = AuditLog::start(&app.config().log.audit)? {
        app.audit.log_to(&log);
        let _ = AUDIT_LOG.set(log);
    }
    Ok(())
}

/// Closes the database that the command opened: of SQLite, all that was written then stands in the one file.
pub(in crate::cli) async fn close() {
    if let Some(store) = OPENED.get() {
        store.close().await;
    }
    if let Some(log) = AUDIT_LOG.get() {
        log.flush();
    }
}

/// Whoever runs this command, for the audit trail: the user of the operating system, by name where this machine has
/// one for it.
pub(in crate::cli) fn origin() -> Origin {
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
pub(in crate::cli) async fn refuse_pending(app: &App) -> anyhow::Result<()> {
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
