//! What the RFCs define, for OAuth libraries.

pub(super) mod jwks;
pub(super) mod token;
