//! The endpoints that OAuth libraries call, as the RFCs have them.

mod assertion;
mod certificates;
mod jwks_uri;
mod token;
