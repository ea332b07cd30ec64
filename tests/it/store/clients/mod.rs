//! Clients in the database.

mod change;
mod insert;
mod list;
mod search;

use token_server::app::ClientCount;
use token_server::store::{ClientFilter, ClientOrder, ClientQuery};

use crate::harness::TestApp;

/// Of all that a list has, read in pages of one client each.
async fn ids_page_by_page(test: &TestApp, filter: ClientFilter, order: ClientOrder) -> Vec<String> {
    let counted = test.app.clients.count(&filter).await.unwrap();
    let mut page = ClientQuery {
        filter,
        order,
        limit: 1,
        after: None,
    };
    let mut ids = Vec::new();
    loop {
        let list = test.app.clients.list(&page).await.unwrap();
        ids.extend(list.clients.iter().map(|it| it.client_id.to_string()));
        match list.after {
            Some(place) => page.after = Some(order.parse_place(&place).unwrap()),
            None => break,
        }
    }
    assert_eq!(counted, ClientCount::Exactly(ids.len() as u64));
    ids
}
