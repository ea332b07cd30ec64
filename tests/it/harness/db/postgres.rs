//! Databases on a server of Postgres, made and dropped by one thread. The migrations run in one of them, of which the
//! others are copies.

use std::collections::{BTreeSet, VecDeque};
use std::sync::OnceLock;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection};
use token_server::base::secret::random_bytes;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use url::Url;

use super::migrate;

/// How many copies are made before a test asks for them.
const AHEAD: usize = 2;

/// How many databases without a test may stay while there is other work.
const UNUSED: usize = 16;

static ORDERS: OnceLock<UnboundedSender<Order>> = OnceLock::new();

/// One database, which is dropped with this.
pub(super) struct OnServer {
    pub(super) url: String,
    name: String,
}

impl Drop for OnServer {
    fn drop(&mut self) {
        // What is left when the process ends the next one drops.
        let _ = order(Order::Drop(std::mem::take(&mut self.name)));
    }
}

enum Order {
    Migrated(oneshot::Sender<String>),
    Empty(oneshot::Sender<String>),
    Drop(String),
}

/// A database after the migrations.
pub(super) async fn migrated(url: &str) -> OnServer {
    make(url, Order::Migrated).await
}

/// A database with nothing in it.
pub(super) async fn empty(url: &str) -> OnServer {
    make(url, Order::Empty).await
}

async fn make(url: &str, kind: impl FnOnce(oneshot::Sender<String>) -> Order) -> OnServer {
    ORDERS.get_or_init(|| start(url.to_owned()));
    let (reply, made) = oneshot::channel();
    order(kind(reply)).unwrap();
    let name = made.await.unwrap();
    OnServer {
        url: url_of(url, &name),
        name,
    }
}

fn order(order: Order) -> Result<(), &'static str> {
    let orders = ORDERS.get().ok_or("not started")?;
    orders.send(order).map_err(|_| "ended by an error")
}

/// The URL of another database of the same server.
fn url_of(url: &str, name: &str) -> String {
    let mut url = Url::parse(url).unwrap();
    url.set_path(name);
    url.into()
}

fn start(url: String) -> UnboundedSender<Order> {
    let (orders, received) = unbounded_channel();
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async { Server::open(url).await.obey(received).await });
    });
    orders
}

/// Who makes them.
struct Server {
    connection: PgConnection,
    url: String,
    /// How the names of this process's databases begin.
    prefix: String,
    made: u64,
    template: Option<String>,
    ready: VecDeque<String>,
    unused: VecDeque<String>,
}

impl Server {
    async fn open(url: String) -> Self {
        let options: PgConnectOptions = url.parse().unwrap();
        let base = options.get_database().unwrap_or("postgres").to_owned();
        let run = u32::from_be_bytes(random_bytes::<4>());
        let mut server = Self {
            connection: options.connect().await.unwrap(),
            url,
            prefix: format!("{base}_test_{run:08x}_"),
            made: 0,
            template: None,
            ready: VecDeque::new(),
            unused: VecDeque::new(),
        };
        assert!(server.lock(run).await);
        server.drop_those_of_ended_processes(&base).await;
        server
    }

    /// Whether a process with this number is not there any more; from now on it is.
    async fn lock(&mut self, run: u32) -> bool {
        let lock = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(i64::from(run));
        lock.fetch_one(&mut self.connection).await.unwrap()
    }

    async fn drop_those_of_ended_processes(&mut self, base: &str) {
        let start = format!("{base}_test_");
        let list = "select datname::text from pg_database where starts_with(datname::text, $1)";
        let names = sqlx::query_scalar(list).bind(&start);
        let names: Vec<String> = names.fetch_all(&mut self.connection).await.unwrap();
        let run = |name: &str| {
            let (run, _) = name.strip_prefix(&start)?.split_once('_')?;
            u32::from_str_radix(run, 16).ok()
        };
        let mut ended = BTreeSet::new();
        for run in names
            .iter()
            .filter_map(|name| run(name))
            .collect::<BTreeSet<_>>()
        {
            if self.lock(run).await {
                ended.insert(run);
            }
        }
        let left = names
            .iter()
            .filter(|name| run(name).is_some_and(|run| ended.contains(&run)));
        self.unused.extend(left.cloned());
    }

    async fn obey(mut self, mut orders: UnboundedReceiver<Order>) {
        loop {
            if self.unused.len() > UNUSED {
                self.drop_unused().await;
            }
            match orders.try_recv() {
                Ok(order) => self.execute(order).await,
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) if self.template.is_some() && self.ready.len() < AHEAD => {
                    let copy = self.copy().await;
                    self.ready.push_back(copy);
                }
                Err(TryRecvError::Empty) if !self.unused.is_empty() => self.drop_unused().await,
                Err(TryRecvError::Empty) => match orders.recv().await {
                    Some(order) => self.execute(order).await,
                    None => return,
                },
            }
        }
    }

    async fn execute(&mut self, order: Order) {
        let (reply, name) = match order {
            Order::Migrated(reply) => match self.ready.pop_front() {
                Some(name) => (reply, name),
                None => (reply, self.copy().await),
            },
            Order::Empty(reply) => (reply, self.create("template1").await),
            Order::Drop(name) => return self.unused.push_back(name),
        };
        // A test that does not wait any more has failed.
        if let Err(name) = reply.send(name) {
            self.unused.push_back(name);
        }
    }

    async fn copy(&mut self) -> String {
        let template = match &self.template {
            Some(name) => name.clone(),
            None => {
                let name = self.create("template1").await;
                migrate(&url_of(&self.url, &name)).await;
                self.template.insert(name).clone()
            }
        };
        self.create(&template).await
    }

    async fn create(&mut self, template: &str) -> String {
        self.made += 1;
        let name = format!("{}{}", self.prefix, self.made);
        // Copying the files takes half of the processor time that the other way takes, which older servers do not know.
        let strategy = match self.connection.server_version_num() {
            Some(150_000..) => "strategy file_copy",
            _ => "",
        };
        self.run(format!(
            "create database {name} template {template} {strategy}"
        ))
        .await;
        name
    }

    async fn drop_unused(&mut self) {
        if let Some(name) = self.unused.pop_front() {
            self.run(format!("drop database if exists {name} with (force)"))
                .await;
        }
    }

    async fn run(&mut self, sql: String) {
        self.connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
}
