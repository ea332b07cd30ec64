-- The networks from which admins logged in completely: from these, failures of others keep no admin out.

create table admin_networks (
    name text not null references admins (name) on delete cascade,
    -- An IPv4 address, or the first address of an IPv6 /64.
    network text not null,
    logged_in_at bigint not null,
    primary key (name, network)
);
