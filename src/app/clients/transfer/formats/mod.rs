//! Readers of files, one for each origin.

pub(in crate::app) mod file;
pub(in crate::app) mod hydra;
pub(in crate::app) mod imported_client;
pub(in crate::app) mod keycloak;
pub(in crate::app) mod keycloak_mappers;
pub(in crate::app) mod native;
pub(in crate::app) mod source;
pub(in crate::app) mod table;
