//! What happens around every request.

pub(in crate::http) mod observe;
pub(in crate::http) mod request_span;
pub(in crate::http) mod unread_body;
