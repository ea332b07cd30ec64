//! Owns the log of audit events for a SIEM (`AUDIT_LOG`): a JSON object on each line, written by a thread of its own, so that
//! neither a slow reader nor a full disk delays a change. What cannot be written is counted; the database has it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use anyhow::Context;

use crate::app::audit::Audit;
use crate::app::audit::export::AuditLine;
use crate::base::metrics::Counter;
use crate::config::AuditLogTarget;
use crate::store::ChainedEvent;

/// The version of the lines. Members may be added under the same version; none is removed or changes its meaning.
const SCHEMA: u32 = 1;

/// Pieces that may wait to be written: each is what one transaction appended.
const QUEUE: usize = 10_000;

/// How long an ending process waits for what is not written yet.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// A log of events. Clones share it.
#[derive(Clone, Debug)]
pub struct AuditLog {
    pieces: SyncSender<Piece>,
    lost: Arc<Counter>,
}

#[derive(Debug)]
enum Piece {
    /// Whole lines, and how many.
    Lines(String, u64),
    /// Whoever waits until all before it is written.
    Flush(SyncSender<()>),
}

impl AuditLog {
    /// Starts the log, if there is to be one. A file that cannot be opened is an error now.
    pub fn start(target: &AuditLogTarget) -> anyhow::Result<Option<Self>> {
        let output = match target {
            AuditLogTarget::Off => return Ok(None),
            AuditLogTarget::Stdout => Output::Stdout,
            AuditLogTarget::File(path) => {
                let failed = || format!("AUDIT_LOG: cannot open {}", path.display());
                Output::File(path.clone(), open(path).with_context(failed)?)
            }
        };
        let (pieces, waiting) = sync_channel(QUEUE);
        let lost = Arc::new(Counter::default());
        let counted = Arc::clone(&lost);
        std::thread::Builder::new()
            .name("audit-log".to_owned())
            .spawn(move || write_all(&waiting, output, &counted))
            .context("cannot start the thread of AUDIT_LOG")?;
        Ok(Some(Self { pieces, lost }))
    }

    /// Takes events in their order; does not wait.
    fn append(&self, events: &[ChainedEvent]) {
        let count = events.len() as u64;
        let taken = lines(events).is_ok_and(|text| {
            let piece = Piece::Lines(text, count);
            self.pieces.try_send(piece).is_ok()
        });
        if !taken {
            self.lost.add(count);
        }
    }

    /// Waits until what was appended is written, or for a few seconds.
    pub fn flush(&self) {
        let (done, is_done) = sync_channel(1);
        if self.pieces.try_send(Piece::Flush(done)).is_ok() {
            let _ = is_done.recv_timeout(LAST_WAIT);
        }
    }

    /// Events that could not be written.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.value()
    }
}

impl Audit {
    /// Writes each event of this process to a log from now on. The first log is the only one.
    pub fn log_to(&self, log: &AuditLog) {
        let (store, listener) = (&self.core.store, log.clone());
        if store.listen_to_events(Arc::new(move |events| listener.append(events))) {
            let _ = self.log.set(log.clone());
        }
    }
}

/// The lines of events: what `audit export` writes, behind the version and the time as text.
fn lines(events: &[ChainedEvent]) -> serde_json::Result<String> {
    let mut text = String::new();
    for event in events {
        let line = serde_json::to_string(&AuditLine::of(event)?)?;
        let members = line.strip_prefix('{').unwrap_or_default();
        let time = event.event.at;
        text += &format!("{{\"schema\":{SCHEMA},\"time\":\"{time}\",{members}\n");
    }
    Ok(text)
}

enum Output {
    Stdout,
    File(PathBuf, File),
}

impl Output {
    fn write(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(text.as_bytes())?;
                out.flush()
            }
            Self::File(path, file) => {
                // Whoever rotates logs renames or removes it.
                let is_there = |there: &File| {
                    let (now, ours) = (std::fs::metadata(&*path)?, there.metadata()?);
                    io::Result::Ok((now.dev(), now.ino()) == (ours.dev(), ours.ino()))
                };
                if !is_there(file).unwrap_or(false) {
                    *file = open(path)?;
                }
                file.write_all(text.as_bytes())
            }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).open(path)
}

fn write_all(pieces: &Receiver<Piece>, mut output: Output, lost: &Counter) {
    let mut is_failing = false;
    for piece in pieces {
        match piece {
            Piece::Flush(done) => {
                let _ = done.send(());
            }
            Piece::Lines(text, count) => match output.write(&text) {
                Ok(()) => is_failing = false,
                Err(error) => {
                    lost.add(count);
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::error!(
                            "cannot write events to AUDIT_LOG, where they are now missing: {error}"
                        );
                    }
                }
            },
        }
    }
}
