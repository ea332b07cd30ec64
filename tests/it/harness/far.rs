//! A database that is far away: what goes to it and what comes from it is each on its way for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::Database;

/// For how many milliseconds each byte is on its way.
#[derive(Clone, Default)]
pub(crate) struct Distance(Arc<AtomicU64>);

impl Distance {
    pub(crate) fn set_round_trip(&self, round_trip: Duration) {
        let half = round_trip.as_millis() / 2;
        self.0.store(half.try_into().unwrap(), Ordering::Relaxed);
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

impl Database {
    /// The same database at a distance; `None` where there is no way to it, on SQLite.
    pub(crate) async fn far(&self, distance: &Distance) -> Option<Self> {
        let mut url = Url::parse(&self.url).unwrap();
        if !url.scheme().starts_with("postgres") {
            return None;
        }
        let socket = url.query_pairs().find(|(name, _)| name == "host");
        let socket = socket.map(|(_, folder)| format!("{folder}/.s.PGSQL.5432"));
        let address = format!(
            "{}:{}",
            url.host_str().unwrap_or("localhost"),
            url.port().unwrap_or(5432)
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let distance = distance.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                near.set_nodelay(true).unwrap();
                match &socket {
                    Some(socket) => {
                        let far = UnixStream::connect(socket).await.unwrap();
                        connect(near, far, &distance);
                    }
                    None => {
                        let far = TcpStream::connect(&address).await.unwrap();
                        far.set_nodelay(true).unwrap();
                        connect(near, far, &distance);
                    }
                }
            }
        });
        url.set_query(None);
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(port)).unwrap();
        url.set_query(Some("sslmode=disable"));
        Some(self.at(url.as_str()))
    }
}

fn connect(
    near: impl AsyncRead + AsyncWrite + Send + 'static,
    far: impl AsyncRead + AsyncWrite + Send + 'static,
    distance: &Distance,
) {
    let (near_read, near_write) = tokio::io::split(near);
    let (far_read, far_write) = tokio::io::split(far);
    carry(near_read, far_write, distance.clone());
    carry(far_read, near_write, distance.clone());
}

/// Carries bytes, each so much later than it came.
fn carry(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin + Send + 'static,
    distance: Distance,
) {
    let (sender, mut carried) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let due_at = Instant::now() + distance.delay();
            if sender.send((due_at, buffer[..read].to_vec())).is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some((due_at, bytes)) = carried.recv().await {
            sleep_until(due_at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    });
}
