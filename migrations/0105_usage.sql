-- Usage of each client, and when it and its secrets were last used. Each replica counts in memory and adds its counts every
-- few seconds; no decision depends on a row here. An hour or a minute is named by the second in which it begins.

create table usage_hours (
    -- Empty: no known client. No foreign key: counts outlive a client, and a replica may add them after its deletion.
    client_id text not null,
    hour bigint not null,
    -- Tokens issued to the client, requests rejected in its name, and successful verifications of its tokens.
    issued bigint not null,
    refused bigint not null,
    verified bigint not null,
    primary key (client_id, hour)
);

create index usage_hours_hour on usage_hours (hour);

-- Usage of all clients together, by the minute (span 60) and by the hour (span 3600).
create table usage_totals (
    span bigint not null,
    start bigint not null,
    issued bigint not null,
    refused bigint not null,
    verified bigint not null,
    primary key (span, start)
);

-- When a client (secret_id is empty), or one of its secrets, last authenticated, and from which address.
create table last_used (
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
