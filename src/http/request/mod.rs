//! What a request says. Parses and proves nothing.

pub(in crate::http) mod authorization;
pub(in crate::http) mod body;
pub(in crate::http) mod caller;
pub(in crate::http) mod certificate_header;
pub(in crate::http) mod client_address;
pub(in crate::http) mod client_authentication;
pub(in crate::http) mod host;
pub(in crate::http) mod params;
pub(in crate::http) mod path;
pub(in crate::http) mod proof_of_possession;
pub(in crate::http) mod query;
pub(in crate::http) mod token_request;
