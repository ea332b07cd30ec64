//! Owns the process environment and the `.env` file; nothing else reads either.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::env::VarError;
use std::path::Path;

use anyhow::{Context, bail};

use crate::config::reader::env_file;
use crate::config::reader::meaning;
use crate::config::{Config, ConfigError, ConfigErrors};

/// The variables of the process over those of a `.env` file.
#[derive(Debug, Default)]
pub struct Environment {
    /// What the command line says, and what development mode fills in.
    given: BTreeMap<&'static str, String>,
    file: Option<BTreeMap<String, String>>,
    mistakes: Vec<ConfigError>,
    warnings: Vec<ConfigError>,
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
        let mut environment = Self::default();
        if found {
            let read = environment.read_file(path);
            read.with_context(|| format!("cannot read {}", path.display()))?;
        }
        Ok(environment)
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
        let (mut config, mut mistakes) = Config::read(|name| self.get(name));
        mistakes.0.splice(0..0, self.mistakes.iter().cloned());
        config.tolerated.splice(0..0, self.warnings.iter().cloned());
        (config, mistakes)
    }

    /// Lets a setting have this value, whatever the environment and the file say.
    pub(crate) fn set(&mut self, name: &'static str, value: String) {
        self.given.insert(name, value);
    }

    /// Lets a setting that nothing sets have this value.
    pub(crate) fn set_default(&mut self, name: &'static str, value: &str) {
        if !self.has(name) {
            self.set(name, value.to_owned());
        }
    }

    /// Whether something sets it.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).as_deref().and_then(meaning).is_some()
    }

    /// Whether `DEVELOPMENT` is on.
    pub(crate) fn is_development(&self) -> bool {
        self.get("DEVELOPMENT").as_deref().and_then(meaning) == Some("true")
    }

    fn get(&self, name: &str) -> Option<String> {
        let given = self.given.get(name).cloned();
        let given = given.or_else(|| variable(name));
        given.or_else(|| self.file.as_ref()?.get(name).cloned())
    }

    fn read_file(&mut self, path: &Path) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(path)?;
        let known = setting_names();
        let mut values = BTreeMap::new();
        for (name, value) in env_file::parse(&text)? {
            let problem = if !known.contains(&name) {
                "sets an unknown setting"
            } else if values.insert(name.clone(), value).is_some() {
                "sets it twice"
            } else {
                continue;
            };
            let message = format!("{} {problem}", path.display());
            self.mistakes.push(ConfigError { name, message });
        }
        let changed = env_file::changed_since_0_1_0(&text, &values);
        self.warnings.extend(changed.into_iter().map(|name| {
            let message = format!(
                "{} has a `$`, which is a plain character here; token-server 0.1.0 replaced it with the value of a \
                    variable. In 'single quotes' every version reads it as it is",
                path.display()
            );
            ConfigError { name, message }
        }));
        self.file = Some(values);
        Ok(())
    }
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
