//! What the service does without being asked. Each task is a plain loop around a use case, which tests call
//! by itself; this file owns only how often.

mod job;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::bail;
use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::app::error::Result;
use crate::app::{Acme, App};
pub(in crate::app) use job::Upkeep;
use job::{Every, Run, Task, Transitions, pause, repeat, spread, warn_of};

/// So long what others change may go unnoticed when nobody says so, and a fifth more.
const FEED_INTERVAL: Duration = Duration::from_secs(1);

/// What changes at about the same time is read together: a busy time costs the database a hundred readings a second.
const GATHERING: Duration = Duration::from_millis(10);

/// Until somebody says so again there is the interval.
const LISTEN_INTERVAL: Duration = Duration::from_secs(5);

/// Nothing waits for a pruning: it only keeps tables and memory small.
const PRUNE_INTERVAL: Duration = Duration::from_mins(1);

/// Keys live for days; and within this time a replica says again what it signs with.
const KEY_ROTATION_INTERVAL: Duration = Duration::from_mins(1);

/// Nobody is to be told to the minute that a secret ends tomorrow, and it reads every secret's row.
const SECRETS_INTERVAL: Duration = Duration::from_mins(5);

/// A certificate is ordered days before it has to be; but the first one, and the one that somebody else failed to order,
/// somebody is waiting for.
const CERTIFICATE_INTERVAL: Duration = Duration::from_secs(15);

/// Files with authorities change once a year; whoever changes one should not have to wait.
const FILES_INTERVAL: Duration = Duration::from_secs(5);

/// Within it a replica notices that its clock, or that of the database, was set.
const CLOCK_INTERVAL: Duration = Duration::from_secs(10);

/// Whoever puts the trail back to an earlier end can undo the events of so long without contradicting the log.
const AUDIT_HEAD_INTERVAL: Duration = Duration::from_hours(1);

/// So much of the counts is lost when the process is killed.
const USAGE_INTERVAL: Duration = Duration::from_secs(5);

/// So much of the counts of revocations is lost when the process is killed, and never a revocation.
const OWN_REVOCATIONS_INTERVAL: Duration = Duration::from_mins(1);

/// Runs every task until `stop` is cancelled. A task that ends before is a bug: it stops the service, so that
/// whoever watches over it starts it anew.
pub async fn run(app: Arc<App>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(follow_changes(
        Arc::clone(&app),
        FEED_INTERVAL,
        stop.clone(),
    ));
    tasks.spawn(listen(Arc::clone(&app), stop.clone()));
    tasks.spawn(write_usage(Arc::clone(&app), stop.clone()));
    tasks.spawn(write_own_revocations(Arc::clone(&app), stop.clone()));
    tasks.spawn(count_busiest_clients(Arc::clone(&app), stop.clone()));
    spawn_jobs(&mut tasks, &app, &stop);
    tasks.spawn(follow_files(Arc::clone(&app), stop.clone()));
    if let Some(acme) = app.acme.clone() {
        tasks.spawn(renew_certificate(Arc::clone(&app), acme, stop.clone()));
    }
    let ended = tasks.join_next().await;
    if !stop.is_cancelled() {
        stop.cancel();
        bail!("a background task ended: {ended:?}");
    }
    tasks.join_all().await;
    Ok(())
}

/// What is done again and again while the database answers.
fn spawn_jobs(tasks: &mut JoinSet<()>, app: &Arc<App>, stop: &CancellationToken) {
    let with = || (Arc::clone(app), stop.clone());
    let later = Every::Later(PRUNE_INTERVAL);
    tasks.spawn(repeat(
        with(),
        later,
        |app| prune(app).boxed(),
        |app, done| {
            app.note_upkeep(Task::Prune, done, "cannot remove expired rows");
        },
    ));
    let later = Every::Later(KEY_ROTATION_INTERVAL);
    let run: Run = |app| app.keys.rotate_if_due().boxed();
    tasks.spawn(repeat(with(), later, run, |app, done| {
        app.note_upkeep(Task::RotateKeys, done, "cannot rotate the signing keys");
    }));
    let at_once = Every::AtOnce(SECRETS_INTERVAL);
    let run: Run = |app| app.secrets.count_expiring().boxed();
    tasks.spawn(repeat(with(), at_once, run, |app, done| {
        app.note_upkeep(Task::CountSecrets, done, "cannot count expiring secrets");
    }));
    let at_once = Every::AtOnce(CLOCK_INTERVAL);
    let run: Run = |app| app.core.watch_clock().boxed();
    let mut log = Transitions::new(
        "cannot compare the clock with the database's",
        "the server compares its clock with the database's again",
    );
    tasks.spawn(repeat(with(), at_once, run, move |_, done| log.note(done)));
    // The start has looked at it already.
    let later = Every::Later(AUDIT_HEAD_INTERVAL);
    let run: Run = |app| app.audit.watch_head().boxed();
    tasks.spawn(repeat(with(), later, run, |_, done| {
        warn_of(done, "cannot read the end of the audit trail");
    }));
}

/// Reads what was changed, when [`listen`] hears of it, when a call finds that the database does not answer, and after each
/// `interval` in any case.
pub async fn follow_changes(app: Arc<App>, interval: Duration, stop: CancellationToken) {
    loop {
        let told = async {
            tokio::select! {
                () = app.replication.feed.wake.notified() => {}
                () = app.store().suspected() => {}
            }
        };
        let told = timeout(spread(interval), told);
        match stop.run_until_cancelled(told).await {
            None => return,
            Some(Ok(())) if !pause(GATHERING, &stop).await => return,
            Some(Ok(()) | Err(_)) => {}
        }
        // It logs by itself when it ceases to work, and when it works again.
        if stop
            .run_until_cancelled(app.replication.read_changes())
            .await
            .is_none()
        {
            return;
        }
    }
}

/// Wakes [`follow_changes`] when the database says that something has changed.
pub async fn listen(app: Arc<App>, stop: CancellationToken) {
    let mut log = Transitions::new(
        "the database does not notify this replica of changes; the replica reads them every second",
        "the database notifies this replica of changes again",
    );
    loop {
        match stop.run_until_cancelled(hear(&app, &mut log)).await {
            None => return,
            Some(lost) => log.note(lost),
        }
        app.replication
            .feed
            .listening
            .store(false, Ordering::Relaxed);
        if !pause(spread(LISTEN_INTERVAL), &stop).await {
            return;
        }
    }
}

/// Ends when the connection does.
async fn hear(app: &App, log: &mut Transitions) -> Result<()> {
    let Some(mut listener) = app.store().listen().await? else {
        return std::future::pending().await;
    };
    log.note(Ok(()));
    app.replication
        .feed
        .listening
        .store(true, Ordering::Relaxed);
    loop {
        // The first time for what was said when nobody listened.
        app.replication.feed.wake.notify_one();
        listener.wait().await?;
    }
}

async fn write_usage(app: Arc<App>, stop: CancellationToken) {
    let mut log = Transitions::new(
        "cannot write usage counts, which wait in memory",
        "the server writes usage counts again",
    );
    while pause(USAGE_INTERVAL, &stop).await {
        if app.core.database().is_err() {
            continue;
        }
        // Not cancelled in the middle: it would not be known what was written.
        let written = write_once(&app).await;
        if written.is_ok() {
            app.upkeep.succeeded(Task::WriteUsage, app.core.now());
        }
        log.note(written);
    }
}

async fn write_own_revocations(app: Arc<App>, stop: CancellationToken) {
    let mut log = Transitions::new(
        "cannot write revocations by clients to the audit trail; the server counts them",
        "the audit trail has the revocations by clients again",
    );
    while pause(OWN_REVOCATIONS_INTERVAL, &stop).await {
        if app.core.database().is_ok() {
            // Not cancelled in the middle: it would not be known what was written.
            log.note(app.tokens.write_own_revocations().await);
        }
    }
}

async fn write_once(app: &App) -> Result<()> {
    app.write_usage().await?;
    app.audit.write_rejected_requests().await?;
    app.authentication.write_wrong_networks().await?;
    app.replication.say_alive().await
}

/// The last things, when no request is under way any more.
pub async fn finish(app: &App) {
    warn_of(
        app.write_usage().await,
        "cannot write the last usage counts, which are lost",
    );
    warn_of(
        app.replication.say_gone().await,
        "cannot report this replica as stopped; the overview will show it as silent",
    );
    warn_of(
        app.audit.write_rejected_requests().await,
        "cannot write the reasons of the last refusals, which are only in the log",
    );
    warn_of(
        app.authentication.write_wrong_networks().await,
        "cannot write logins from a wrong network to the audit trail",
    );
    warn_of(
        app.tokens.write_own_revocations().await,
        "cannot write the last revocations by clients to the audit trail",
    );
}

async fn prune(app: &App) -> Result<()> {
    app.secrets.expire_idle().await?;
    app.tokens.prune_revocations().await?;
    app.replication.prune_changes().await?;
    app.single_use.prune().await?;
    app.idempotency.prune().await?;
    app.admins.prune_sessions().await?;
    app.usage.prune().await?;
    app.audit.prune_rejected_requests().await?;
    app.replication.prune_replicas().await?;
    if let Some(acme) = &app.acme {
        acme.prune().await?;
    }
    app.audit.prune().await.map(drop)
}

async fn renew_certificate(app: Arc<App>, acme: Arc<Acme>, stop: CancellationToken) {
    let mut log = Transitions::new(
        "cannot renew the certificate",
        "renewing the certificate works again",
    );
    loop {
        if app.core.database().is_ok() {
            match stop.run_until_cancelled(acme.renew_if_due()).await {
                // It may have been in the middle of an order.
                None => {
                    let released = acme.give_up_order().await;
                    warn_of(
                        released,
                        "other replicas wait before they order a certificate",
                    );
                    return;
                }
                Some(renewed) => log.note(renewed),
            }
        }
        if !pause(spread(CERTIFICATE_INTERVAL), &stop).await {
            return;
        }
    }
}

/// So that whoever looks first does not wait for it. Should it fail, that one asks again.
async fn count_busiest_clients(app: Arc<App>, stop: CancellationToken) {
    let _ = stop
        .run_until_cancelled(app.usage.find_busiest_clients())
        .await;
    stop.cancelled().await;
}

impl App {
    /// Writes what was counted of clients, and learns what other replicas have counted against quotas.
    pub async fn write_usage(&self) -> Result<()> {
        let counts = self.tokens.quota_counts();
        self.usage.write().await?;
        self.tokens.learn_quotas(&counts).await
    }

    fn note_upkeep(&self, task: Task, done: Result<()>, failed: &str) {
        match done {
            Ok(()) => self.upkeep.succeeded(task, self.core.now()),
            // The clock guard has said so, once.
            Err(_) if self.core.clock_guard.holds_back() => {}
            Err(_) => warn_of(done, failed),
        }
    }
}

async fn follow_files(app: Arc<App>, stop: CancellationToken) {
    while pause(FILES_INTERVAL, &stop).await {
        let app = Arc::clone(&app);
        // A panic in there is a bug, but none that should stop the service.
        let _ = tokio::task::spawn_blocking(move || app.authentication.reread_client_ca()).await;
    }
}
