//! Owns the process environment and the `.env` file; nothing else reads either.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::env::VarError;
use std::path::Path;

use anyhow::{Context, anyhow, bail};

use super::{Config, ConfigError, ConfigErrors};

/// The variables of the process over those of a `.env` file.
#[derive(Debug)]
pub struct Environment {
    file: Option<BTreeMap<String, String>>,
    mistakes: Vec<ConfigError>,
}

impl Environment {
    /// Reads `.env` at `path` if there is one. A name in it that is no setting is a mistake of the
    /// configuration: most likely a mistyped one, whose default would silently stand. So is a name
    /// that is there twice.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        refuse_unreadable_variables()?;
        let found = path
            .try_exists()
            .with_context(|| format!("cannot look for {}", path.display()))?;
        let mut mistakes = Vec::new();
        let file = if found {
            let values = read_file(path, &mut mistakes);
            Some(values.with_context(|| format!("cannot read {}", path.display()))?)
        } else {
            None
        };
        Ok(Self { file, mistakes })
    }

    /// Whether nothing at all is configured: no `.env`, and no setting in the environment. Those of OpenTelemetry do not
    /// count: they are set for all that runs on a machine.
    pub fn is_empty(&self) -> bool {
        let names = setting_names();
        let mut own = names.iter().filter(|name| !name.starts_with("OTEL_"));
        self.file.is_none() && own.all(|name| variable(name).is_none())
    }

    /// The configuration these variables describe.
    pub fn config(&self) -> Result<Config, ConfigErrors> {
        match self.read() {
            (config, mistakes) if mistakes.0.is_empty() => Ok(config),
            (_, mistakes) => Err(mistakes),
        }
    }

    /// The same, with defaults where there are mistakes; see [`Config::read`].
    pub fn read(&self) -> (Config, ConfigErrors) {
        let (config, mut mistakes) = Config::read(|name| self.get(name));
        mistakes.0.splice(0..0, self.mistakes.iter().cloned());
        (config, mistakes)
    }

    fn get(&self, name: &str) -> Option<String> {
        variable(name).or_else(|| self.file.as_ref()?.get(name).cloned())
    }
}

fn read_file(
    path: &Path,
    mistakes: &mut Vec<ConfigError>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path)?;
    let known = setting_names();
    let mut values = BTreeMap::new();
    let mut refuse = |name: String, message: &str| {
        let message = format!("{} {message}", path.display());
        mistakes.push(ConfigError { name, message });
    };
    for pair in dotenvy::from_read_iter(text.as_bytes()) {
        let (name, value) = pair.map_err(|error| without_the_line(&text, error))?;
        if !known.contains(&name) {
            refuse(name, "sets it, but there is no such setting");
        } else if values.insert(name.clone(), value).is_some() {
            refuse(name, "sets it twice");
        }
    }
    Ok(values)
}

/// The parser's own error quotes the line, which may hold a secret.
fn without_the_line(text: &str, error: dotenvy::Error) -> anyhow::Error {
    let dotenvy::Error::LineParse(bad, _) = error else {
        return error.into();
    };
    // It has the line, or from its value on. More than one like it, and which it was is not known.
    let bad = bad.lines().next().unwrap_or_default().trim();
    let mut alike = (1..)
        .zip(text.lines())
        .filter_map(|(number, line): (u64, _)| line.contains(bad).then_some(number));
    let place = match (alike.next(), alike.next()) {
        (Some(number), None) => format!("line {number}"),
        _ => "a line".to_owned(),
    };
    anyhow!("{place} is not NAME=value; a value with spaces, $ or # stands in 'single quotes'")
}

/// A setting that is not UTF-8 would else count as absent, and its default would silently stand.
fn refuse_unreadable_variables() -> anyhow::Result<()> {
    for name in setting_names() {
        if let Err(VarError::NotUnicode(_)) = read_variable(&name) {
            bail!("{name}: its value is not UTF-8");
        }
    }
    Ok(())
}

/// The name of every setting: exactly those that [`Config::from_lookup`] asks for.
fn setting_names() -> BTreeSet<String> {
    let names = RefCell::new(BTreeSet::new());
    let _ = Config::from_lookup(|name| {
        names.borrow_mut().insert(name.to_owned());
        None
    });
    names.into_inner()
}

fn variable(name: &str) -> Option<String> {
    read_variable(name).ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn read_variable(name: &str) -> Result<String, VarError> {
    std::env::var(name)
}
