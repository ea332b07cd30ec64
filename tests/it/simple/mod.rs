//! The simple contract: `/authorize` and `/verify`.

mod authorize;
mod forged;
mod lineage;
mod presented;
mod requirements;
mod unread;
mod verify;
