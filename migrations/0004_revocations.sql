-- What no longer counts though its signature does: single tokens by their jti, and all tokens of a client
-- up to a moment. A row goes when nothing that it revokes could be accepted any more.

create table revocations (
    -- The place in the order of commits, see revocation_order: who has read up to an id has missed nothing.
    revocation_id bigint not null primary key,
    -- Whose; no foreign key, for it outlives a deleted client.
    client_id text not null,
    -- Null: all tokens of the client that were issued at `cutoff` or before.
    jti text unique,
    cutoff bigint,
    -- Whether the client is disabled or deleted: then all its tokens, whenever they were issued.
    disabled boolean not null,
    revoked_at bigint not null,
    -- When the last token that it revokes expires.
    expires_at bigint not null,
    check ((jti is null) <> (cutoff is null))
);

-- At most one row for all tokens of a client.
create unique index revocations_client_id on revocations (client_id) where jti is null;
create index revocations_expires_at on revocations (expires_at);

-- One row. A revocation takes its id by updating it, and so holds its lock until it commits: ids are
-- committed in their order, and a reader needs no more than the last one it saw.
create table revocation_order (
    last_id bigint not null
);
insert into revocation_order (last_id) values (0);
