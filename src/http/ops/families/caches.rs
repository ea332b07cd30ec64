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
            "Entries in the cache",
            caches().map(|(labels, cache)| (labels, number(cache.entries))),
        )?;
        page.gauges(
            "token_server_cache_limit_entries",
            "Limit of entries, of caches that are limited by number",
            caches()
                .filter(|(_, cache)| cache.bytes.is_none())
                .map(|(labels, cache)| (labels, number(cache.limit))),
        )?;
        page.gauges(
            "token_server_cache_bytes",
            "Approximate size, of caches that are limited by size",
            caches().filter_map(|(labels, cache)| Some((labels, number(cache.bytes?)))),
        )?;
        page.gauges(
            "token_server_cache_limit_bytes",
            "Limit of the size, of caches that are limited by size",
            caches()
                .filter(|(_, cache)| cache.bytes.is_some())
                .map(|(labels, cache)| (labels, number(cache.limit))),
        )?;
        page.counters(
            "token_server_cache_hits",
            "Cache hits",
            caches().filter_map(|(labels, cache)| Some((labels, cache.asked?.0))),
        )?;
        page.counters(
            "token_server_cache_misses",
            "Cache misses",
            caches().filter_map(|(labels, cache)| Some((labels, cache.asked?.1))),
        )
    }
}
