-- Changes in the order of the commits, for the replicas that cache what changes: each replica reads on from the last change
-- that it knows. The server prunes rows by age and keeps the newest one, so that a replica that has read it finds it.

-- A change takes its id from audit_head, which the transaction locks until it commits. So ids are committed in their
-- order, and a reader needs only the last id that it read.
create table changes (
    -- Also a time in microseconds; greater than all earlier ids.
    change_id bigint not null primary key,
    -- `client`, `revocation` or `signing_key`. A later release may have more kinds.
    kind text not null,
    -- For `client`: the client that changed, or whose secrets changed.
    client_id text
);

-- The place to read on from before the first change.
insert into changes (change_id, kind) values (0, 'start');

-- The replicas that run; each updates its row every few seconds.
create table replicas (
    replica_id text not null primary key,
    name text not null,
    version text not null,
    started_at bigint not null,
    seen_at bigint not null,
    -- When the replica last read the changes, and whether the database notifies it of each.
    changes_read_at bigint,
    listening boolean not null,
    -- When the certificate that it presents expires.
    certificate_expires_at bigint
);
