//! Owns the talk with what started the server, in systemd's protocols (`sd_listen_fds(3)`, `sd_notify(3)`): the
//! socket that it hands over, and what it is told. Started by hand, nobody is told anything.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use sd_notify::NotifyState;
use tokio::runtime::Handle;

use crate::app::App;

/// How much longer than the grace period a stop may take before the manager kills.
const SLACK: Duration = Duration::from_secs(10);

/// How long nothing may be told of a migration, or of the rest of the start behind it, before the manager kills.
const MIGRATION_PAUSE: Duration = Duration::from_mins(2);

/// Pings are never more frequent than that, whatever is asked.
const SHORTEST_PING: Duration = Duration::from_millis(10);

/// The sockets that the manager handed over, if it did.
pub(in crate::cli) struct HandedOver(ListenFd);

impl HandedOver {
    /// Takes them, and the variables that say so out of the environment; to be called before there are threads.
    pub(in crate::cli) fn take() -> Self {
        Self(ListenFd::from_env())
    }

    /// The socket to serve on; none when none was handed over. Several, or one that does not listen for TCP, are a
    /// mistake in the manager's configuration.
    pub(in crate::cli) fn listener(mut self) -> anyhow::Result<Option<TcpListener>> {
        let expected =
            "expected one listening TCP socket (in a socket unit: one ListenStream, Accept=no)";
        match self.0.len() {
            0 => return Ok(None),
            1 => {}
            n => bail!("LISTEN_FDS: the service manager passed {n} sockets; {expected}"),
        }
        let what = || format!("LISTEN_FDS: the passed socket is unusable; {expected}");
        let listener = self.0.take_tcp_listener(0).with_context(what)?;
        if let Some(listener) = &listener
            && !socket_acceptconn(listener).with_context(what)?
        {
            bail!("{}", what());
        }
        Ok(listener)
    }
}

/// It migrates the database, which may take longer than a start is given.
pub(in crate::cli) fn migrating(event: &str) {
    tell(&[NotifyState::Status(event), extend_timeout(MIGRATION_PAUSE)]);
}

/// It serves now.
pub(in crate::cli) fn ready(address: SocketAddr) {
    let status = format!("listening on {address}");
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// It reads files again; [`reloaded`] follows.
pub(in crate::cli) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!("cannot tell the service manager of the reload: {error}"),
    }
}

/// The reload is over, whatever came of it.
pub(in crate::cli) fn reloaded() {
    tell(&[NotifyState::Ready]);
}

/// It stops, and may take as long as requests in flight are given.
pub(in crate::cli) fn stopping(grace: Duration) {
    tell(&[
        NotifyState::Stopping,
        NotifyState::Status("stopping: waiting for requests in flight"),
        extend_timeout(grace.saturating_add(SLACK)),
    ]);
}

fn extend_timeout(time: Duration) -> NotifyState<'static> {
    NotifyState::ExtendTimeoutUsec(u32::try_from(time.as_micros()).unwrap_or(u32::MAX))
}

/// Where the manager asks for signs of life (`WatchdogSec=`), gives them twice as often as it wants them, with what
/// `/readyz` says. They cease when one of the runtimes that serve stands still.
pub(in crate::cli) async fn keep_alive(app: Arc<App>, serving: Vec<Handle>) {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return;
    };
    let mut heard = true;
    loop {
        for runtime in &serving {
            let _ = runtime.spawn(async {}).await;
        }
        let status = NotifyState::Status(app.core.readiness().as_str());
        let told = sd_notify::notify(&[NotifyState::Watchdog, status]);
        // One line, not one for each.
        if heard {
            warn_of(&told);
        }
        heard = told.is_ok();
        tokio::time::sleep((patience / 2).max(SHORTEST_PING)).await;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    warn_of(&sd_notify::notify(states));
}

fn warn_of(told: &io::Result<()>) {
    if let Err(error) = told {
        tracing::warn!("cannot tell the service manager: {error}");
    }
}
