-- Revoked tokens: single tokens by their `jti`, and all tokens of a client that were issued up to a time. The server
-- prunes a row when every token that it revokes has expired.

create table revocations (
    -- From change_order: a reader that has read up to an id has missed no earlier row.
    revocation_id bigint not null primary key,
    -- No foreign key: the row outlives a deleted client.
    client_id text not null,
    -- Null: the row revokes all tokens of the client that were issued at `cutoff` or before.
    jti text unique,
    cutoff bigint,
    -- Whether the client is disabled or deleted: then all its tokens are revoked, whenever they were issued.
    disabled boolean not null,
    revoked_at bigint not null,
    -- When the last token that the row revokes expires.
    expires_at bigint not null,
    check ((jti is null) <> (cutoff is null))
);

-- At most one row revokes all tokens of a client.
create unique index revocations_client_id on revocations (client_id) where jti is null;
create index revocations_expires_at on revocations (expires_at);
