//! A Postgres that asks for a password, whatever the real one behind it wants.

use sqlx::postgres::PgConnectOptions;
use std::str::FromStr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use url::Url;

use super::wire::{Server, through};
use crate::harness::Database;

/// `AuthenticationCleartextPassword`.
const ASK: [u8; 9] = [b'R', 0, 0, 0, 8, 0, 0, 0, 3];

/// A relay that lets through those with the password. Its URLs are without TLS.
pub(crate) struct PasswordGate {
    url: String,
    /// With how often connections were ended.
    password: watch::Sender<(String, u32)>,
}

impl PasswordGate {
    /// `None` for a file, which asks for no password.
    pub(crate) async fn before(database: &Database, password: &str) -> Option<Self> {
        if !database.is_postgres() {
            return None;
        }
        let server = Server::of(&database.url);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, watched) = watch::channel((password.to_owned(), 0));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), watched.clone()));
            }
        });
        let url = through(&database.url, port);
        PgConnectOptions::from_str(&url).unwrap();
        Some(Self {
            url,
            password: sender,
        })
    }

    /// The URL of the database for those with this password.
    pub(crate) fn url(&self, password: &str) -> String {
        let mut url = Url::parse(&self.url).unwrap();
        url.set_password(Some(password)).unwrap();
        url.query_pairs_mut().append_pair("sslmode", "disable");
        url.into()
    }

    /// From now on it is this one. All connections end.
    pub(crate) fn change(&self, password: &str) {
        self.password.send_modify(|(stored, ended)| {
            password.clone_into(stored);
            *ended += 1;
        });
    }

    pub(crate) fn end_connections(&self) {
        self.password.send_modify(|(_, ended)| *ended += 1);
    }
}

async fn pass(mut client: TcpStream, server: Server, mut password: watch::Receiver<(String, u32)>) {
    let expected = password.borrow_and_update().0.clone();
    let Some(startup) = read_message(&mut client).await else {
        return;
    };
    client.write_all(&ASK).await.unwrap();
    if client.read_u8().await.ok() != Some(b'p') {
        return;
    }
    let Some(given) = read_message(&mut client).await else {
        return;
    };
    if given[4..] != [expected.as_bytes(), b"\0"].concat() {
        let fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed\0\0";
        let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
        let refusal = [b"E", &length[..], fields].concat();
        let _ = client.write_all(&refusal).await;
        return;
    }
    match server {
        Server::Tcp(host, port) => {
            let server = TcpStream::connect((host, port)).await.unwrap();
            relay(client, server, &startup, password).await;
        }
        Server::Unix(path) => {
            let server = UnixStream::connect(path).await.unwrap();
            relay(client, server, &startup, password).await;
        }
    }
}

/// The length and the rest.
async fn read_message(from: &mut TcpStream) -> Option<Vec<u8>> {
    let length = from.read_u32().await.ok()?;
    let mut message = length.to_be_bytes().to_vec();
    message.resize(usize::try_from(length).unwrap(), 0);
    from.read_exact(&mut message[4..]).await.ok()?;
    Some(message)
}

async fn relay(
    mut client: TcpStream,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
    startup: &[u8],
    mut password: watch::Receiver<(String, u32)>,
) {
    server.write_all(startup).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = password.changed() => {}
    }
}
