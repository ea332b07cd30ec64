//! Collections for many threads.

pub(crate) mod fair_queue;
pub(crate) mod sharded_map;
