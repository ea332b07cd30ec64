//! `serve`: the composition root. Configuration, then the use cases, then the listener, until a signal.

mod capacity;
pub(in crate::cli) mod check;
mod check_issuers;
pub(in crate::cli) mod development;
mod listener;
pub(in crate::cli) mod systemd;
pub(in crate::cli) mod warnings;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::app::{App, background};
use crate::base::clock::Clock;
use crate::cli::database::open;
use crate::cli::serve::listener::{SocketFile, listen, listen_plain};
use crate::cli::serve::systemd::HandedOver;
use crate::config::Config;
use crate::http::{self, AdminRuntime, AppState, Certificate, HttpService, Listener, Ops};
use crate::http::{PlainListener, Runtimes, Tickets};
use crate::store::MigrationEvent;
use crate::telemetry;

#[derive(Args, Default, PartialEq)]
pub(super) struct ServeArgs {
    /// Refuse to start when migrations are pending, instead of running them
    #[arg(long)]
    no_migrate: bool,
    /// Development mode, like DEVELOPMENT=true: create what a first try needs and is missing, such as SECRET, a certificate and
    /// a client
    #[arg(long)]
    dev: bool,
}

pub(super) async fn run(args: ServeArgs, handed_over: HandedOver) -> anyhow::Result<ExitCode> {
    let mut made = development::Made::default();
    let config = read_settings(&args, &mut made)?;
    let log = telemetry::start(&config.log, config.traces.as_ref())?;
    if config.development {
        made.certificate(&config)?;
    }
    // Before anybody is told that it runs: an early SIGTERM must not find the default handler.
    let stop = CancellationToken::new();
    let reload = Arc::new(Notify::new());
    follow_signals(stop.clone(), Arc::clone(&reload))?;
    let clock = Clock::system();
    let tickets = Tickets::new(&config, &clock)?;
    let files = load_certificate(&config, &tickets, &clock)?;
    // It then stands for `LISTEN_ADDR`.
    let handed_over = handed_over.listener()?;

    let app = Arc::new(App::open(config, clock)?);
    open::log_events(&app)?;
    begin(&app, &args).await?;
    let certificate = present_certificate(files, &app, tickets)?;
    let presented = certificate.status();
    app.replication
        .tell_certificate_end(move || presented.expires_at());
    let listener = match handed_over {
        Some(listener) => listener,
        None => listen("LISTEN_ADDR", app.config().http.listen_addr)?,
    };
    let address = listener.local_addr()?;
    let state = AppState::new(Arc::clone(&app));
    let operators = AdminRuntime::start()?;
    let ops = Ops {
        state: state.clone(),
        certificate: certificate.status(),
        log: log.dropped(),
        traces: log.exports(),
    };
    let serving_ops = serve_ops(ops, operators.runtime())?;
    let admin = &app.config().admin;
    let admin_listener = admin.listen_addr.filter(|_| admin.is_on);
    let admin_listener = admin_listener.map(|address| listen("ADMIN_LISTEN", address));
    let admin_listener = admin_listener.transpose()?;
    let plain = plain_front(&state, operators.runtime())?;
    let (plain, plain_file) = plain.map(|front| (front.served, front.file)).unzip();
    if app.config().development {
        made.client(&app).await?;
        made.admin(&app).await?;
        made.print(&app)?;
    }
    tracing::info!(
        %address, database = app.store().location(), issuer = %app.keys.current().issuer(),
        signing_alg = %app.config().keys.signing_alg,
        version = env!("CARGO_PKG_VERSION"), "listening on {address}"
    );
    tokio::spawn(log.report_dropped(stop.clone()));
    let tasks = tokio::spawn(background::run(Arc::clone(&app), stop.clone()));
    let served = certificate.served();
    let following = tokio::spawn(certificate.follow(reload, systemd::reloaded));
    let portal_listener = admin_listener.map(|tcp| Listener {
        tcp,
        certificate: served.clone(),
        connections: state.admin_connections(),
        proxies: app.config().proxies.clone(),
        proxy_protocol: app.config().proxies.admin_proxy_protocol,
    });
    let portal = serve_portal(portal_listener, state.clone(), stop.clone());
    let portal = AbortOnDropHandle::new(operators.runtime().spawn(portal));
    let listener = Listener {
        tcp: listener,
        certificate: served,
        connections: state.connections(),
        proxies: app.config().proxies.clone(),
        proxy_protocol: app.config().proxies.proxy_protocol,
    };
    let service = http::router(state.clone(), operators.runtime());
    let mut serving = Runtimes::start(&listener, &service, plain.as_ref(), &state, &stop)?;
    // Theirs alone, so that nobody can connect any more when they have stopped.
    drop((listener, plain));
    systemd::ready(address);
    let watched = tokio::spawn(systemd::keep_alive(Arc::clone(&app), serving.runtimes()));
    let grace = app.config().http.shutdown_grace;
    let stopping = async {
        stop.cancelled().await;
        drop(plain_file);
        systemd::stopping(grace);
        Ok(())
    };
    let portal = portal.map(|ended| ended.unwrap_or_else(|panic| Err(io::Error::other(panic))));
    tokio::try_join!(serving.ended(), portal, stopping)?;
    following.abort();
    // Last, so that the metrics of stopping can be seen.
    if let Some(serving_ops) = serving_ops {
        serving_ops.abort();
    }
    let ended = tasks.await;
    background::finish(&app).await;
    ended??;
    app.store().close().await;
    watched.abort();
    tracing::info!("stopped");
    log.stop_traces().await;
    Ok(ExitCode::SUCCESS)
}

/// The settings, of which development mode makes what is missing.
fn read_settings(args: &ServeArgs, made: &mut development::Made) -> anyhow::Result<Config> {
    let mut environment = open::load()?;
    if environment.is_empty() {
        made.settings()?;
        environment = open::load()?;
    }
    if args.dev {
        environment.set("DEVELOPMENT", "true".to_owned());
    }
    if environment.is_development() {
        made.missing_settings(&mut environment)?;
    }
    Ok(environment.config()?)
}

/// Does with the database what must be done before the first request, and warns of what is dangerous.
async fn begin(app: &App, args: &ServeArgs) -> anyhow::Result<()> {
    app.store().reach().await.context("DATABASE_URL")?;
    if args.no_migrate {
        open::refuse_pending(app).await?;
    } else {
        app.store()
            .migrate(&|event| {
                let text = event.to_string();
                // Who tries the server out wants to see how to use it.
                let is_routine =
                    matches!(event, MigrationEvent::Begun(_) | MigrationEvent::Applied(_));
                if is_routine && app.config().development {
                    tracing::debug!("{text}");
                } else {
                    tracing::info!("{text}");
                }
                systemd::migrating(&text);
            })
            .await
            .context("DATABASE_URL: cannot migrate the database")?;
    }
    // Before anything is dated, issued or judged.
    app.core
        .watch_clock()
        .await
        .context("DATABASE_URL: cannot ask the database for the time")?;
    // The connections that the server takes follow from it.
    capacity::raise_descriptor_limit();
    for warning in warnings::find(app.config()) {
        tracing::warn!("{warning}");
    }
    if let Some(warning) = app.admins.find_lockout_warning().await? {
        tracing::warn!("{warning}");
    }
    app.audit
        .take_over()
        .await
        .context("DATABASE_URL: cannot read the audit trail")?;
    app.keys.start().await?;
    app.admins.reseal_second_factors().await?;
    if let Some(acme) = &app.acme {
        acme.reseal().await?;
    }
    app.replication.read_changes().await.context(
        "DATABASE_URL: cannot read the revocations, without which the server can verify no token",
    )
}

/// The certificate in files; `None` where an authority issues it.
fn load_certificate(
    config: &Config,
    tickets: &Tickets,
    clock: &Clock,
) -> anyhow::Result<Option<Certificate>> {
    if config.acme.is_some() {
        return Ok(None);
    }
    let asks_clients = config.client_authentication.ask_for_certificates;
    let files = config.tls.clone();
    Ok(Some(Certificate::load_for(
        files,
        asks_clients,
        tickets.clone(),
        clock.clone(),
    )?))
}

/// The certificate to serve with. Logs what will keep clients from trusting it.
fn present_certificate(
    files: Option<Certificate>,
    app: &Arc<App>,
    tickets: Tickets,
) -> anyhow::Result<Certificate> {
    let certificate = match files {
        Some(certificate) => certificate,
        None => Certificate::issued_to(Arc::clone(app), tickets)?,
    };
    for problem in certificate.problems(app.config()) {
        problem.log();
    }
    Ok(certificate)
}

/// Serves the portal at its own address, if it has one.
async fn serve_portal(
    listener: Option<Listener>,
    state: AppState,
    stop: CancellationToken,
) -> io::Result<()> {
    let Some(listener) = listener else {
        return Ok(());
    };
    let router = http::admin_router(state.clone());
    http::serve(listener, router, &state.config().http, stop).await
}

/// What serves proxies that end TLS.
struct PlainFront {
    served: (PlainListener, HttpService),
    /// The file of its socket.
    file: Option<SocketFile>,
}

/// The front for proxies that end TLS, if there is one.
fn plain_front(state: &AppState, operators: &Handle) -> anyhow::Result<Option<PlainFront>> {
    let proxies = &state.config().proxies;
    let Some(address) = &proxies.plain.listen else {
        return Ok(None);
    };
    let (socket, file) = listen_plain(address, proxies.plain.mode)?;
    tracing::info!("listening without TLS, for proxies that terminate it, on {address}");
    let listener = PlainListener {
        socket,
        connections: state.plain_connections(),
        proxies: proxies.clone(),
        only_proxies: address.is_beyond_this_machine(),
    };
    let service = http::plain_router(state.clone(), operators);
    let served = (listener, service);
    Ok(Some(PlainFront { served, file }))
}

/// Tells operators' programs of the service, unless they are not listened to.
fn serve_ops(ops: Ops, operators: &Handle) -> anyhow::Result<Option<JoinHandle<()>>> {
    let Some(address) = ops.state.config().http.ops_listen else {
        return Ok(None);
    };
    let listener = listen("OPS_LISTEN", address)?;
    tracing::info!(%address, "serving metrics and health on {address}");
    Ok(Some(operators.spawn(async move {
        if let Err(error) = http::serve_ops(listener, ops).await {
            tracing::error!("metrics and health are no longer available: {error}");
        }
    })))
}

/// SIGTERM and SIGINT stop: gracefully the first time, at once the second. SIGHUP reloads.
fn follow_signals(stop: CancellationToken, reload: Arc<Notify>) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = hangup.recv() => {
                    systemd::reloading();
                    reload.notify_one();
                    continue;
                }
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stop.is_cancelled() {
                tracing::warn!("a second signal: stopping at once");
                std::process::exit(1);
            }
            tracing::info!("stopping: waiting for requests in flight");
            stop.cancel();
        }
    });
    Ok(())
}
