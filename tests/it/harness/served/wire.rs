//! The wire to a Postgres, which a test can cut and freeze.

use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use url::Url;

use crate::harness::Database;

/// A relay between the service and its database.
pub(crate) struct Wire {
    /// The database, through it.
    pub(crate) database: Database,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    /// Connections end, and so do new ones.
    Cut,
    /// Nothing ends, and nothing passes.
    Frozen,
}

impl Wire {
    /// A wire to this database; `None` for a file, which has none.
    pub(crate) async fn to(database: &Database) -> Option<Self> {
        if !database.is_postgres() {
            return None;
        }
        let server = Server::of(&database.url);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, watched) = watch::channel(State::Whole);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *watched.borrow() != State::Cut {
                    tokio::spawn(relay(client, server.clone(), watched.clone()));
                }
            }
        });
        Some(Self {
            database: database.at(&through(&database.url, port)),
            state,
        })
    }

    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    pub(crate) fn freeze(&self) {
        self.state.send_replace(State::Frozen);
    }

    pub(crate) fn mend(&self) {
        self.state.send_replace(State::Whole);
    }
}

#[derive(Clone)]
pub(super) enum Server {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Server {
    pub(super) fn of(url: &str) -> Self {
        let options = PgConnectOptions::from_str(url).unwrap();
        match options.get_socket() {
            Some(folder) => Self::Unix(folder.join(format!(".s.PGSQL.{}", options.get_port()))),
            None => Self::Tcp(options.get_host().to_owned(), options.get_port()),
        }
    }
}

/// The same URL with the wire's end in the place of the server.
pub(super) fn through(url: &str, port: u16) -> String {
    let mut url = Url::parse(url).unwrap();
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .into_owned()
        .filter(|(name, _)| name != "host" && name != "port")
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept);
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(port)).unwrap();
    url.into()
}

async fn relay(client: TcpStream, server: Server, state: watch::Receiver<State>) {
    let (from_client, to_client) = client.into_split();
    let back = state.clone();
    match server {
        Server::Tcp(host, port) => {
            let Ok(server) = TcpStream::connect((host, port)).await else {
                return;
            };
            let (from_server, to_server) = server.into_split();
            tokio::join!(
                carry(from_client, to_server, state),
                carry(from_server, to_client, back)
            );
        }
        Server::Unix(path) => {
            let Ok(server) = UnixStream::connect(path).await else {
                return;
            };
            let (from_server, to_server) = server.into_split();
            tokio::join!(
                carry(from_client, to_server, state),
                carry(from_server, to_client, back)
            );
        }
    }
}

/// Carries bytes one way until an end goes or the wire is cut.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            _ = state.wait_for(|state| *state == State::Cut) => return,
        };
        let passes = state.wait_for(|state| *state != State::Frozen).await;
        if read == 0 || passes.is_ok_and(|state| *state == State::Cut) {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
