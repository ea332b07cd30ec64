//! What operators read of all features together.

pub(crate) mod metrics;
pub(crate) mod overview;
