//! Owns the copy of a SQLite database that is in use.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf, absolute};

use anyhow::{Context, bail};
use sqlx::{ConnectOptions, Connection, SqlitePool};

use crate::base::private_file;
use crate::store::Store;
use crate::store::db::Pool;

impl Store {
    /// Copies a database of SQLite, as it is at one moment, into a file that must not be there yet; its size in bytes. Others
    /// read and write meanwhile.
    pub async fn back_up(&self, file: &Path) -> anyhow::Result<u64> {
        let Pool::Sqlite(pool) = self.writes() else {
            bail!("only a SQLite file can be copied");
        };
        // An absolute path is never taken for a URI.
        let path = absolute(file).with_context(|| format!("{} is not a path", file.display()))?;
        let mut unfinished = path.clone().into_os_string();
        unfinished.push(".unfinished");
        let unfinished = PathBuf::from(unfinished);
        // Holds the name: what takes its place in the end takes that of no other file.
        let held = private_file::create_new(&path);
        drop(held.with_context(|| format!("cannot write {}", path.display()))?);
        let copied = async {
            copy(pool, &unfinished).await?;
            fs::rename(&unfinished, &path)?;
            anyhow::Ok(sync(&path)?)
        };
        let copied = copied.await;
        if copied.is_err() {
            for left in [&unfinished, &path] {
                let _ = fs::remove_file(left);
            }
        }
        copied.with_context(|| format!("cannot copy the database to {}", path.display()))
    }
}

/// Copies it by a connection beside the pool, whose calls end with the patience of requests.
async fn copy(pool: &SqlitePool, file: &Path) -> anyhow::Result<()> {
    let name = file.to_str().context("the path is not UTF-8")?;
    // SQLite takes an empty file for one that is not there, and leaves its mode.
    drop(private_file::create_new(file)?);
    let mut connection = pool.connect_options().connect().await?;
    let vacuum = sqlx::query("vacuum into ?").bind(name);
    vacuum.execute(&mut connection).await?;
    connection.close().await?;
    File::open(file)?.sync_all()?;
    Ok(())
}

/// Has the name of a file on the disk; the size of the file.
fn sync(path: &Path) -> io::Result<u64> {
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(fs::metadata(path)?.len())
}
