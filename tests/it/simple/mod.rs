//! The simple contract: `/authorize` and `/verify`.

mod authorize;
mod forged;
mod verify;
