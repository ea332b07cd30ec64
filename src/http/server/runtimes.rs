//! Owns the threads that serve: one a core, each with a runtime of its own that takes connections and keeps them. A
//! runtime of several threads shares its work by waking them, which costs more than answering most requests does.
//!
//! The main thread is the first of them, and all that the service does by itself is done there: beside busy threads,
//! one that sleeps between its works waits for its turn each time it is woken, and would be late with what others
//! revoked. What operators ask for may take long, and has threads apart.

use std::future::pending;
use std::io;
use std::panic::resume_unwind;
use std::thread;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use futures_util::future::try_join_all;
use futures_util::try_join;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::http::{AppState, HttpService, Listener, PlainListener, serve, serve_plain};

/// So many that one long work does not hold up the next.
const OPERATORS_THREADS: usize = 2;

/// The threads that serve: the one that this is made on, and one for each further core.
pub struct Runtimes {
    threads: Vec<ServingRuntime>,
    /// Until it is dropped the runtimes live, whether they still serve or not: a connection to the database that was
    /// opened in one of them is used in all, and at last to write what is left to be written.
    _alive: DropGuard,
}

struct ServingRuntime {
    runtime: Handle,
    ended: oneshot::Receiver<io::Result<()>>,
}

impl Runtimes {
    /// Starts them, to serve until `stop`.
    pub fn start(
        listener: &Listener,
        service: &HttpService,
        plain: Option<&(PlainListener, HttpService)>,
        state: &AppState,
        stop: &CancellationToken,
    ) -> io::Result<Self> {
        let alive = CancellationToken::new();
        let threads = (0..thread::available_parallelism()?.get()).map(|number| {
            let (listener, service, state) = (listener.share()?, service.clone(), state.clone());
            let share = |(listener, service): &(PlainListener, HttpService)| {
                io::Result::Ok((listener.share()?, service.clone()))
            };
            let plain = plain.map(share).transpose()?;
            let stop = stop.clone();
            let (tell, ended) = oneshot::channel();
            let serving = async move {
                let config = &state.config().http;
                let tls = serve(listener, service, config, stop.clone());
                let result = match plain {
                    None => tls.await,
                    Some((listener, service)) => {
                        let plain = serve_plain(listener, service, config, stop);
                        try_join!(tls, plain).map(|((), ())| ())
                    }
                };
                let _ = tell.send(result);
            };
            let runtime = if number == 0 {
                tokio::spawn(serving);
                Handle::current()
            } else {
                start_thread(number, serving, &alive)?
            };
            Ok(ServingRuntime { runtime, ended })
        });
        Ok(Self {
            threads: threads.collect::<io::Result<_>>()?,
            _alive: alive.drop_guard(),
        })
    }

    /// Resolves when all have served their last request, or one cannot serve.
    pub async fn ended(&mut self) -> io::Result<()> {
        let ended = self.threads.iter_mut().map(|thread| async {
            let result = (&mut thread.ended).await;
            result.unwrap_or_else(|_| Err(io::Error::other("a thread that serves has died")))
        });
        try_join_all(ended).await.map(drop)
    }

    /// Their runtimes, for those who want to know whether they stand still.
    pub fn runtimes(&self) -> Vec<Handle> {
        let runtimes = self.threads.iter().map(|thread| thread.runtime.clone());
        runtimes.collect()
    }
}

/// Starts a thread that does this, and then what its runtime is needed for, as long as they are `alive`.
fn start_thread(
    number: usize,
    serving: impl Future<Output = ()> + Send + 'static,
    alive: &CancellationToken,
) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let living = alive.clone().run_until_cancelled_owned(async {
        serving.await;
        pending::<()>().await;
    });
    thread::Builder::new()
        .name(format!("serve-{number}"))
        .spawn(move || runtime.block_on(living))?;
    Ok(handle)
}

/// The threads for what operators ask for: the portal, the admin API, metrics. What takes long there would hold up
/// all connections of a thread that serves.
pub struct AdminRuntime {
    /// Taken to be dropped, without a wait for what is under way.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl AdminRuntime {
    /// Starts them; they end when this is dropped.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(OPERATORS_THREADS)
            .thread_name("operators")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self {
            runtime: Some(runtime),
            handle,
        })
    }

    /// Their runtime.
    pub fn runtime(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for AdminRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lets this runtime answer what `router` has.
pub(in crate::http) fn apart(router: Router<AppState>, runtime: Handle) -> Router<AppState> {
    router.route_layer(from_fn(move |request: Request, next: Next| {
        let answering = runtime.spawn(next.run(request).in_current_span());
        let answering = AbortOnDropHandle::new(answering);
        async move {
            // Only a panic ends it before its time, and the caller of this knows what to do about one.
            answering
                .await
                .unwrap_or_else(|error| resume_unwind(error.into_panic()))
        }
    }))
}
