//! What is remembered.

use std::fmt;

use crate::http::ops::exposition::Page;
use crate::http::ops::families::{Snapshot, number};

impl Snapshot {
    pub(super) fn caches(&self, page: &mut Page<'_>) -> fmt::Result {
        let caches = || {
            self.app
                .caches
                .iter()
                .map(|cache| ([("cache", cache.name)], cache))
        };
        page.gauges(
            "token_server_cache_entries",
            "What is remembered",
            caches().map(|(labels, cache)| (labels, number(cache.entries))),
        )?;
        page.gauges(
            "token_server_cache_limit_entries",
            "The most that may be, of what is bounded by number",
            caches()
                .filter(|(_, cache)| cache.bytes.is_none())
                .map(|(labels, cache)| (labels, number(cache.limit))),
        )?;
        page.gauges(
            "token_server_cache_bytes",
            "About what it takes, of what is bounded by size",
            caches().filter_map(|(labels, cache)| Some((labels, number(cache.bytes?)))),
        )?;
        page.gauges(
            "token_server_cache_limit_bytes",
            "The most that it may take",
            caches()
                .filter(|(_, cache)| cache.bytes.is_some())
                .map(|(labels, cache)| (labels, number(cache.limit))),
        )?;
        page.counters(
            "token_server_cache_hits",
            "How often something was found there",
            caches().filter_map(|(labels, cache)| Some((labels, cache.asked?.0))),
        )?;
        page.counters(
            "token_server_cache_misses",
            "How often it was not",
            caches().filter_map(|(labels, cache)| Some((labels, cache.asked?.1))),
        )
    }
}
