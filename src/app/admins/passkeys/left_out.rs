//! In the place of `webauthn`, in a build without the feature `passkeys`: there is no relying party, so no passkey is
//! accepted.

use super::State;
use crate::app::error::Result;
use crate::config::Config;
use crate::domain::AdminName;
use crate::store::PasskeyRecord;

/// Nobody.
pub(in crate::app::admins) enum RelyingParty {}

impl RelyingParty {
    /// Why there is none.
    pub(super) const MISSING: &str = "this build does not support passkeys: use a released one, or build with --features passkeys";

    pub(in crate::app::admins) fn of(_: &Config) -> Option<Self> {
        None
    }

    pub(super) fn begin_registration(
        &self,
        _: &AdminName,
        _: &[PasskeyRecord],
    ) -> Result<(String, State)> {
        match *self {}
    }

    pub(super) fn finish_registration(&self, _: &State, _: &str) -> Result<(String, String)> {
        match *self {}
    }

    pub(super) fn begin_authentication(&self, _: &[PasskeyRecord]) -> Result<(String, State)> {
        match *self {}
    }

    pub(super) fn finish_authentication(
        &self,
        _: &State,
        _: &str,
        _: Vec<PasskeyRecord>,
    ) -> Result<Result<(PasskeyRecord, String), anyhow::Error>> {
        match *self {}
    }
}
