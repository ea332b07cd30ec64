//! The simple contract: `/authorize` and `/verify`.

mod authorize;
mod claim_headers;
mod foreign;
mod forged;
mod lineage;
mod presented;
mod requirements;
mod token_typ;
mod unread;
mod verify;
