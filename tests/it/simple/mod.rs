//! The simple contract: `/authorize` and `/verify`.

mod authorize;
mod claim_headers;
mod forged;
mod lineage;
mod presented;
mod requirements;
mod unread;
mod verify;
