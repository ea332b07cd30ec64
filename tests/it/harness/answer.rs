//! An answer, read whole.

use axum::body::to_bytes;
use axum::http::HeaderMap;
use axum::response::Response;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        token_server::base::json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A header's value; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The token that `/authorize` issued.
    #[track_caller]
    pub(crate) fn token(&self) -> String {
        self.issued("token")
    }

    /// The token that `/token` issued.
    #[track_caller]
    pub(crate) fn access_token(&self) -> String {
        self.issued("access_token")
    }

    #[track_caller]
    fn issued(&self, member: &str) -> String {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()[member].as_str().unwrap().to_owned()
    }

    /// The `error` member.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    /// Asserts status and error code, in the documented shape.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: &str) {
        let got = (self.status, self.error());
        assert_eq!(got, (status, code.to_owned()), "{}", self.text());
        assert!(
            self.json()["error_description"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert!(!self.header("x-request-id").is_empty());
    }
}
