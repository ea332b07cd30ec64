-- What has changed, in the order of the commits, for the replicas that remember what was: each reads on from the last
-- change that it knows. Rows go by age; the newest one stays, so that a replica which has read it finds it.

-- The row that numbered revocations numbers all changes: a change takes its id by updating it, and so holds its lock
-- until it commits.
alter table revocation_order rename to change_order;

create table changes (
    -- A time in microseconds too, later than all before it.
    change_id bigint not null primary key,
    -- What is no more as it was: `client`, `revocation`, `signing_key`. A later version may know more kinds.
    kind text not null,
    -- For `client`: which one, it or its secrets.
    client_id text
);

-- A place to read on from before there is a change.
insert into changes (change_id, kind)
select last_id, 'start' from change_order;
