//! Secrets sealed for the database, and TLS session tickets, under keys that derive from `SECRET`.

pub(crate) mod sealer;
pub(crate) mod session_ticket;

/// The cryptographic library failed, and does not say why.
pub(crate) use aws_lc_rs::error::Unspecified as CryptoError;
