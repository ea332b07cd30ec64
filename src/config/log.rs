//! Owns the settings of the log.

use std::path::PathBuf;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

use super::reader::Reader;
use crate::base::units::LogFormat;

/// What the names of this server's modules begin with.
const OWN_TARGET: &str = "token_server";

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// A filter as `tracing` writes it.
    pub filter: String,
    /// Text or JSON.
    pub format: LogFormat,
    /// Lines that may wait to be written.
    pub queue: usize,
    /// Where audit events are written beside the database.
    pub audit: AuditLogTarget,
}

/// Where audit events are written as JSON lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditLogTarget {
    /// Nowhere.
    Off,
    /// To stdout, by a server alone: what commands print there is their result.
    Stdout,
    /// To the end of a file.
    File(PathBuf),
}

fn parse_audit_log(text: &str) -> Result<AuditLogTarget, &'static str> {
    match text {
        "off" => Ok(AuditLogTarget::Off),
        "stdout" => Ok(AuditLogTarget::Stdout),
        // A misspelled word is no file of the working directory.
        path if path.contains('/') => Ok(AuditLogTarget::File(PathBuf::from(path))),
        _ => Err("it has no `/`"),
    }
}

impl LogConfig {
    pub(super) fn read(read: &mut Reader<'_>) -> Self {
        Self {
            filter: read.checked("LOG", "a tracing filter such as `info`", "info", |text| {
                check(text).map(|()| text.to_owned())
            }),
            format: read.parsed("LOG_FORMAT", "`auto`, `text` or `json`", "auto"),
            queue: read.within("LOG_QUEUE", 1..=1_000_000, "16384"),
            audit: read.checked(
                "AUDIT_LOG",
                "`off`, `stdout`, or the path of a file with a `/` in it",
                "off",
                parse_audit_log,
            ),
        }
    }
}

/// Refuses a filter under which this server logs nothing without anybody having said so: a word that is no level is the name
/// of a module, and nothing else is logged then.
fn check(text: &str) -> Result<(), String> {
    filter(text).map_err(|error| error.to_string())?;
    // Whoever writes filters of spans, which have commas of their own, knows what is logged.
    if text.contains('[') {
        return Ok(());
    }
    let directives = text.split(',').map(str::trim);
    let levels = "`off`, `error`, `warn`, `info`, `debug` or `trace`";
    let mut is_about_us = false;
    for directive in directives.filter(|it| !it.is_empty()) {
        let (target, has_level) = match directive.split_once('=') {
            Some((target, _)) => (target, true),
            None => (directive, false),
        };
        let is_ours = OWN_TARGET.starts_with(target) || target.starts_with(OWN_TARGET);
        let is_level = !has_level && target.parse::<LevelFilter>().is_ok();
        if !has_level && !is_level && !is_ours {
            return Err(format!("`{directive}` is not a level: {levels}"));
        }
        is_about_us |= is_level || is_ours;
    }
    if is_about_us {
        Ok(())
    } else {
        Err(format!(
            "it has no level for this server, so the server would log nothing: add a level, {levels}"
        ))
    }
}

/// Parses a filter such as `info` or `token_server=debug,warn`.
pub fn filter(text: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_says_something_of_this_server() {
        for text in [
            "info",
            "WARN",
            "off",
            "3",
            "token_server",
            "token_server=debug",
            "token_server::http=trace,warn",
            "hyper=debug,info",
            "info,",
            "warn,[{client_id=a}]=debug",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for (text, named) in [
            ("foo", "`foo` is not a level"),
            ("warning", "`warning` is not a level"),
            ("verbose,info", "`verbose` is not a level"),
            ("info,hyper", "`hyper` is not a level"),
            ("hyper=debug", "no level for this server"),
            ("token_server=inof", ""),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
