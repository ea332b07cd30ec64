//! Owns how the verdict of one rule on a token is told.

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::printable::printable;

/// The longest value that a rule shows.
const MAX_SHOWN: usize = 300;

/// A rule, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct JudgedRule {
    /// What the rule is about: a header member, a claim or a pointer to one
    pub rule: String,
    /// What the rule asks for
    pub expected: String,
    /// What the token has
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
