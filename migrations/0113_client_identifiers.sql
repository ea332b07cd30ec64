-- no-transaction
-- For the protected resources (RFC 9728): the identifiers of all clients. Few clients have any.
create index concurrently if not exists clients_identifiers on clients (client_id, identifiers) where identifiers <> '';
