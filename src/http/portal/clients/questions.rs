//! Owns what is asked before a client is disabled or deleted, its tokens are revoked, or it is detached from its manifest.

use crate::app::error::Result;
use crate::domain::{ClientEffect, ClientId, ClientRecord};
use crate::http::AppState;
use crate::http::portal::access::{Operator, PortalRequest};
use crate::http::portal::links::path_of;
use crate::http::portal::page::Question;

/// The client, if the actor may do this to it.
pub(in crate::http::portal) async fn find<T>(
    request: &PortalRequest<Operator, T>,
    id: &ClientId,
    effect: ClientEffect,
) -> Result<ClientRecord> {
    let record = request.app.clients.find(id).await?;
    let actor = &request.origin.actor;
    actor.check_client_write(id, &record.client.scopes, effect)?;
    Ok(record)
}

/// Whether anything uses the client.
pub(in crate::http::portal) async fn usage(app: &AppState, id: &ClientId) -> Result<String> {
    let uses = app.usage.find_of_client(id).await?;
    let Some(last) = uses.last else {
        return Ok("Nobody has used this client yet.".to_owned());
    };
    let hours = app.usage.list_client_hours(id, 24).await?;
    let tokens: u64 = hours.iter().map(|it| it.counts.issued).sum();
    let tokens = match tokens {
        0 => "no tokens".to_owned(),
        1 => "1 token".to_owned(),
        count => format!("{count} tokens"),
    };
    Ok(format!(
        "It got {tokens} in 24 hours. Last used {}.",
        last.in_words(app.clock().now())
    ))
}

pub(in crate::http::portal) async fn ask_disable(
    request: PortalRequest<Operator, ClientId>,
) -> Result<Question> {
    let id = &request.target;
    find(&request, id, ClientEffect::Restricts).await?;
    let asked = format!("Disable {id}?");
    Ok(Question::new(&request, asked, "Disable client", &path_of(id), "status")
        .field("status", "disabled")
        .fact(usage(&request.app, id).await?)
        .fact("Its tokens are revoked at once, and it gets no new ones until somebody enables it. Its secrets stay."))
}

pub(in crate::http::portal) async fn ask_revoke(
    request: PortalRequest<Operator, ClientId>,
) -> Result<Question> {
    let id = &request.target;
    find(&request, id, ClientEffect::Restricts).await?;
    let asked = format!("Revoke all tokens of {id}?");
    Ok(Question::new(&request, asked, "Revoke tokens", &path_of(id), "revoke-tokens")
        .fact(usage(&request.app, id).await?)
        .fact("All its tokens fail from now on. It can get new ones at once, and so can a thief who has its secret: then rotate the secret too."))
}

pub(in crate::http::portal) async fn ask_delete(
    request: PortalRequest<Operator, ClientId>,
) -> Result<Question> {
    let id = &request.target;
    let record = find(&request, id, ClientEffect::Changes).await?;
    let secrets = match record.secrets.len() {
        0 => String::new(),
        1 => ", its secret is deleted".to_owned(),
        count => format!(", its {count} secrets are deleted"),
    };
    let managed = record.client.managed_by.map(|file| {
        format!(
            "The manifest `{file}` manages this client: its next apply creates the client again."
        )
    });
    let asked = format!("Delete {id}?");
    Ok(Question::new(&request, asked, "Delete client", &path_of(id), "delete")
        .typed("Type the ID of the client to confirm")
        .fact(usage(&request.app, id).await?)
        .fact(format!("Its tokens are revoked at once{secrets}, and nobody can undo this. The audit trail stays."))
        .facts(managed))
}

pub(in crate::http::portal) async fn ask_detach(
    request: PortalRequest<Operator, ClientId>,
) -> Result<Question> {
    let id = &request.target;
    let record = find(&request, id, ClientEffect::Changes).await?;
    let managed = record.client.managed_by.map(|file| {
        format!("The next apply of `{file}` manages the client again if the manifest still has it.")
    });
    let asked = format!("Detach {id} from its manifest?");
    Ok(Question::new(&request, asked, "Detach", &path_of(id), "release").facts(managed))
}
