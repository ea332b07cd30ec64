//! Owns what the kernel says of this process, under the names that every Prometheus client library has for it.

use std::fmt;
use std::fs;

use crate::http::ops::exposition::Page;

/// What the kernel says of this process; nothing where there is no `/proc`.
#[derive(Debug)]
pub(super) struct Process {
    resident_bytes: Option<f64>,
    cpu_seconds: Option<f64>,
    started_at: Option<f64>,
    threads: Option<f64>,
    open_files: Option<f64>,
    files_limit: Option<f64>,
}

impl Process {
    #[expect(
        clippy::cast_precision_loss,
        reason = "no such number is beyond 2^53, and none has to be exact"
    )]
    pub(super) fn read() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The name of the program may hold spaces and brackets; what follows the last one is numbers. The third of
        // proc(5)'s list is the first here.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let page = rustix::param::page_size() as f64;
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        Self {
            resident_bytes: field(24).map(|pages| pages as f64 * page),
            cpu_seconds: field(14)
                .zip(field(15))
                .map(|(user, system)| (user + system) as f64 / ticks),
            // Ticks since the machine started.
            started_at: field(22)
                .zip(boot_time())
                .map(|(began, boot)| boot as f64 + began as f64 / ticks),
            threads: field(20).map(|threads| threads as f64),
            open_files: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|files| files.count() as f64),
            files_limit: limit.map(|limit| limit as f64),
        }
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        page.gauge(
            "process_resident_memory_bytes",
            "Resident memory of the process",
            self.resident_bytes,
        )?;
        page.counters(
            "process_cpu_seconds",
            "Processor time that the process has used",
            self.cpu_seconds.map(|seconds| ([], seconds)),
        )?;
        page.gauge(
            "process_start_time_seconds",
            "When the process started",
            self.started_at,
        )?;
        page.gauge("process_threads", "Threads of the process", self.threads)?;
        page.gauge("process_open_fds", "Open file descriptors", self.open_files)?;
        page.gauge(
            "process_max_fds",
            "Limit of open file descriptors",
            self.files_limit,
        )
    }
}

/// When the machine started.
fn boot_time() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let mut lines = stat.lines();
    let at = lines.find_map(|line| line.strip_prefix("btime "))?;
    at.trim().parse().ok()
}
