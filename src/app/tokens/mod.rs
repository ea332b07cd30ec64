//! Tokens: issue, verify, introspect, revoke, explain.

pub(in crate::app) mod admin_token;
pub(in crate::app) mod explain;
pub(in crate::app) mod inspect;
pub(in crate::app) mod introspect;
pub(in crate::app) mod issue;
pub(in crate::app) mod quota;
pub(in crate::app) mod rejection;
pub(in crate::app) mod revocation_set;
pub(in crate::app) mod revoke;
pub(in crate::app) mod sender_constraint;
pub(in crate::app) mod verified_tokens;
