//! Owns how a command that breaks something asks before it does.

use anyhow::bail;
use clap::Args;

use super::{Output, printable};

/// Whether a dangerous command asks.
#[derive(Args, Clone, Copy)]
pub(in crate::cli) struct Confirmation {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Confirmation {
    /// Asks whether to go on; `what` says what would happen, as a sentence without its full stop. Without a terminal it
    /// is refused.
    pub(in crate::cli) fn ask(self, what: &str, question: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        let what = printable(what);
        let answer = Output::ask(&what, &format!("{what}.\n{question} [y/N] "))?;
        if answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes") {
            return Ok(());
        }
        bail!("not confirmed: nothing was changed")
    }

    /// Asks for `word` to be typed, where nothing brings back what is lost.
    pub(in crate::cli) fn ask_to_type(self, what: &str, word: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        let what = printable(what);
        let question = format!("{what}.\nType `{}` to go on: ", printable(word));
        if Output::ask(&what, &question)? == word {
            return Ok(());
        }
        bail!("not confirmed: nothing was changed")
    }
}
