-- Revoked tokens: single tokens by their `jti`, and all tokens of a client below a generation. The server prunes a row when
-- every token that it revokes has expired. The row of a deleted client is also the floor for the generation of a client that
-- is registered again under its id.

create table revocations (
    -- The id of the change that tells of it: a reader that has read up to an id has missed no earlier row.
    revocation_id bigint not null primary key,
    -- No foreign key: the row outlives a deleted client.
    client_id text not null,
    -- Null: the row revokes all tokens of the client whose `gen` is below `generation`.
    jti text unique,
    -- With a `jti`: the `gen` of that token.
    generation bigint not null,
    revoked_at bigint not null,
    -- When the last token that the row revokes expires.
    expires_at bigint not null
);

-- At most one row revokes all tokens of a client.
create unique index revocations_client_id on revocations (client_id) where jti is null;
-- For the single revocations that a higher generation makes needless.
create index revocations_of_client on revocations (client_id, generation) where jti is not null;
create index revocations_expires_at on revocations (expires_at);
