//! A stand-in for the servers of a platform: documents over https on a port of its own.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::serve_https;

/// What is at a path.
#[derive(Clone)]
pub(super) enum Page {
    Json(Value),
    /// So many bytes of JSON.
    Large(usize),
    Redirect(String),
    Status(u16),
    /// Never an answer.
    Silence,
}

/// A request: the path and its `Authorization`.
type Asked = (String, Option<String>);

pub(super) struct Platform {
    pub(super) port: u16,
    pub(super) folder: TempDir,
    pages: Arc<Mutex<HashMap<String, Page>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// What a request has to bring, if anything.
    required: Arc<Mutex<Option<String>>>,
}

impl Platform {
    pub(super) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let mut platform = Self {
            port: 0,
            folder,
            pages: Arc::default(),
            asked: Arc::default(),
            required: Arc::default(),
        };
        let (pages, asked) = (Arc::clone(&platform.pages), Arc::clone(&platform.asked));
        let required = Arc::clone(&platform.required);
        let router = Router::new().fallback(async move |uri: Uri, headers: HeaderMap| {
            let token = headers.get("authorization");
            let token = token.map(|value| value.to_str().unwrap().to_owned());
            let is_allowed = {
                let required = required.lock().unwrap();
                required.is_none() || *required == token
            };
            asked.lock().unwrap().push((uri.path().to_owned(), token));
            if !is_allowed {
                return StatusCode::UNAUTHORIZED.into_response();
            }
            let page = pages.lock().unwrap().get(uri.path()).cloned();
            show(page).await
        });
        platform.port = serve_https(platform.folder.path(), |_| router);
        platform
    }

    pub(super) fn show(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// Asks for a bearer token from now on.
    pub(super) fn require(&self, token: &str) {
        *self.required.lock().unwrap() = Some(format!("Bearer {token}"));
    }

    /// What was asked for since the last time.
    pub(super) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// The same server by its address.
    pub(super) fn other_url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.port)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file with this text; its path.
    pub(super) fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.file(name), text).unwrap();
        self.file(name).to_str().unwrap().to_owned()
    }

    /// An issuer here whose server is believed, with these members beside.
    pub(super) fn issuer(&self, name: &str, members: &Value) -> Value {
        let mut document = json!({
            "name": name, "private_addresses": true, "ca_file": self.file("cert.pem").to_str().unwrap(),
        });
        for (name, value) in members.as_object().unwrap() {
            document[name] = value.clone();
        }
        document
    }
}

async fn show(page: Option<Page>) -> Response {
    match page {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Page::Json(value)) => value.to_string().into_response(),
        Some(Page::Large(bytes)) => Body::from("x".repeat(bytes)).into_response(),
        Some(Page::Redirect(to)) => Redirect::temporary(&to).into_response(),
        Some(Page::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Page::Silence) => std::future::pending().await,
    }
}
