//! Owns how a command that breaks something asks before it does.

use anyhow::bail;
use clap::Args;

use super::{printable, stdin};

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
        self.require(what, &format!("{question} [y/N] "), |answer| {
            answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes")
        })
    }

    /// Asks for `word` to be typed, where nothing brings back what is lost.
    pub(in crate::cli) fn ask_to_type(self, what: &str, word: &str) -> anyhow::Result<()> {
        let question = format!("Type `{}` to go on: ", printable(word));
        self.require(what, &question, |answer| answer == word)
    }

    fn require(
        self,
        what: &str,
        question: &str,
        is_consent: impl FnOnce(&str) -> bool,
    ) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        let what = printable(what);
        if is_consent(&stdin::ask(&what, &format!("{what}.\n{question}"))?) {
            return Ok(());
        }
        bail!("not confirmed: nothing was changed")
    }
}
