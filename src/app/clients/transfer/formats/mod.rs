//! Readers of files, one for each origin.

pub(in crate::app) mod file;
pub(in crate::app) mod hydra;
pub(in crate::app) mod imported_client;
pub(in crate::app) mod keycloak;
pub(in crate::app) mod keycloak_attributes;
pub(in crate::app) mod keycloak_mappers;
pub(in crate::app) mod keycloak_realm;
pub(in crate::app) mod keycloak_scopes;
pub(in crate::app) mod lifespan;
pub(in crate::app) mod native;
pub(in crate::app) mod source;
pub(in crate::app) mod table;
pub(in crate::app) mod values;
pub(in crate::app) mod widening;
