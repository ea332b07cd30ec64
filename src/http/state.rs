//! Owns what every handler can reach.

use std::ops::Deref;
use std::sync::Arc;

use crate::app::App;

/// The use cases, shared.
#[derive(Clone)]
pub struct AppState(Arc<App>);

impl AppState {
    /// Shares the use cases.
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

impl Deref for AppState {
    type Target = Arc<App>;

    fn deref(&self) -> &Arc<App> {
        &self.0
    }
}
