//! What is in a token, and its limits.

pub(in crate::domain) mod audience;
pub(in crate::domain) mod claim_name;
pub(in crate::domain) mod http_uri;
pub(in crate::domain) mod resource_url;
pub(in crate::domain) mod revocation;
pub(in crate::domain) mod scope;
pub(in crate::domain) mod sender_constraint;
pub(in crate::domain) mod thumbprint;
pub(in crate::domain) mod token_id;
pub(in crate::domain) mod token_quota;
pub(in crate::domain) mod token_type;
