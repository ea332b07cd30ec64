//! Owns what commands read from stdin: the answer to a question, a secret or token, a file that is called `-`.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use anyhow::Context;

use super::Output;
use crate::app::error::Error;
use crate::base::secret::Secret;

/// What somebody at the terminal answers to `question`. Without a terminal, `why` it is asked is an error.
pub(super) fn ask(why: &str, question: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        let description = format!("{why}; add --yes to do it without a question");
        return Err(Error::invalid_request(description).into());
    }
    let _ = write!(io::stderr(), "{question}");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// At most `limit` bytes. At a terminal it first says `how` to type them.
pub(in crate::cli) fn read(how: &str, limit: u64) -> anyhow::Result<String> {
    if io::stdin().is_terminal() {
        Output::remark(how);
    }
    let mut text = String::new();
    let read = io::stdin().take(limit).read_to_string(&mut text);
    read.context("cannot read stdin")?;
    Ok(text)
}

/// A chosen secret or password, without the line break at its end.
pub(in crate::cli) fn read_secret(how: &str) -> anyhow::Result<Secret<String>> {
    let text = Secret::new(read(how, 4_096)?);
    Ok(Secret::from(text.expose().trim_end_matches(['\r', '\n'])))
}

/// A file, or stdin where it is called `-`.
pub(in crate::cli) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(File::open(path)?))
}
