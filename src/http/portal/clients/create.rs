//! The form that creates a client.

use std::future::ready;

use askama::Template;
use axum::response::Response;

use crate::app::error::{Error, Result};
use crate::app::{AddedSecret, NewClient};
use crate::base::json;
use crate::domain::{AuthMethod, Client, ClientId, ErrorCode};
use crate::http::portal::access::{Form, Operator, PortalRequest, filled_in};
use crate::http::portal::clients::form::{ClientForm, field_of};
use crate::http::portal::links::{path_of, see_done};
use crate::http::portal::page::fields::{LIFETIMES, read_lifetime};
use crate::http::portal::page::{self, FieldErrors, Layout};
use crate::http::portal::secrets::{Made, path_of_new};

const PATH: &str = "/admin/new-client";

#[derive(Template)]
#[template(path = "clients/client_new.html")]
struct NewClientPage {
    layout: Layout,
    client_id: String,
    writes_identifiers: bool,
    form: ClientForm,
    lifetime: String,
    min_secret_length: usize,
}

page::pages!(NewClientPage);

fn new_client_page(
    request: &PortalRequest<Operator>,
    client_id: String,
    form: ClientForm,
    lifetime: String,
) -> NewClientPage {
    NewClientPage {
        layout: request.layout("Create client", PATH),
        client_id,
        writes_identifiers: request.origin.actor.may_write_identifiers(),
        form,
        lifetime,
        min_secret_length: request.app.config().secrets.min_length,
    }
}

pub(in crate::http::portal) async fn show_new_client(request: PortalRequest<Operator>) -> Response {
    let (id, lifetime) = (String::new(), String::new());
    page::show(&new_client_page(
        &request,
        id,
        ClientForm::empty(),
        lifetime,
    ))
}

/// Creates a client, and redirects to the page that shows its secret once.
pub(in crate::http::portal) async fn create_client(
    request: PortalRequest<Operator>,
    mut form: Form,
) -> Result<Response> {
    let app = &request.app;
    let submission = form.submission();
    let client_id = form.take("client_id").trim().to_owned();
    let lifetime = form.take("lifetime");
    let chosen = form.take_secret("client_secret");
    let fields = ClientForm::read(&mut form);
    let mut errors = FieldErrors::default();
    let created = async {
        let id = filled_in(&client_id).map(ClientId::parse).transpose();
        let id = errors.check("client_id", id);
        let changes = fields.changes(&mut errors)?;
        let expires_at = read_lifetime(app.clock().now(), &lifetime);
        let expires_at = errors.check("lifetime", expires_at).flatten();
        let chosen_alone = app.secrets.new_secret(chosen.clone(), None);
        errors.check("client_secret", chosen_alone);
        let (id, changes) = errors.finish(id.zip(changes))?;
        let new = NewClient::new(id, changes);
        let secret = app.clients.first_secret(&new, chosen, expires_at)?;
        let (by, key) = (&request.origin, submission.key(&request));
        let seal =
            |client: &Client, added: Option<&AddedSecret>| Made::seal(&client.client_id, added);
        let registered = app.clients.register_once(by, new, secret, Some(&key), seal);
        let made: serde_json::Result<Made> = json::from_str(registered.await?.expose());
        made.map_err(Error::internal)
    };
    let error = match created.await {
        Ok(made) if made.secret.is_some() => {
            return Ok(submission.see(&path_of_new(&made.client_id)));
        }
        Ok(made) => return Ok(see_done(&path_of(&made.client_id), "created")),
        Err(error) => error,
    };
    let page = ready(Ok(new_client_page(&request, client_id, fields, lifetime)));
    let is_taken = error.code == ErrorCode::Conflict;
    let field = if is_taken {
        Some("client_id")
    } else {
        field_of(&error)
    };
    match field {
        Some(field) => page::again_at(field, error, page).await,
        None => page::again_with(errors, error, page).await,
    }
}
