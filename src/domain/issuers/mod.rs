pub(in crate::domain) mod bundle;
pub(in crate::domain) mod names;
pub(in crate::domain) mod settings;
pub(in crate::domain) mod spec;
pub(in crate::domain) mod trusted_issuer;
