-- How much each client does, and when it and its secrets were last used. Counted in memory and added every few seconds
-- by each replica; nothing depends on a row being there. Hours and minutes are named by the second in which they begin.

create table usage_hours (
    -- Empty: of no known client. No foreign key: counts outlive a client, and may be written after it is deleted.
    client_id text not null,
    hour bigint not null,
    -- Tokens that it was given; requests for one, or log-ins, that were refused in its name; and how often a token of it
    -- was found good.
    issued bigint not null,
    refused bigint not null,
    verified bigint not null,
    primary key (client_id, hour)
);

create index usage_hours_hour on usage_hours (hour);

-- The same of all clients together, by the minute (60) and by the hour (3600).
create table usage_totals (
    span bigint not null,
    start bigint not null,
    issued bigint not null,
    refused bigint not null,
    verified bigint not null,
    primary key (span, start)
);

-- When a client (secret_id is empty) or one of its secrets last proved who it is, and from which address.
create table last_uses (
    client_id text not null,
    secret_id text not null,
    used_at bigint not null,
    source text not null,
    primary key (client_id, secret_id)
);

create table secret_hours (
    client_id text not null,
    secret_id text not null,
    hour bigint not null,
    uses bigint not null,
    primary key (client_id, secret_id, hour)
);

create index secret_hours_hour on secret_hours (hour);
