//! The simple contract: `/authorize` and `/verify`.

mod authorize;
mod forged;
mod presented;
mod requirements;
mod unread;
mod verify;
