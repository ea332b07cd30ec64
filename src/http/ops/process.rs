//! Owns what the kernel says of this process, under the names that every Prometheus client library has for it.

use std::fmt;
use std::fs;

use crate::http::ops::exposition::{Page, metrics};

/// Writes what the kernel says of this process; nothing where there is no `/proc`.
#[expect(
    clippy::cast_precision_loss,
    reason = "no such number is beyond 2^53, and none has to be exact"
)]
pub(super) fn write(page: &mut Page<'_>) -> fmt::Result {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may hold spaces and brackets; what follows the last one is numbers. The third of
    // proc(5)'s list is the first here.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let page_size = rustix::param::page_size() as f64;
    let files = fs::read_dir("/proc/self/fd").ok();
    let files_limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    metrics! { page {
        gauge "process_resident_memory_bytes" "Resident memory of the process":
            field(24).map(|pages| pages as f64 * page_size);
        counters "process_cpu_seconds" "Processor time that the process has used":
            field(14).zip(field(15)).map(|(user, system)| ([], (user + system) as f64 / ticks));
        // Field 22 counts ticks since the machine started.
        gauge "process_start_time_seconds" "When the process started":
            field(22).zip(boot_time()).map(|(began, boot)| boot as f64 + began as f64 / ticks);
        gauge "process_threads" "Threads of the process": field(20).map(|threads| threads as f64);
        gauge "process_open_fds" "Open file descriptors": files.map(|files| files.count() as f64);
        gauge "process_max_fds" "Limit of open file descriptors": files_limit.map(|limit| limit as f64);
    } }
}

/// When the machine started.
fn boot_time() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let mut lines = stat.lines();
    let at = lines.find_map(|line| line.strip_prefix("btime "))?;
    at.trim().parse().ok()
}
