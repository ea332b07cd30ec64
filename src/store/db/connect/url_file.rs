//! Owns the file that has the URL of a Postgres (`DATABASE_URL_FILE`), or its password (`DATABASE_PASSWORD_FILE`). It is read
//! again before a connection is opened, so that a password that was changed there is used without a restart.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use sqlx::postgres::PgConnectOptions;

use crate::base::postgres_url::with_password;
use crate::base::secret::Secret;
use crate::store::Store;
use crate::store::db::Pool;
use crate::store::db::connect::{DatabaseOptions, postgres};
use crate::store::db::error::RefusalCode;

/// The file, and what was found in it last.
#[derive(Debug)]
pub(in crate::store) struct UrlFile {
    setting: &'static str,
    path: PathBuf,
    options: DatabaseOptions,
    found: Mutex<Found>,
}

#[derive(Debug)]
struct Found {
    url: Secret<String>,
    problem: Option<String>,
}

impl UrlFile {
    pub(in crate::store) fn new(options: &DatabaseOptions) -> Option<Arc<Self>> {
        let found = Found {
            url: options.url.clone(),
            problem: None,
        };
        let (setting, path) = match (&options.url_file, &options.password_file) {
            (Some(path), _) => ("DATABASE_URL_FILE", path),
            (None, Some(path)) => ("DATABASE_PASSWORD_FILE", path),
            (None, None) => return None,
        };
        Some(Arc::new(Self {
            setting,
            path: path.clone(),
            options: options.clone(),
            found: Mutex::new(found),
        }))
    }

    /// The server of another URL than was found last; an error, once, if the file cannot be used.
    fn changed(&self) -> Result<Option<PgConnectOptions>, String> {
        let read = self.read();
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok((url, _)) if url == found.url => {
                found.problem = None;
                Ok(None)
            }
            Ok((url, server)) => {
                *found = Found { url, problem: None };
                Ok(Some(server))
            }
            Err(error) => {
                let problem = format!("{error:#}");
                if found.problem.as_ref() == Some(&problem) {
                    return Ok(None);
                }
                found.problem = Some(problem.clone());
                Err(problem)
            }
        }
    }

    fn read(&self) -> anyhow::Result<(Secret<String>, PgConnectOptions)> {
        let text = Secret::read_file(&self.path)
            .with_context(|| format!("cannot read `{}`", self.path.display()))?
            .trimmed();
        let url = if self.options.url_file.is_some() {
            text
        } else {
            anyhow::ensure!(!text.expose().is_empty(), "it is empty");
            with_password(self.options.url.expose(), &text)?
        };
        let is_postgres = ["postgres:", "postgresql:"]
            .iter()
            .any(|scheme| url.expose().starts_with(scheme));
        anyhow::ensure!(is_postgres, "the URL does not begin with postgres://");
        let server = postgres(url.expose(), &self.options)?;
        Ok((url, server))
    }
}

impl Store {
    /// Has connections that are opened from now on use the URL that the file has now. If the file cannot be used, the last URL
    /// stays.
    pub(in crate::store) async fn refresh_url(&self) {
        let Some(file) = self.url_file.clone() else {
            return;
        };
        let setting = file.setting;
        let server = match tokio::task::spawn_blocking(move || file.changed()).await {
            Ok(Ok(Some(server))) => server,
            Ok(Ok(None)) => return,
            Ok(Err(problem)) => {
                return tracing::warn!("{setting}: the server keeps using the last URL: {problem}");
            }
            Err(error) => return tracing::error!("{setting}: {error}"),
        };
        tracing::info!("{setting}: new connections use the changed URL");
        for pool in [&self.pool, &self.feed] {
            if let Pool::Postgres(pool) = pool {
                pool.set_connect_options(server.clone());
            }
        }
    }
}

/// Whether the server refused who or what logs in: `invalid_authorization_specification` and `invalid_password`.
pub(in crate::store) fn is_refused_login(error: &sqlx::Error) -> bool {
    matches!(RefusalCode::of(error), Some(RefusalCode::SqlState(state)) if state.starts_with("28"))
}
