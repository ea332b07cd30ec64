//! How a client proves its identity.

pub(in crate::domain) mod allowed_networks;
pub(in crate::domain) mod auth_method;
pub(in crate::domain) mod certificate_subject;
pub(in crate::domain) mod distinguished_name;
pub(in crate::domain) mod identity;
pub(in crate::domain) mod identity_use;
pub(in crate::domain) mod json_pointer;
pub(in crate::domain) mod jwk;
pub(in crate::domain) mod jwk_set;
pub(in crate::domain) mod jwks_uri;
pub(in crate::domain) mod settings;
pub(in crate::domain) mod subject;
