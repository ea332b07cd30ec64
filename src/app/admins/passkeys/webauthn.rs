//! What an answer of a passkey is worth, as `webauthn-rs` says.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::value::to_raw_value;
use webauthn_rs::prelude::{
    Passkey as Credential, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url, Uuid, WebauthnResult,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::State;
use crate::app::error::{Error, Result};
use crate::base::json;
use crate::config::Config;
use crate::domain::AdminName;
use crate::store::PasskeyRecord;

/// Whom passkeys are for: the portal's host, as browsers see it.
pub(in crate::app::admins) struct RelyingParty(Webauthn);

impl RelyingParty {
    /// Why there is none.
    pub(super) const MISSING: &str =
        "passkeys need a portal with a host name, not an IP address: set ADMIN_ORIGIN";

    pub(in crate::app::admins) fn of(config: &Config) -> Option<Self> {
        let origin = match &config.admin.origin {
            Some(origin) => Url::parse(origin.as_str()).ok()?,
            None => {
                let mut issuer = Url::parse(config.token.issuer.as_str()).ok()?;
                issuer.set_path("");
                if let Some(listen) = config.admin.listen_addr {
                    issuer.set_port(Some(listen.port())).ok()?;
                }
                issuer
            }
        };
        // An address is no name.
        let id = origin.domain()?;
        let builder = WebauthnBuilder::new(id, &origin).ok()?;
        builder.rp_name("TokenServer").build().ok().map(Self)
    }

    /// What a browser has to know to make one more than `there` are, in JSON.
    pub(super) fn begin_registration(
        &self,
        name: &AdminName,
        there: &[PasskeyRecord],
    ) -> Result<(String, State)> {
        let known = credentials(there)?
            .iter()
            .map(|it| it.cred_id().clone())
            .collect();
        let (id, name) = (handle(name), name.as_str());
        let started = self
            .0
            .start_passkey_registration(id, name, name, Some(known));
        begun(started)
    }

    /// The id in base64url, and what later signatures are checked with in JSON, of the one that a browser has made.
    pub(super) fn finish_registration(
        &self,
        state: &State,
        made: &str,
    ) -> Result<(String, String)> {
        let state: PasskeyRegistration = json::from_str(state.get()).map_err(Error::internal)?;
        let made: RegisterPublicKeyCredential = json::from_str(made).map_err(not_accepted)?;
        let finished = self.0.finish_passkey_registration(&made, &state);
        let credential = finished.map_err(not_accepted)?;
        let id: &[u8] = credential.cred_id().as_ref();
        let text = serde_json::to_string(&credential).map_err(Error::internal)?;
        Ok((URL_SAFE_NO_PAD.encode(id), text))
    }

    /// What a browser has to know to use one of `there`, in JSON.
    pub(super) fn begin_authentication(&self, there: &[PasskeyRecord]) -> Result<(String, State)> {
        let started = self.0.start_passkey_authentication(&credentials(there)?);
        begun(started)
    }

    /// Which of `there` has signed, and what its credential is since; if none has, why.
    pub(super) fn finish_authentication(
        &self,
        state: &State,
        signed: &str,
        there: Vec<PasskeyRecord>,
    ) -> Result<Result<(PasskeyRecord, String), anyhow::Error>> {
        let state: PasskeyAuthentication = json::from_str(state.get()).map_err(Error::internal)?;
        let Ok(signed) = json::from_str::<PublicKeyCredential>(signed) else {
            return Ok(Err(anyhow::anyhow!("the response is not a passkey's")));
        };
        // The count of signatures is looked at here: one that does not go up is of a copy.
        let used = match self.0.finish_passkey_authentication(&signed, &state) {
            Ok(used) => used,
            Err(error) => return Ok(Err(anyhow::anyhow!("the passkey: {error}"))),
        };
        let mut all = credentials(&there)?.into_iter().zip(there);
        let Some((mut credential, record)) = all.find(|(it, _)| it.cred_id() == used.cred_id())
        else {
            return Ok(Err(anyhow::anyhow!("the passkey was removed")));
        };
        credential.update_credential(&used);
        let since = serde_json::to_string(&credential).map_err(Error::internal)?;
        Ok(Ok((record, since)))
    }
}

fn begun(
    started: WebauthnResult<(impl serde::Serialize, impl serde::Serialize)>,
) -> Result<(String, State)> {
    let (options, state) = started.map_err(Error::internal)?;
    let options = serde_json::to_string(&options).map_err(Error::internal)?;
    Ok((options, to_raw_value(&state).map_err(Error::internal)?))
}

fn credentials(there: &[PasskeyRecord]) -> Result<Vec<Credential>> {
    let read = there.iter().map(|it| json::from_str(&it.credential));
    read.collect::<Result<_, _>>().map_err(Error::internal)
}

/// What an authenticator keeps in the place of the name; the same for the same name.
fn handle(name: &AdminName) -> Uuid {
    let sum = digest(&SHA256, format!("admin {name}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sum.as_ref()[..16]);
    Uuid::from_bytes(bytes)
}

fn not_accepted(reason: impl Into<anyhow::Error>) -> Error {
    Error::invalid_request("the passkey was not accepted; try again").with_source(reason)
}
