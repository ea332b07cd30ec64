//! Owns the way that nearly all requests take: past the router, which knows the same routes, answers the same and has
//! all others. Finding a route costs it two boxes, a search and a map of extensions, together as much as signing a token.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use futures_util::future::Either;
use tower::Service;

use crate::http::AppState;
use crate::http::middleware::observe::{Observed, observe};
use crate::http::public::{authorize, verify};

/// The whole service as one tower service.
#[derive(Clone)]
pub struct HttpService {
    app: AppState,
    router: Router,
}

impl HttpService {
    pub(super) fn new(app: AppState, router: Router) -> Self {
        Self { app, router }
    }

    /// The router alone, which answers the same without the fast path.
    pub fn into_router(self) -> Router {
        self.router
    }
}

impl<B> Service<Request<B>> for HttpService
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Observed, RouteFuture<Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let app = State(self.app.clone());
        let request = request.map(Body::new);
        let observed = match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::POST, "/verify") => {
                observe(&self.app, &self.app.traffic().verify, request, |request| {
                    verify::verify(app, request)
                })
            }
            (&Method::POST, "/authorize") => observe(
                &self.app,
                &self.app.traffic().authorize,
                request,
                |request| authorize::authorize_client(app, request),
            ),
            _ => return Either::Right(self.router.call(request)),
        };
        Either::Left(observed)
    }
}
