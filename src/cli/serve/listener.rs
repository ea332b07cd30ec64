//! Owns the sockets that the server listens on. That of `PLAIN_LISTEN` may be a Unix socket: the mode of its file says who
//! can connect, from the first moment, and the file of a server that was killed is in nobody's way.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::config::PlainAddress;
use crate::http::PlainSocket;

/// Connections that may wait until the server accepts them. The kernel takes no more than `net.core.somaxconn`.
pub(in crate::cli) const BACKLOG: i32 = 4_096;

/// Listens on the address of `setting`.
pub(super) fn listen(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let what = || format!("{setting}: cannot listen on {address}");
    let listener = TcpListener::bind(address).with_context(what)?;
    // The standard library lets 128 wait, and takes no other number; a second call sets another one.
    rustix::net::listen(&listener, BACKLOG).with_context(what)?;
    Ok(listener)
}

/// The file of a Unix socket, which is removed with this unless another one took its place.
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path) == Some(self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// Listens there; the socket, and its file if it has one.
pub(super) fn listen_plain(
    address: &PlainAddress,
    mode: u32,
) -> anyhow::Result<(PlainSocket, Option<SocketFile>)> {
    match address {
        PlainAddress::Tcp(address) => {
            let tcp = listen("PLAIN_LISTEN", *address)?;
            Ok((PlainSocket::Tcp(tcp), None))
        }
        PlainAddress::Unix(path) => {
            remove_stale(path)?;
            let what = || format!("PLAIN_LISTEN: cannot listen on {}", path.display());
            let (listener, file) = bind(path, mode).with_context(what)?;
            Ok((PlainSocket::Unix(listener), Some(file)))
        }
    }
}

/// Nobody can connect before the mode is what it should be: the socket does not listen yet.
fn bind(path: &Path, mode: u32) -> anyhow::Result<(UnixListener, SocketFile)> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: identity(path).context("the socket file is gone")?,
    };
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok((UnixListener::from(socket), file))
}

/// Removes what a server left that was killed: a socket that nobody listens on.
fn remove_stale(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        bail!("PLAIN_LISTEN: {shown} exists already, and is not a socket");
    }
    match UnixStream::connect(path) {
        Ok(_) => bail!("PLAIN_LISTEN: another process listens on {shown}"),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            let removed = fs::remove_file(path);
            removed.with_context(|| format!("PLAIN_LISTEN: cannot remove {shown}, which nobody listens on"))
        }
        Err(error) => Err(error).with_context(|| {
            format!("PLAIN_LISTEN: {shown} exists already, and whether a process listens on it is unknown")
        }),
    }
}

/// What tells a file from another one under the same name.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
