-- How often each client exchanged a token (RFC 8693) for each target, by the hour: counts, as in `usage_hours`.

create table exchange_hours (
    -- The requester. No foreign key: counts outlive a client.
    client_id text not null,
    -- The audience that the tokens were exchanged for.
    target text not null,
    hour bigint not null,
    exchanges bigint not null,
    primary key (client_id, target, hour)
);

create index exchange_hours_hour on exchange_hours (hour);
