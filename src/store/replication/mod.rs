//! The tables `changes` and `replicas`.

pub(in crate::store) mod changes;
pub(in crate::store) mod listener;
pub(in crate::store) mod replicas;
