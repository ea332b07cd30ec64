//! Owns the reading of single settings: looks a name up, parses what is there, and keeps every
//! mistake until the end so that all are reported at once.

pub(in crate::config) mod description;
pub(in crate::config) mod env_file;
pub(in crate::config) mod environment;

use std::fmt;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::SAMPLE_SECRET;
use crate::base::redact::{redact, redact_string};
use crate::base::secret::Secret;
use crate::base::secret::weak::weakness;
use crate::base::units::{Bytes, Seconds, parse_seconds};

/// What to do about a bad `SECRET`.
const MAKE_ONE: &str = "make one with `token-server secret new`";

/// One mistake: which variable, what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct ConfigError {
    /// The variable.
    pub name: String,
    /// What was found and what is expected. Never the value of a secret.
    pub message: String,
}

/// Every mistake of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = &self.0[..] {
            return write!(f, "{only}");
        }
        write!(f, "the configuration has {} mistakes:", self.0.len())?;
        for error in &self.0 {
            write!(f, "\n  {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Setting {
    /// The variable.
    pub name: String,
    /// The value in force; empty for a secret.
    pub value: String,
    /// Whether the value is secret.
    pub is_secret: bool,
    /// Whether it is set; otherwise the value is the default.
    pub is_set: bool,
}

/// Settings as they were found. Not part of what a configuration prints: it has them already.
#[derive(Clone, Default)]
pub struct Settings(pub Vec<Setting>);

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[settings]")
    }
}

pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    /// Every mistake so far.
    pub(super) errors: Vec<ConfigError>,
    /// Mistakes that do not keep the server from serving.
    pub(super) warnings: Vec<ConfigError>,
    /// What was read so far, in the order of reading.
    pub(super) found: Vec<Setting>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            errors: Vec::new(),
            warnings: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Makes warnings of the mistakes behind the first `mark`.
    pub(super) fn tolerate_since(&mut self, mark: usize, why: &str) {
        let tolerated = self.errors.drain(mark..).map(|mut error| {
            error.message = format!("{}; {why}", error.message);
            error
        });
        self.warnings.extend(tolerated);
    }

    fn note(&mut self, name: &str, found: Option<&str>, default: &str) {
        self.found.push(Setting {
            name: name.to_owned(),
            value: redact(found.unwrap_or(default)).into_owned(),
            is_secret: false,
            is_set: found.is_some(),
        });
    }

    /// Whether a setting that was read before was set.
    pub(super) fn is_set(&self, name: &str) -> bool {
        let mut found = self.found.iter();
        found.any(|setting| setting.name == name && setting.is_set)
    }

    pub(super) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(ConfigError {
            name: name.to_owned(),
            message: redact_string(message.into()),
        });
    }

    /// [`refuse`](Self::refuse), for a setting that then has no value.
    pub(super) fn refuse_none<T>(&mut self, name: &str, message: impl Into<String>) -> Option<T> {
        self.refuse(name, message);
        None
    }

    /// A setting with a default.
    pub(super) fn parsed<T>(&mut self, name: &str, expected: &str, default: &str) -> T
    where
        T: FromStr<Err: Display>,
    {
        self.checked(name, expected, default, str::parse::<T>)
    }

    /// A switch, off by default.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.parsed(name, "`true` or `false`", "false")
    }

    /// One of some words, each with its meaning.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, words: &[(&str, T)], default: &str) -> T {
        let mut quoted: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let last = quoted.pop().unwrap_or_default();
        let expected = format!("{} or {last}", quoted.join(", "));
        let none = if words.len() == 2 {
            "it is neither"
        } else {
            "it is none of them"
        };
        self.checked(name, &expected, default, |text| {
            let found = words.iter().find(|(word, _)| *word == text);
            found.map(|(_, meaning)| *meaning).ok_or(none)
        })
    }

    /// A setting that may be left out.
    pub(super) fn optional<T>(&mut self, name: &str, expected: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        self.optional_checked(name, expected, str::parse::<T>)
    }

    /// A setting that may be left out, with a parser of its own.
    pub(super) fn optional_checked<T, E: Display>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let found = self.find(name);
        self.note(name, found.as_deref(), "");
        let text = found?;
        let parsed = parse(&text);
        parsed
            .inspect_err(|error| {
                let message = format!("found `{text}`, expected {expected} ({error})");
                self.refuse(name, message);
            })
            .ok()
    }

    /// A number with a default and two ends. The upper one is there because much is set aside for
    /// each: an absurd number would end the process in the middle of its start.
    pub(super) fn within<T>(&mut self, name: &str, range: RangeInclusive<T>, default: &str) -> T
    where
        T: FromStr<Err: Display> + PartialOrd + Display,
    {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.checked(name, &expected, default, |text| {
            inside(
                &range,
                text.parse::<T>().map_err(|error| error.to_string())?,
            )
        })
    }

    /// A duration with a default.
    pub(super) fn duration(&mut self, name: &str, expected: &str, default: &str) -> Duration {
        self.parsed::<Seconds>(name, expected, default).0
    }

    /// A size with a default and two ends, in bytes.
    pub(super) fn size(
        &mut self,
        name: &str,
        range: RangeInclusive<&'static str>,
        default: &str,
    ) -> usize {
        let bytes = |text: &str| text.parse::<Bytes>().map(Bytes::in_memory);
        self.between(name, "a size", range, default, bytes)
    }

    /// A duration with a default and two ends, in seconds.
    pub(super) fn seconds(
        &mut self,
        name: &str,
        range: RangeInclusive<&'static str>,
        default: &str,
    ) -> i64 {
        self.between(name, "a duration", range, default, parse_seconds)
    }

    /// A setting whose ends are written as it is itself.
    fn between<T: PartialOrd>(
        &mut self,
        name: &str,
        what: &str,
        range: RangeInclusive<&'static str>,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let (least, most) = (*range.start(), *range.end());
        let expected = format!("{what} from {least} to {most}");
        self.checked(name, &expected, default, |text| {
            inside(&(parse(least)?..=parse(most)?), parse(text)?)
        })
    }

    /// A setting with a default and a parser of its own. After a mistake the default stands in, so that
    /// reading goes on and finds the others.
    pub(super) fn checked<T, E: Display>(
        &mut self,
        name: &str,
        expected: &str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> T {
        let found = self.find(name);
        self.note(name, found.as_deref(), default);
        if let Some(text) = found {
            match parse(&text) {
                Ok(value) => return value,
                Err(error) => {
                    self.refuse(
                        name,
                        format!("found `{text}`, expected {expected} ({error})"),
                    );
                }
            }
        }
        match parse(default) {
            Ok(value) => value,
            Err(error) => unreachable!("the default of {name} does not parse: {error}"),
        }
    }

    /// A secret from `NAME` or from the file that `NAME_FILE` names, never both.
    pub(super) fn secret(&mut self, name: &str) -> Option<Secret<String>> {
        let file_name = format!("{name}_FILE");
        let (value, file) = (self.find(name), self.find(&file_name));
        self.found.push(Setting {
            name: name.to_owned(),
            value: String::new(),
            is_secret: true,
            is_set: value.is_some() || file.is_some(),
        });
        match (value, file) {
            (None, None) => None,
            (Some(value), None) => {
                let as_found = (self.lookup)(name).map(Secret::new);
                self.warn_of_spaces(name, as_found.as_ref(), &value);
                Some(Secret::new(value))
            }
            (None, Some(path)) => match Secret::read_file(Path::new(&path)) {
                Ok(value) => {
                    let trimmed = value.trimmed();
                    self.warn_of_spaces(&file_name, Some(&value), trimmed.expose());
                    Some(trimmed)
                }
                Err(error) => {
                    self.refuse_none(&file_name, format!("cannot read `{path}`: {error}"))
                }
            },
            (Some(_), Some(_)) => {
                self.refuse_none(name, format!("set it or {file_name}, not both"))
            }
        }
    }

    /// 0.1.0 took them for a part of the secret, unless it was in a `.env` file without quotes: replicas disagreed.
    fn warn_of_spaces(&mut self, name: &str, found: Option<&Secret<String>>, trimmed: &str) {
        if found.is_some_and(|found| found.expose() != trimmed) {
            self.warnings.push(ConfigError {
                name: name.to_owned(),
                message: "begins or ends with spaces or line breaks, which the server ignores; token-server 0.1.0 \
                    read them as part of the value, so a SECRET was a different one"
                    .to_owned(),
            });
        }
    }

    /// The file that [`secret`](Self::secret) reads, if it does.
    pub(super) fn secret_file(&self, name: &str) -> Option<PathBuf> {
        self.find(&format!("{name}_FILE")).map(PathBuf::from)
    }

    /// A signing key, which has to be there and must not be weak.
    pub(super) fn signing_secret(&mut self, name: &str) -> Option<Secret<String>> {
        let errors_before = self.errors.len();
        let secret = self.optional_signing_secret(name);
        if let Some(weakness) = secret.as_ref().and_then(|it| weakness(it.expose())) {
            return self.refuse_none(name, format!("{weakness}; {MAKE_ONE}"));
        }
        if secret.is_none() && self.errors.len() == errors_before {
            self.refuse(
                name,
                format!(
                    "is missing; {MAKE_ONE}, or try the server out with `token-server serve --dev`"
                ),
            );
        }
        secret
    }

    /// A signing key (RFC 7518 §3.2: at least as long as the hash), which may be weak: the one before has to be replaced.
    pub(super) fn optional_signing_secret(&mut self, name: &str) -> Option<Secret<String>> {
        let secret = self.secret(name)?;
        let problem = if secret.expose() == SAMPLE_SECRET {
            "is the published one of .env.sample".to_owned()
        } else if secret.expose().len() < 32 {
            format!("has {} bytes, expected 32 or more", secret.expose().len())
        } else {
            return Some(secret);
        };
        self.refuse_none(name, format!("{problem}; {MAKE_ONE}"))
    }

    /// The value without white space at its ends, whether it is of a variable or of a `.env` file: there only quotes would keep
    /// it, and a variable has none. An empty one is one that is not set: that is how compose files and unit files unset.
    fn find(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
            .as_deref()
            .and_then(meaning)
            .map(str::to_owned)
    }
}

/// What a value means: its text without white space at its ends. An empty one means that the setting is not set.
pub(super) fn meaning(value: &str) -> Option<&str> {
    Some(value.trim()).filter(|text| !text.is_empty())
}

/// Words separated by spaces or commas.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',']).filter(|word| !word.is_empty())
}

/// A value, if it is in its range.
pub(super) fn inside<T: PartialOrd>(range: &RangeInclusive<T>, value: T) -> Result<T, String> {
    if range.contains(&value) {
        Ok(value)
    } else {
        Err("it is not in that range".to_owned())
    }
}
