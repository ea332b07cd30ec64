//! Owns the OpenAPI document of the service: it is put together while the router is, so that neither can have a route
//! that the other lacks. What one endpoint takes and answers is said beside its handler; what all have in common is
//! said here.

mod common;
mod errors;

use std::sync::LazyLock;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use utoipa::OpenApi;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::UtoipaMethodRouter;

use super::{AppState, admin_api, router};
use crate::http::response;

pub(super) use errors::{
    AdminActionErrors, AdminChangeErrors, AdminCreateErrors, AdminDeleteErrors, AdminItemErrors,
    AdminListErrors, AdminRemoveErrors, AnyErrors, AuthorizeErrors, HealthErrors, IntrospectErrors,
    MetadataErrors, ReadinessErrors, RevokeErrors, TokenErrors, VerifyErrors, VerifyOriginalErrors,
};

/// The document as JSON. It depends on nothing but the code.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let routes = admin_api::describe(router::routes(Routes::described()));
    let document = common::finish(&routes.document);
    format!("{document:#}\n")
});

/// Routes, and the document that describes them.
pub(super) struct Routes {
    pub(super) router: Router<AppState>,
    /// As the router has them.
    pub(super) paths: Vec<&'static str>,
    document: utoipa::openapi::OpenApi,
    is_described: bool,
}

impl Routes {
    /// To be served. What is said of each is let go at once: kept together until all are there, it takes megabytes.
    pub(super) fn new() -> Self {
        Self {
            router: Router::new(),
            paths: Vec::new(),
            document: common::Document::openapi(),
            is_described: false,
        }
    }

    /// To be described too.
    fn described() -> Self {
        Self {
            is_described: true,
            ..Self::new()
        }
    }

    /// Serves handlers at a path, and describes them there if need be: a path is written here and nowhere else.
    pub(super) fn at(
        mut self,
        path: &'static str,
        (schemas, described, handlers): UtoipaMethodRouter<AppState>,
    ) -> Self {
        self.router = self.router.route(path, handlers);
        self.paths.push(path);
        if !self.is_described {
            return self;
        }
        let components = self.document.components.get_or_insert_default();
        components.schemas.extend(schemas);
        // OpenAPI has no sign for the rest of a path.
        let path = path.replace("{*", "{");
        for item in described.paths.into_values() {
            // The server reads the body of no GET, so none can be refused.
            let get = item.get.map(|mut operation| {
                operation.request_body = None;
                for status in ["408", "413", "415"] {
                    operation.responses.responses.remove(status);
                }
                operation
            });
            for (method, name, operation) in [
                (HttpMethod::Get, "get", get),
                (HttpMethod::Post, "post", item.post),
                (HttpMethod::Patch, "patch", item.patch),
                (HttpMethod::Delete, "delete", item.delete),
            ] {
                let Some(mut operation) = operation else {
                    continue;
                };
                common::name_parameters(&mut operation, &path);
                operation.operation_id = Some(common::operation_id(name, &path));
                let paths = &mut self.document.paths;
                paths.add_path_operation(path.as_str(), vec![method], operation);
            }
        }
        self
    }
}

/// This document.
#[utoipa::path(get, path = "", tag = "Tools", responses(
    (status = 200, description = "this document", body = Object, headers(("cache-control" = String))),
    AnyErrors,
))]
pub(super) async fn show_openapi(State(_): State<AppState>) -> Response {
    response::json_bytes(StatusCode::OK, DOCUMENT.as_str())
}
