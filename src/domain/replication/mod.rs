//! What replicas tell one another.

pub(in crate::domain) mod change;
pub(in crate::domain) mod installation;
pub(in crate::domain) mod replica;
