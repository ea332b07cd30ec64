//! The simple contract: `/authorize` and `/verify`.

mod article;
mod authorize;
mod claim_headers;
mod explicit_scopes;
mod foreign;
mod forged;
mod lineage;
mod presented;
mod requirements;
mod slashes;
mod token_typ;
mod unread;
mod verify;
