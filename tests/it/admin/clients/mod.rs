//! The pages about clients.

mod create;
mod edit;
mod list;
mod page;
mod secrets;

use token_server::domain::Client;

use crate::harness::{Answer, TestApp, id};

async fn find(test: &TestApp, client_id: &str) -> Client {
    test.find_client(&id(client_id)).await.client
}

/// What a page shows to be copied under this label.
fn shown(page: &Answer, label: &str) -> String {
    let mark = format!("aria-label=\"{label}\">");
    let (_, rest) = page.text().split_once(&mark).unwrap();
    rest.split('<').next().unwrap().to_owned()
}

const BASIC: (&str, &str) = ("client_secret_basic", "yes");
const POST: (&str, &str) = ("client_secret_post", "yes");
