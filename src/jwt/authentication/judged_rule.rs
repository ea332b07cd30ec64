//! Owns how the verdicts of rules on a token are told, and which of them are put in words.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::printable::printable;

/// The longest value that a rule shows.
const MAX_SHOWN: usize = 300;

/// A rule, and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct JudgedRule {
    /// The subject of the rule: a header member, a claim or a pointer to one
    pub rule: String,
    /// The expected value
    pub expected: String,
    /// The value in the token
    pub came: String,
    /// Whether the token satisfies the rule
    pub passed: bool,
}

impl JudgedRule {
    /// A rule with its verdict. What came is shown redacted and not in full length.
    pub fn new(
        rule: impl Into<String>,
        expected: impl Into<String>,
        came: impl Into<String>,
        passed: bool,
    ) -> Self {
        Self {
            rule: rule.into(),
            expected: expected.into(),
            came: printable(&came.into(), MAX_SHOWN),
            passed,
        }
    }

    /// One sentence for whoever made the token.
    pub fn sentence(&self) -> String {
        format!(
            "the client_assertion's {}: expected {}, and it is {}",
            self.rule, self.expected, self.came
        )
    }
}

/// The rules that were judged of a token, in their order. A rule is put in words only if it failed or every one is asked for:
/// a login that succeeds formats nothing.
#[derive(Debug, Default)]
pub struct JudgedRules {
    is_complete: bool,
    told: Vec<JudgedRule>,
}

impl JudgedRules {
    /// Of which only those that fail are told.
    pub fn only_failed() -> Self {
        Self::default()
    }

    /// Of which each is told.
    pub fn complete() -> Self {
        Self {
            is_complete: true,
            ..Self::default()
        }
    }

    /// Whether each is told.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Adds a verdict; `tell` says what the rule is about, what it asks for, and what came.
    pub fn add(&mut self, passed: bool, tell: impl FnOnce() -> (&'static str, String, String)) {
        if !passed || self.is_complete {
            let (rule, expected, came) = tell();
            self.told
                .push(JudgedRule::new(rule, expected, came, passed));
        }
    }

    /// The first rule that the token does not satisfy.
    pub fn failure(&self) -> Option<&JudgedRule> {
        self.told.iter().find(|rule| !rule.passed)
    }

    /// Those that are told.
    pub fn into_told(self) -> Vec<JudgedRule> {
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_passed_is_put_in_words_only_where_every_one_is_asked_for() {
        let tell = |passed: bool| {
            let rule = if passed { "good" } else { "bad" };
            (rule, String::new(), String::new())
        };
        let mut failed = JudgedRules::only_failed();
        failed.add(true, || unreachable!("nobody reads it"));
        assert_eq!(failed.failure(), None);
        failed.add(false, || tell(false));
        assert_eq!(failed.failure().unwrap().rule, "bad");
        let mut every = JudgedRules::complete();
        for passed in [true, false] {
            every.add(passed, || tell(passed));
        }
        assert_eq!(every.failure().unwrap().rule, "bad");
        assert_eq!(every.into_told().len(), 2);
    }
}
