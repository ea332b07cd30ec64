//! Owns how the server makes files and folders: for their owner alone from the first moment, whatever the umask. Knows
//! nothing of what is in them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes a file that was not there.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Makes a file if there is none, with nothing in it. A symbolic link that leads nowhere yet is followed.
pub(crate) fn ensure(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options.open(path).map(drop)
}

/// Makes a folder, and those above it, if there is none. One that is there stays as it is.
pub(crate) fn ensure_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// What is wrong with a file that holds secrets and that other users of this machine can read or write.
pub(crate) fn exposure(path: &Path) -> Option<String> {
    let mode = |path: &Path| Some(path.metadata().ok()?.permissions().mode() & 0o777);
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let is_closed = |path| mode(path).is_some_and(|mode| mode & 0o011 == 0);
    let mode = mode(path).filter(|mode| mode & 0o066 != 0)?;
    if is_closed(folder.unwrap_or(Path::new("."))) {
        return None;
    }
    let path = path.display();
    Some(format!(
        "{path} has the mode {mode:03o}, so other users of this machine can read it; run `chmod 600 {path}`"
    ))
}
