//! Every field in the forms and on the pages of the portal.

use super::{CLIENT, Field, SETTINGS, add_issuer, assert_is, delete, fields, register, registered};
use crate::admin::{Browser, portal_with};

/// What the form of the portal sends: every field, one of them filled in.
fn form<'a>(field: &'a Field, text: &'a str, version: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![("version", version)];
    let is_set = !text.is_empty();
    match field.name {
        "auth_methods" if is_set => form.push((text, "yes")),
        _ => form.extend([
            ("client_secret_basic", "yes"),
            ("client_secret_post", "yes"),
        ]),
    }
    match field.default {
        _ if field.name == "auth_methods" || !is_set => {}
        "false" => form.push((field.name, "yes")),
        _ if field.name.starts_with("tls_client_auth_") => form.push(("subject", field.on_page)),
        _ => form.push((field.name, text)),
    }
    form
}

#[tokio::test]
async fn the_portal_sets_shows_and_clears_every_field() {
    let test = portal_with(SETTINGS).await;
    add_issuer(&test).await;
    let mut omar = Browser::of(&test, "omar").await;
    let mut olga = Browser::of(&test, "olga").await;
    let path = format!("/admin/clients/{CLIENT}");
    let edit = format!("{path}/edit");
    for field in fields(&test).await {
        let browser = if field.is_reserved() {
            &mut olga
        } else {
            &mut omar
        };
        register(&test).await;
        assert!(
            !browser.get(&path).await.text().contains(field.on_page)
                || field.on_page.contains("client_secret_post")
                || field.name == "name",
            "{}: shown before it is set",
            field.name
        );
        for (text, value) in [
            (field.text(), field.value()),
            (String::new(), field.default()),
        ] {
            let page = browser.get(&edit).await;
            let (_, rest) = page.text().split_once("name=\"version\" value=\"").unwrap();
            let version = rest.split('"').next().unwrap().to_owned();
            let sent = form(field, &text, &version);
            let answer = browser.post(&edit, &sent).await;
            assert_eq!(answer.status, 303, "{}: {}", field.name, answer.text());
            assert_is(&registered(&test).await, field, &value, "portal");
            let page = browser.get(&path).await;
            let is_shown = page.text().contains(field.on_page);
            assert_eq!(is_shown, !text.is_empty(), "{}: page", field.name);
            // The form shows it too: sent again as it is, it changes nothing.
            let again = browser.get(&edit).await;
            let is_in_form = field.name == "auth_methods"
                || field.default == "false"
                || again.text().contains(&page_text(field));
            assert!(text.is_empty() || is_in_form, "{}: form", field.name);
        }
        delete(&test).await;
    }
}

/// A piece of the value as the form has it.
fn page_text(field: &Field) -> String {
    match field.name {
        "metadata" => "acme".to_owned(),
        "exchange_rules" => "https://orders.test".to_owned(),
        "jwks" => "Ed25519".to_owned(),
        "identities" => "system:serviceaccount:a:b".to_owned(),
        "allowed_networks" => "192.0.2.0/24\n2001:db8::/32".to_owned(),
        _ => field.text(),
    }
}
