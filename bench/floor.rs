//! The floor under the bench: what axum, axum-server and rustls cost by themselves. It reads the same
//! requests as the service and answers the same bytes, recorded from it, without any work.
//!
//! `floor <address> <cert.pem> <key.pem> <answers.json> [a-runtime-a-core]`: on the runtime of `#[tokio::main]`, or on
//! one for each core, as the service has them.

use std::net::{SocketAddr, TcpListener};
use std::{env, fs, thread};

use anyhow::Context;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use axum_server::tls_rustls::RustlsConfig;
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};

// As in the service; the system's would flatter it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An answer as `bench/run` recorded it.
#[derive(Deserialize)]
struct Recorded {
    method: String,
    path: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

fn main() -> anyhow::Result<()> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let is_split = arguments
        .pop_if(|last| last == "a-runtime-a-core")
        .is_some();
    let [address, cert, key, answers] = arguments.as_slice() else {
        anyhow::bail!("floor <address> <cert.pem> <key.pem> <answers.json> [a-runtime-a-core]");
    };
    let listener = TcpListener::bind(address.parse::<SocketAddr>()?)?;
    let router = router(answers)?;
    if !is_split {
        return Runtime::new()?.block_on(serve(listener, cert, key, router));
    }
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism()?.get() {
            let (listener, router) = (listener.try_clone()?, router.clone());
            let runtime = Builder::new_current_thread().enable_all().build()?;
            scope.spawn(move || runtime.block_on(serve(listener, cert, key, router)));
        }
        Ok(())
    })
}

async fn serve(listener: TcpListener, cert: &str, key: &str, router: Router) -> anyhow::Result<()> {
    let tls = RustlsConfig::from_pem_file(cert, key).await?;
    axum_server::from_tcp_rustls(listener, tls)?
        .serve(router.into_make_service())
        .await?;
    Ok(())
}

fn router(answers: &str) -> anyhow::Result<Router> {
    let recorded: Vec<Recorded> = token_server::base::json::from_slice(&fs::read(answers)?)?;
    let mut router = Router::new();
    for one in recorded {
        let answer = Answer::new(&one).with_context(|| one.path.clone())?;
        let route: MethodRouter<()> = match one.method.as_str() {
            "GET" => get(answer_head).with_state(answer),
            "POST" => post(answer_body).with_state(answer),
            other => anyhow::bail!("no such method here: {other}"),
        };
        router = router.route(&one.path, route);
    }
    Ok(router)
}

async fn answer_head(State(answer): State<Answer>, request: Request<Body>) -> Response {
    std::hint::black_box(request.headers().get(AUTHORIZATION));
    answer.into_response()
}

async fn answer_body(State(answer): State<Answer>, body: Bytes) -> Response {
    std::hint::black_box(body);
    answer.into_response()
}

impl Answer {
    fn new(recorded: &Recorded) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in &recorded.headers {
            headers.append(
                HeaderName::from_bytes(name.as_bytes())?,
                HeaderValue::from_str(value)?,
            );
        }
        Ok(Self {
            status: StatusCode::from_u16(recorded.status)?,
            headers,
            body: recorded.body.clone().into(),
        })
    }

    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
