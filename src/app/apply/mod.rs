//! FIXME

pub(in crate::app) mod release;
