//! Who may see a page: origin, session, role, and the CSRF token of forms; and what a session sees once.

mod form;
pub(super) mod guard;
mod request;
mod session;
mod submission;

pub(super) use form::{FileForm, Form, filled_in};
pub(super) use request::{LoggingIn, Operator, Owner, PortalRequest, Viewer};
pub(super) use session::{remove_cookie, see_with_token};
pub(super) use submission::{Shown, Submission, sealable};
