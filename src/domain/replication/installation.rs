//! Owns how a database is told from others, and from itself as it was before a restore.

use crate::domain::Generation;

/// Which database it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Random. A copy and a backup have that of their original.
    pub identity: String,
    /// How often `restore` was run, and one.
    pub epoch: i64,
    /// Every token with a lower generation is revoked; `restore` raised it.
    pub generation: Generation,
}
