-- The registered clients and their secrets.
--
-- The files use the types text, bigint and boolean only, so that one text serves Postgres and SQLite. On Postgres the server
-- adds `collate "C"` to each text column, so that both databases compare and sort by bytes. Times are seconds since 1970.

create table clients (
    client_id text not null primary key,
    name text not null,
    description text not null,
    status text not null check (status in ('enabled', 'disabled')),
    -- Scopes, audiences and identifiers are separated by spaces, as in the RFCs.
    scopes text not null,
    audiences text not null,
    -- The audiences that the client is, as a resource server: it may introspect their tokens.
    identifiers text not null,
    -- A JSON object.
    metadata text not null,
    -- Seconds; null: TOKEN_TTL.
    token_ttl bigint,
    -- Tokens that the server issues to the client in an hour at most; null: no limit.
    token_quota bigint,
    -- Authentication methods, separated by spaces.
    auth_methods text not null,
    -- A JWK set (RFC 7517) or its URL; at most one of the two is set.
    jwks text,
    jwks_uri text,
    -- The certificate subject, by a field of RFC 8705 §2.1.2: `san_dns=client.example.com`.
    tls_client_auth text,
    -- Whether its tokens are bound to its certificate (RFC 8705) or to the key of its DPoP proofs (RFC 9449).
    tls_client_certificate_bound boolean not null,
    dpop_bound boolean not null,
    -- Networks such as 10.0.0.0/8, separated by spaces; empty: any network.
    allowed_networks text not null,
    -- The name of the manifest that manages the client (`client apply`); null: none.
    managed_by text,
    created_at bigint not null,
    updated_at bigint not null,
    -- Begins at the first generation; each change of the client or of its secrets adds 1. The ETag contains it.
    version bigint not null,
    -- Milliseconds since 1970 when it was begun or raised; only grows. Tokens with a lower `gen` are revoked.
    generation bigint not null,
    -- For the search: id, name and scopes in lower case, each on a line.
    search text not null
);

-- For lists: of one status, by id; the newest or the oldest first, of any status or of one.
create index clients_status on clients (status, client_id);
create index clients_created_at on clients (created_at, client_id);
create index clients_status_created_at on clients (status, created_at, client_id);
-- For the clients that a manifest no longer contains.
create index clients_managed_by on clients (managed_by, client_id) where managed_by is not null;

-- For the search. Postgres reads the table, since a long row does not fit into an index.
/* SQLite */ create index clients_search on clients (client_id, search, status);

create table client_secrets (
    secret_id text not null primary key,
    client_id text not null references clients (client_id) on delete cascade,
    origin text not null check (origin in ('generated', 'chosen')),
    -- A PHC or modular crypt string; never the secret.
    secret_hash text not null,
    -- The last characters of the secret.
    hint text not null,
    created_at bigint not null,
    -- Null: the secret does not expire.
    expires_at bigint
);

create index client_secrets_client_id on client_secrets (client_id);
-- For the secrets that expire next.
create index client_secrets_expires_at on client_secrets (expires_at);

-- Idle expiry: a secret expires `idle_seconds` after it was last used, or after `starts_at` if that is later.
create table idle_expiries (
    secret_id text not null primary key references client_secrets (secret_id) on delete cascade,
    client_id text not null,
    idle_seconds bigint not null,
    starts_at bigint not null
);

-- An index of `clients.scopes`: the clients that may request a scope.
create table client_scopes (
    client_id text not null references clients (client_id) on delete cascade,
    scope text not null,
    primary key (client_id, scope)
);

create index client_scopes_scope on client_scopes (scope, client_id);
