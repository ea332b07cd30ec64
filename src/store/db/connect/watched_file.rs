//! Owns whether the file at the path of a SQLite database is the one that the connections have open.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A database file by its path. SQLite goes on with the file that it has opened, whatever stands at the path later.
#[derive(Debug)]
pub(in crate::store) struct WatchedFile {
    path: PathBuf,
    opened: Mutex<Option<FileId>>,
}

/// Which file it is, under whatever name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct FileId {
    device: u64,
    inode: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum FileState {
    /// The file that was opened, or the first one.
    Same,
    /// No file.
    Removed,
    /// Another file.
    Replaced(FileId),
}

impl WatchedFile {
    pub(in crate::store) fn new(path: PathBuf) -> Self {
        Self {
            path,
            opened: Mutex::default(),
        }
    }

    pub(in crate::store) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at the path. The file that is found first counts as the one that the connections open.
    pub(in crate::store) fn look(&self) -> FileState {
        let found = match fs::metadata(&self.path) {
            Ok(found) => FileId {
                device: found.dev(),
                inode: found.ino(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.opened().is_some() => {
                return FileState::Removed;
            }
            // Nothing is known of it; SQLite says why when it opens the file. Before the first connection there may be none.
            Err(_) => return FileState::Same,
        };
        match *self.opened().get_or_insert(found) {
            opened if opened == found => FileState::Same,
            _ => FileState::Replaced(found),
        }
    }

    /// Whether another process may have written to the database since the file at the path took its place: into the file
    /// `-wal`, which it shares with the connections to the old file then.
    pub(in crate::store) fn is_written_by_others(&self) -> bool {
        let mut name = self.path.clone().into_os_string();
        name.push("-wal");
        let (Ok(file), Ok(wal)) = (fs::metadata(&self.path), fs::metadata(name)) else {
            return false;
        };
        let changed = (file.ctime(), file.ctime_nsec());
        wal.len() > 0 && (wal.mtime(), wal.mtime_nsec()) >= changed
    }

    pub(in crate::store) fn accept(&self, file: FileId) {
        *self.opened() = Some(file);
    }

    fn opened(&self) -> MutexGuard<'_, Option<FileId>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_removed_moved_back_or_replaced_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let file = WatchedFile::new(path.clone());
        assert_eq!(file.look(), FileState::Same);
        fs::write(&path, "1").unwrap();
        assert_eq!(file.look(), FileState::Same);

        let aside = folder.path().join("b.db");
        fs::rename(&path, &aside).unwrap();
        assert_eq!(file.look(), FileState::Removed);
        fs::rename(&aside, &path).unwrap();
        assert_eq!(file.look(), FileState::Same);

        fs::write(&aside, "2").unwrap();
        fs::rename(&aside, &path).unwrap();
        let FileState::Replaced(other) = file.look() else {
            panic!("not noticed");
        };
        file.accept(other);
        assert_eq!(file.look(), FileState::Same);
    }
}
