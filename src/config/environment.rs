//! Owns the process environment and the `.env` file; nothing else reads either.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, bail};

use super::{Config, ConfigErrors};

/// The variables of the process over those of a `.env` file.
#[derive(Debug)]
pub struct Environment {
    file: Option<BTreeMap<String, String>>,
}

impl Environment {
    /// Reads `.env` at `path` if there is one. A name in it that is no setting is a mistake: most
    /// likely a mistyped one, whose default would silently stand.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        if !path
            .try_exists()
            .with_context(|| format!("cannot look for {}", path.display()))?
        {
            return Ok(Self { file: None });
        }
        let file = dotenvy::from_path_iter(path)
            .and_then(Iterator::collect::<Result<BTreeMap<_, _>, _>>)
            .map_err(|error| {
                // The error quotes the line, which may hold a secret.
                let quotes = matches!(error, dotenvy::Error::LineParse(_, _));
                let shown = if quotes {
                    anyhow::anyhow!("a line is not NAME=value, or has spaces outside quotes")
                } else {
                    error.into()
                };
                shown.context(format!("cannot read {}", path.display()))
            })?;
        let known = setting_names();
        let unknown: Vec<&str> = file
            .keys()
            .filter(|name| !known.contains(*name))
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            bail!(
                "{} sets what is no setting: {}",
                path.display(),
                unknown.join(", ")
            );
        }
        Ok(Self { file: Some(file) })
    }

    /// Whether nothing at all is configured: no `.env`, and no setting in the environment.
    pub fn is_empty(&self) -> bool {
        self.file.is_none() && setting_names().iter().all(|name| variable(name).is_none())
    }

    /// The configuration these variables describe.
    pub fn config(&self) -> Result<Config, ConfigErrors> {
        Config::from_lookup(|name| {
            variable(name).or_else(|| self.file.as_ref()?.get(name).cloned())
        })
    }
}

/// The name of every setting: exactly those that [`Config::from_lookup`] asks for.
pub(super) fn setting_names() -> BTreeSet<String> {
    let names = RefCell::new(BTreeSet::new());
    let _ = Config::from_lookup(|name| {
        names.borrow_mut().insert(name.to_owned());
        None
    });
    names.into_inner()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
