-- What was changed, by whom, from where: one row for each change, written in the transaction of the change. Each is
-- chained to the one before it, so that a row that was changed, removed, put in or moved is noticed
-- (`token-server audit verify`). Rows go by age only, oldest first.

create table audit_events (
    -- 1, 2, 3, …, without a gap, in the order of the commits, see audit_head.
    event_id bigint not null primary key,
    at bigint not null,
    -- `cli`, `admin`, `client` or `server`; and its name, empty for the server itself.
    actor_type text not null,
    actor text not null,
    source text,
    request_id text,
    -- `client.create` and the like.
    action text not null,
    target_type text not null,
    target text not null,
    -- Whom it concerns; no foreign key, for it outlives a deleted client.
    client_id text,
    -- JSON objects, without secrets.
    state_before text,
    state_after text,
    -- SHA-256 over the hash of the row before, all of the above and key_id.
    hash text not null,
    -- HMAC-SHA256 of the hash under a key derived from SECRET, and which key that was.
    mac text not null,
    key_id text not null
);

create index audit_events_at on audit_events (at);
create index audit_events_client_id on audit_events (client_id, event_id);
create index audit_events_actor on audit_events (actor_type, actor, event_id);
create index audit_events_action on audit_events (action, event_id);

-- One row: the end of the chain. Who appends updates it first and holds its lock until the commit, so that there is
-- one order. The anchor is the last event that was removed by age; the chain that is left begins after it.
create table audit_head (
    last_id bigint not null,
    hash text not null,
    anchor_id bigint not null,
    anchor_hash text not null
);
insert into audit_head (last_id, hash, anchor_id, anchor_hash) values (0, '', 0, '');
