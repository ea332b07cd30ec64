//! keys derived from `SECRET`, sealing, digests

pub(crate) mod sealer;
pub(crate) mod session_ticket;
