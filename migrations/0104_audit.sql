-- The audit trail: one event for each change, written in the transaction of the change. Each event is chained to the one
-- before it, so that `token-server audit verify` finds an event that was changed, removed, inserted or moved. The server
-- prunes events by age only, the oldest first.

create table audit_events (
    -- 1, 2, 3, … without a gap, in the order of the commits (audit_head).
    event_id bigint not null primary key,
    at bigint not null,
    -- `cli`, `admin`, `client` or `server`, and the name of the actor; empty for `server`.
    actor_type text not null,
    actor text not null,
    source text,
    request_id text,
    -- `client.create` and the like.
    action text not null,
    target_type text not null,
    target text not null,
    -- The client that the event concerns. No foreign key: the event outlives a deleted client.
    client_id text,
    -- JSON objects without secrets.
    state_before text,
    state_after text,
    -- SHA-256 over the hash of the event before, all columns above and key_id.
    hash text not null,
    -- HMAC-SHA256 of the hash under a key derived from SECRET, and the id of that key.
    mac text not null,
    key_id text not null
);

create index audit_events_at on audit_events (at);
create index audit_events_client_id on audit_events (client_id, event_id);
create index audit_events_actor on audit_events (actor_type, actor, event_id);
create index audit_events_action on audit_events (action, event_id);
-- By the name of an actor of any type, and by a type alone: the index for both is in the order of neither.
create index audit_events_name on audit_events (actor, event_id);
create index audit_events_kind on audit_events (actor_type, event_id);
-- By the group of an action, as `client.` of `client.create`.
create index audit_events_group on audit_events (rtrim(action, 'abcdefghijklmnopqrstuvwxyz_'), event_id);

-- One row: the head of the chain, and the last change. A transaction that appends moves it on as the last thing that it does
-- and holds the lock until it commits, so that there is one order of both. The anchor is the last event that was pruned; the
-- rest of the chain begins after it.
create table audit_head (
    last_id bigint not null,
    hash text not null,
    anchor_id bigint not null,
    anchor_hash text not null,
    -- The `mac` and `key_id` of the last event. The server verifies them before it appends, so that nobody who can only
    -- write to the database can make the server build on a forged event.
    mac text not null,
    key_id text not null,
    -- The id of the last change.
    last_change_id bigint not null
);
insert into audit_head (last_id, hash, anchor_id, anchor_hash, mac, key_id, last_change_id) values (0, '', 0, '', '', '', 0);

-- Rejected requests with their true reason, which `explain --request` finds by the request id of the response. The server
-- writes them every few seconds, and not all of them under load; the log has all. It prunes rows by age and by number.
create table rejected_requests (
    -- A caller may choose it, so it is not unique.
    request_id text not null,
    at bigint not null,
    route text not null,
    -- Null: no known client. Then the hint has a part only of the claimed id, since people type secrets into it.
    client_id text,
    hint text not null,
    source text not null,
    error text not null,
    reason text not null
);

create index rejected_requests_request_id on rejected_requests (request_id, at);
create index rejected_requests_client_id on rejected_requests (client_id, at);
create index rejected_requests_at on rejected_requests (at);
