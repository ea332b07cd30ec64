//! The log of one test.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use token_server::telemetry;
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

/// Two that want nothing. Whether a line is wanted `tracing` asks all there are, once; but as long as there is one at
/// most, only that of the thread which first reaches the line. That may be another test's, and then the line is lost to all.
static NOBODY: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::default())));

/// To be called before anything logs, so that [`Log`] misses nothing.
pub(crate) fn prepare() {
    LazyLock::force(&NOBODY);
}

/// Collects what is logged on this thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn capture(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let filter = token_server::config::log_filter("trace").unwrap();
        tracing::subscriber::set_default(telemetry::json_lines(filter, move || log.clone()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
        .unwrap()
    }

    /// The lines of requests.
    pub(crate) fn requests(&self) -> Vec<serde_json::Value> {
        self.text()
            .lines()
            .map(|line| token_server::base::json::from_str::<serde_json::Value>(line).unwrap())
            .filter(|line| line["request_id"].is_string())
            .collect()
    }
}
