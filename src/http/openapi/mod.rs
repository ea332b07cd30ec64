//! Owns the OpenAPI document of the service: it is put together while the router is, so that neither can have a route
//! that the other lacks. What one endpoint takes and answers is said beside its handler; what all have in common is
//! said here. Knows no route.

mod common;
mod errors;
mod headers;

use axum::Router;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa::openapi::{Components, HttpMethod, Ref, RefOr, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

use super::AppState;

pub(super) use errors::{
    AnyErrors, AuthorizeErrors, HealthErrors, IntrospectErrors, MetadataErrors, NotFoundError,
    ReadinessErrors, RevokeErrors, TokenErrors, VerifyErrors, VerifyOriginalErrors,
    of_admin_operation,
};

type Schemas = Vec<(String, RefOr<Schema>)>;

/// Routes, and the document that describes them.
pub(super) struct Routes {
    pub(super) router: Router<AppState>,
    /// As the router has them.
    pub(super) paths: Vec<String>,
    document: utoipa::openapi::OpenApi,
    is_described: bool,
    takes_slash: bool,
}

impl Routes {
    /// To be served. What is said of each is let go at once: kept together until all are there, it takes megabytes.
    pub(super) fn new() -> Self {
        Self {
            router: Router::new(),
            paths: Vec::new(),
            document: common::Document::openapi(),
            is_described: false,
            takes_slash: false,
        }
    }

    /// To be described too.
    pub(super) fn described() -> Self {
        Self {
            is_described: true,
            ..Self::new()
        }
    }

    /// Each further path is served with a slash at its end as well.
    pub(super) fn with_slash(self) -> Self {
        Self {
            takes_slash: true,
            ..self
        }
    }

    /// Serves handlers at a path, and describes them there if need be: a path is written here and nowhere else.
    pub(super) fn at(
        mut self,
        path: impl Into<String>,
        (schemas, described, handlers): UtoipaMethodRouter<AppState>,
    ) -> Self {
        let path = path.into();
        if self.takes_slash && !path.ends_with('/') && !path.ends_with('}') {
            self.router = self.router.route(&format!("{path}/"), handlers.clone());
        }
        self.router = self.router.route(&path, handlers);
        if self.is_described {
            // OpenAPI has no sign for the rest of a path.
            self.describe(&path.replace("{*", "{"), schemas, described);
        }
        self.paths.push(path);
        self
    }

    fn describe(&mut self, path: &str, schemas: Schemas, described: Paths) {
        let components = self.document.components.get_or_insert_default();
        for (name, schema) in schemas {
            let other = components.schemas.insert(name.clone(), schema);
            let is_same = other.is_none_or(|other| components.schemas[&name] == other);
            debug_assert!(is_same, "two schemas are called {name}");
        }
        for item in described.paths.into_values() {
            // The server reads the body of no GET, so none can be refused.
            let get = item.get.map(|mut operation| {
                operation.request_body = None;
                for status in ["408", "413", "415"] {
                    operation.responses.responses.remove(status);
                }
                operation
            });
            for (method, operation) in [
                (HttpMethod::Get, get),
                (HttpMethod::Post, item.post),
                (HttpMethod::Patch, item.patch),
                (HttpMethod::Delete, item.delete),
            ] {
                let Some(mut operation) = operation else {
                    continue;
                };
                common::name_parameters(&mut operation, path);
                share_errors(&mut operation, components);
                let paths = &mut self.document.paths;
                paths.add_path_operation(path, vec![method], operation);
            }
        }
    }

    /// The document as JSON.
    pub(super) fn to_json(&self) -> String {
        common::write(&common::finish(&self.document))
    }
}

/// Gives the operations of a path, in the order of [`operations`], ids of their own: their handler serves others too.
pub(super) fn named<const N: usize>(
    ids: [&str; N],
    (schemas, mut described, handlers): UtoipaMethodRouter<AppState>,
) -> UtoipaMethodRouter<AppState> {
    let items = described.paths.values_mut().flat_map(operations);
    for ((_, operation), id) in items.zip(ids) {
        operation.operation_id = Some(id.to_owned());
    }
    (schemas, described, handlers)
}

/// The operations of a path, with their methods.
pub(super) fn operations(
    item: &mut PathItem,
) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let found = [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ];
    found
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Moves the responses that have a name to the components. Another one of the same name stays where it is.
fn share_errors(operation: &mut Operation, components: &mut Components) {
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(own) = response else { continue };
        let Some(name) = own.summary.take() else {
            continue;
        };
        let shared = components.responses.entry(name.clone());
        if *shared.or_insert_with(|| response.clone()) == *response {
            *response = RefOr::Ref(Ref::from_response_name(name));
        }
    }
}
