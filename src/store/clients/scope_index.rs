//! Owns `client_scopes`: which clients may ask for a scope. Follows what the clients themselves say, in the same transaction.

pub(in crate::store) const FORGET: &str = "delete from client_scopes where client_id = $1";

/// Notes the scopes of a client on an open transaction of either product, those that it had until now forgotten.
macro_rules! note_scopes {
    ($tx:ident, $client_id:expr, $scopes:expr) => {{
        let (id, scopes): (&str, &$crate::domain::Scope) = ($client_id.as_str(), $scopes);
        sqlx::query($crate::store::clients::scope_index::FORGET)
            .bind(id)
            .execute(&mut *$tx)
            .await?;
        if !scopes.is_empty() {
            let sql = $crate::store::clients::scope_index::insert(scopes.tokens().count());
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id);
            for scope in scopes.tokens() {
                query = query.bind(scope);
            }
            query.execute(&mut *$tx).await?;
        }
    }};
}
pub(in crate::store) use note_scopes;

/// The insertion of so many scopes, which follow their client.
pub(in crate::store) fn insert(scopes: usize) -> String {
    let rows: Vec<String> = (2..=scopes + 1)
        .map(|place| format!("($1, ${place})"))
        .collect();
    format!(
        "insert into client_scopes (client_id, scope) values {}",
        rows.join(", ")
    )
}
