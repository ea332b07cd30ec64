//! Sockets, TLS and runtimes. Serves any tower service and knows no route.

pub(in crate::http) mod connection_metrics;
pub(in crate::http) mod connection_room;
mod handshake_turns;
pub(in crate::http) mod idle_timeout;
pub(in crate::http) mod lingering;
pub(in crate::http) mod listener;
pub(in crate::http) mod log_pause;
pub(in crate::http) mod plain;
pub(in crate::http) mod proxy_protocol;
pub(in crate::http) mod runtimes;
pub(in crate::http) mod source_counts;
pub(in crate::http) mod stoppable_listener;
pub(in crate::http) mod tls;
