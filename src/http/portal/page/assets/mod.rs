//! The style, the script and the icon of the portal. A name holds the checksum of what it names, so browsers may keep it for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::app::error::{Error, Result};

/// A file that is part of the program.
pub(in crate::http::portal) struct Asset {
    content_type: &'static str,
    text: &'static str,
    path: String,
    etag: String,
}

pub(in crate::http::portal) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "portal",
        "css",
        "text/css; charset=utf-8",
        concat!(
            include_str!("portal.css"),
            include_str!("../actions/actions.css"),
            include_str!("views.css")
        ),
    )
});

pub(in crate::http::portal) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "portal",
        "js",
        "text/javascript; charset=utf-8",
        concat!(
            include_str!("portal.js"),
            include_str!("../actions/shown_secret.js"),
            include_str!("../actions/dialog.js"),
            include_str!("../actions/forms.js"),
            include_str!("views.js")
        ),
    )
});

pub(in crate::http::portal) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("portal", "svg", "image/svg+xml", include_str!("portal.svg")));

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, text: &'static str) -> Self {
        let sum = crc32fast::hash(text.as_bytes());
        Self {
            content_type,
            text,
            path: format!("/admin/assets/{name}.{sum:08x}.{extension}"),
            etag: format!("\"{sum:08x}\""),
        }
    }

    /// Where it is.
    pub(in crate::http::portal) fn path(&self) -> &str {
        &self.path
    }
}

pub(in crate::http::portal) async fn show_asset(
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let mut all = [&*STYLE, &*SCRIPT, &*ICON].into_iter();
    let asset = all.find(|asset| asset.path.strip_prefix("/admin/assets/") == Some(&*name));
    let asset = asset.ok_or_else(|| Error::not_found("such file"))?;
    let kept = [
        (ETAG, asset.etag.as_str()),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    let known = headers.get(IF_NONE_MATCH).and_then(|it| it.to_str().ok());
    if known.is_some_and(|known| known.contains(&asset.etag)) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let content_type = [(CONTENT_TYPE, asset.content_type)];
    Ok((kept, content_type, asset.text).into_response())
}
