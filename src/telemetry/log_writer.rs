//! Owns the lines that wait to be written. Every thread appends to one text, and a thread of its own takes that text
//! over and writes it. A channel of lines would cost each of them an allocation here, and freeing it there.

use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long lines gather before they are written: nobody reads a log faster. Else the writing thread, woken by each
/// single line, would take a quarter of the time of a request.
const GATHER: Duration = Duration::from_millis(5);

/// How long an ending process waits for a reader that does not read.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// More memory than this is given back after a burst.
const KEPT_CAPACITY: usize = 256 * 1024;

/// Where lines are put.
#[derive(Debug)]
pub(super) struct Lines {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    most: usize,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    text: Vec<u8>,
    lines: usize,
    closed: bool,
    done: bool,
}

/// That what is put into [`Lines`] is being written. Dropping it waits until all of it is.
#[derive(Debug)]
pub(super) struct Writing(Arc<Lines>);

impl Lines {
    /// At most `most` lines wait; more are dropped and counted.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            most,
            dropped: AtomicU64::new(0),
        })
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn write_to(
        self: &Arc<Self>,
        output: impl Write + Send + 'static,
    ) -> io::Result<Writing> {
        let lines = Arc::clone(self);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || lines.write_until_closed(output))?;
        Ok(Writing(Arc::clone(self)))
    }

    fn write_until_closed(&self, mut output: impl Write) {
        let mut text = Vec::new();
        loop {
            let mut waiting = self.lock();
            let has_nothing = |waiting: &mut Waiting| waiting.text.is_empty() && !waiting.closed;
            let waited = self.changed.wait_while(waiting, has_nothing);
            waiting = waited.unwrap_or_else(PoisonError::into_inner);
            mem::swap(&mut text, &mut waiting.text);
            waiting.lines = 0;
            let closed = waiting.closed;
            drop(waiting);
            // A log that cannot be written has nowhere to say so.
            let _ = output.write_all(&text).and_then(|()| output.flush());
            if closed {
                self.lock().done = true;
                self.changed.notify_all();
                return;
            }
            text.clear();
            text.shrink_to(KEPT_CAPACITY);
            thread::sleep(GATHER);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here panics halfway.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let Self(lines) = self;
        let mut waiting = lines.lock();
        waiting.closed = true;
        lines.changed.notify_all();
        let is_undone = |waiting: &mut Waiting| !waiting.done;
        let changed = &lines.changed;
        let _ = changed.wait_timeout_while(waiting, LAST_WAIT, is_undone);
    }
}

/// One call is one whole line: so does `tracing_subscriber` write.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.lock();
        if waiting.lines >= self.most {
            drop(waiting);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return Ok(line.len());
        }
        let was_empty = waiting.text.is_empty();
        waiting.text.extend_from_slice(line);
        waiting.lines += 1;
        drop(waiting);
        if was_empty {
            self.changed.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_of_every_thread_is_written_whole() {
        let lines = Lines::new(10_000);
        let output = Output::default();
        let writer = lines.write_to(output.clone()).unwrap();
        thread::scope(|threads| {
            for number in 0..8 {
                let mut lines = &*lines;
                threads.spawn(move || {
                    for _ in 0..1_000 {
                        let line = "x".repeat(10 + number) + "\n";
                        lines.write_all(line.as_bytes()).unwrap();
                    }
                });
            }
        });
        drop(writer);

        let written = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
        for number in 0..8 {
            let line = "x".repeat(10 + number);
            assert_eq!(written.lines().filter(|text| *text == line).count(), 1_000);
        }
        assert_eq!(lines.dropped(), 0);
    }

    #[test]
    fn what_comes_too_fast_is_dropped_and_counted() {
        let lines = Lines::new(2);
        for text in ["a\n", "b\n", "c\n"] {
            (&*lines).write_all(text.as_bytes()).unwrap();
        }
        let output = Output::default();
        drop(lines.write_to(output.clone()).unwrap());

        assert_eq!(*output.0.lock().unwrap(), b"a\nb\n");
        assert_eq!(lines.dropped(), 1);
    }
}
