//! The tables `changes`, `replicas` and `installation`.

pub(in crate::store) mod changes;
pub(in crate::store) mod inspection;
pub(in crate::store) mod installation;
pub(in crate::store) mod listener;
pub(in crate::store) mod replicas;
