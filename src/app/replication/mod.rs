//! This replica among the others: the change feed, readiness, and the clock.

pub(in crate::app) mod change_feed;
pub(in crate::app) mod clock_guard;
pub(in crate::app) mod readiness;
pub(in crate::app) mod replicas;
