//! The rows of `revocations`, and the generations in `clients`.

pub(in crate::store) mod generation;
pub(in crate::store) mod queue;
pub(in crate::store) mod revocations;
