-- The registered machines and their secrets. Only text, bigint and boolean, so that one file serves
-- Postgres and SQLite; times are seconds since 1970.

create table clients (
    client_id text not null primary key,
    name text not null,
    description text not null,
    status text not null check (status in ('enabled', 'disabled')),
    -- Both are space-separated, as the RFCs write them.
    scopes text not null,
    audiences text not null,
    -- A JSON object.
    metadata text not null,
    -- Seconds; null: the server's TOKEN_TTL.
    token_ttl bigint,
    created_at bigint not null,
    updated_at bigint not null
);

create table client_secrets (
    secret_id text not null primary key,
    client_id text not null references clients (client_id) on delete cascade,
    origin text not null check (origin in ('generated', 'chosen')),
    -- A PHC or modular-crypt string; never the secret.
    secret_hash text not null,
    hint text not null,
    created_at bigint not null,
    -- Null: never.
    expires_at bigint
);

create index client_secrets_client_id on client_secrets (client_id);
