//! Owns `client_scopes`: which clients may ask for a scope. Follows what the clients themselves say, in the same transaction.

use crate::domain::{ClientId, Scope};
use crate::store::StoreError;
use crate::store::db::conn::Tx;
use crate::store::db::query::{ToValue, query};

/// Makes these the scopes of a client.
pub(in crate::store) async fn replace_scopes(
    tx: &mut Tx<'_>,
    id: &ClientId,
    scopes: &Scope,
) -> Result<(), StoreError> {
    const DELETE: &str = "delete from client_scopes where client_id = $1";
    const INSERT: &str = "insert into client_scopes (client_id, scope) values ";
    tx.execute(DELETE, &[id]).await?;
    if scopes.is_empty() {
        return Ok(());
    }
    let mut query = query(INSERT);
    query.push_rows(
        scopes
            .tokens()
            .map(|scope| [id.to_value(), scope.to_value()]),
    );
    query.execute(tx).await?;
    Ok(())
}
