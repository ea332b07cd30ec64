//! What tests share: a service on a fresh database, and ways to call it.

mod answer;
mod clients;
mod db;
mod far;
mod holder;
pub(crate) mod lanes;
mod log;
mod prover;
mod served;
mod shell;
mod signer;
pub(crate) mod trail;
pub(crate) mod workload;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Method, Request};
use token_server::app::{App, Dns};
use token_server::base::clock::{Clock, UnixTime};
use token_server::config::Config;
use token_server::domain::{Actor, AdminRole, Origin};
use token_server::http::{AppState, HttpService, router};
use token_server::store::TrustedTime;
use tokio::runtime::Handle;
use tower::ServiceExt;

pub(crate) use answer::Answer;
pub(crate) use clients::{CLIENT, id, new_client};
pub(crate) use db::{Connection, Database, migrate};
pub(crate) use far::Distance;
pub(crate) use holder::Holder;
pub(crate) use log::Log;
pub(crate) use prover::{Prover, proof_claims, with_token};
pub(crate) use served::{
    PROXY_SIGNATURE, PasswordGate, Served, ServedPlain, TlsGate, Wire, client_config, exchange,
    plain_request, proxy_header, serve_https, write_certificate,
};
pub(crate) use shell::{Ran, Shell, make_program};
pub(crate) use signer::Signer;

/// The longest time that a test waits for something; after it, the test has failed.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Waits until something holds, and asks again whenever the runtime comes back to it.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(LONG, waiting).await;
    assert!(in_time.is_ok(), "never: {what}");
}

/// The time at which every test begins.
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

/// The signing key of every test.
pub(crate) const SECRET: &str = "a secret for tests, of more than 32 bytes";

/// Who changes things in tests, when it does not matter.
pub(crate) const BY: &Origin = &Origin::SERVER;

/// Somebody in particular who changes things.
pub(crate) fn origin(actor: Actor) -> Origin {
    Origin {
        actor,
        ..Origin::SERVER
    }
}

/// An admin in this role, or in one that is not known.
pub(crate) fn admin(role: Option<AdminRole>) -> Origin {
    origin(Actor::Admin {
        name: "ann".to_owned(),
        role,
    })
}

/// The service, without a listener.
pub(crate) struct TestApp {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Clock,
    pub(crate) database: Database,
    pub(crate) state: AppState,
    router: HttpService,
}

impl TestApp {
    /// A service with cheap hashing on a fresh, migrated database.
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same, with some settings otherwise.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        Self::on(Database::fresh().await, settings).await
    }

    /// A service on a database that another one may use as well.
    pub(crate) async fn on(database: Database, settings: &[(&str, &str)]) -> Self {
        Self::at(Clock::fixed(NOW), database, settings).await
    }

    /// The same with a clock that another one may have as well.
    pub(crate) async fn at(clock: Clock, database: Database, settings: &[(&str, &str)]) -> Self {
        Self::resolving(Dns::system(), clock, database, settings).await
    }

    /// The same where hosts have other addresses than the system says.
    pub(crate) async fn resolving(
        dns: Dns,
        clock: Clock,
        database: Database,
        settings: &[(&str, &str)],
    ) -> Self {
        let config = config(&database.url, settings);
        let app = Arc::new(App::open_with(config, clock.clone(), dns).unwrap());
        app.keys.start().await.unwrap();
        app.replication.read_changes().await.unwrap();
        let state = AppState::new(Arc::clone(&app));
        Self {
            router: router(state.clone(), &Handle::current()),
            state,
            app,
            clock,
            database,
        }
    }

    /// Another replica of the same service, or the same one after a restart.
    pub(crate) async fn replica(&self) -> Self {
        Self::on(self.database.clone(), &[]).await
    }

    /// Learns what other replicas have changed.
    pub(crate) async fn read_changes(&self) {
        self.app.replication.read_changes().await.unwrap();
    }

    /// A time of the past, or that of the tests, by which stored things may be removed.
    pub(crate) async fn trusted(&self, time: UnixTime) -> TrustedTime {
        let config = config(&self.database.url, &[]);
        let app = App::open(config, Clock::fixed(time.max(NOW))).unwrap();
        let trusted = app.core.trusted_time().await.unwrap();
        app.store().close().await;
        trusted.back_to(time)
    }

    /// A token of [`CLIENT`], through the front door.
    pub(crate) async fn token(&self, secret: &str) -> String {
        self.authorize(CLIENT, secret).await.token()
    }

    /// `POST /authorize` as a form.
    pub(crate) async fn authorize(&self, client_id: &str, client_secret: &str) -> Answer {
        self.post_form(
            "/authorize",
            &[("client_id", client_id), ("client_secret", client_secret)],
        )
        .await
    }

    /// `GET /verify` with the token as Bearer.
    pub(crate) async fn verify(&self, token: &str) -> Answer {
        self.get_with("/verify", &[("authorization", &format!("Bearer {token}"))])
            .await
    }

    /// A form by POST.
    pub(crate) async fn post_form(&self, path: &str, params: &[(&str, &str)]) -> Answer {
        self.post(path, "application/x-www-form-urlencoded", form(params))
            .await
    }

    /// A body by POST.
    pub(crate) async fn post(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let request = Request::post(path).header(CONTENT_TYPE, content_type);
        self.call(request.body(body.into()).unwrap()).await
    }

    /// A form by POST with HTTP Basic.
    pub(crate) async fn post_basic(
        &self,
        path: &str,
        userinfo: &str,
        params: &[(&str, &str)],
    ) -> Answer {
        use base64::Engine;
        let encoded = base64::engine::general_purpose::STANDARD.encode(userinfo);
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, format!("Basic {encoded}"));
        self.call(request.body(form(params).into()).unwrap()).await
    }

    /// A form by POST with headers.
    pub(crate) async fn post_form_with(
        &self,
        path: &str,
        params: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request =
            Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.call(request.body(form(params).into()).unwrap()).await
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    /// GET with headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(Method::GET).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.call(request.body(Body::empty()).unwrap()).await
    }

    /// Any request.
    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        self.call_from("192.0.2.1", request).await
    }

    /// Any request, sent over the fast path and through the router alone: both have to answer the same.
    pub(crate) async fn call_both(&self, request: impl Fn() -> Request<Body>) -> Answer {
        let router = self.router.clone().into_router();
        let of_router = Answer::read(router.oneshot(request()).await.unwrap()).await;
        let answer = self.call(request()).await;
        let seen = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            headers.remove("x-request-id");
            // The router writes it, and behind the fast path the HTTP library does.
            headers.remove("content-length");
            (answer.status, headers, answer.text().to_owned())
        };
        assert_eq!(seen(&answer), seen(&of_router));
        answer
    }

    /// The same from another address.
    pub(crate) async fn call_from(&self, source: &str, mut request: Request<Body>) -> Answer {
        let source = SocketAddr::new(source.parse().unwrap(), 50_000);
        request.extensions_mut().insert(ConnectInfo(source));
        Answer::read(self.router.clone().oneshot(request).await.unwrap()).await
    }
}

/// Settings for tests, with some otherwise.
pub(crate) fn config(database_url: &str, settings: &[(&str, &str)]) -> Config {
    log::prepare();
    let base = [
        ("SECRET", SECRET),
        ("DATABASE_URL", database_url),
        ("ISSUER", "https://tokens.test"),
        ("ARGON2_GENERATED", "m=8,t=1,p=1"),
        ("ARGON2_CHOSEN", "m=16,t=1,p=1"),
        ("HASHING_THREADS", "1"),
        ("DATABASE_POOL_SIZE", "4"),
        // A machine that builds something else meanwhile is slow, not down.
        ("DATABASE_ACQUIRE_TIMEOUT", "30s"),
        ("DATABASE_STATEMENT_TIMEOUT", "30s"),
    ];
    Config::from_lookup(|name| {
        let mut found = settings
            .iter()
            .chain(&base)
            .filter(|(theirs, _)| *theirs == name);
        found.next().map(|(_, value)| (*value).to_owned())
    })
    .unwrap()
}

pub(crate) fn form(params: &[(&str, &str)]) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = params
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}
