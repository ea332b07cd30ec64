//! Who may see a page: origin, session, role, and the CSRF token of forms; and what a session sees once.

pub(in crate::http) mod form;
pub(in crate::http) mod guard;
pub(in crate::http) mod session;
pub(in crate::http) mod submission;
