-- What an operator wants to know of clients that are refused, waste tokens or are about to be locked out.

-- Requests that were refused, with the true reason, so that it can be found by the id that the caller was answered with.
-- Written every few seconds, some of them: what is not here is in the log. Rows go by age and by number.
create table refusals (
    -- Callers may choose it, so it need not be unique.
    request_id text not null,
    at bigint not null,
    route text not null,
    -- Null: of no known client. Then there is a hint of what was claimed: people type secrets into the wrong field.
    client_id text,
    hint text not null,
    source text not null,
    error text not null,
    reason text not null
);

create index refusals_request_id on refusals (request_id, at);
create index refusals_client_id on refusals (client_id, at);
create index refusals_at on refusals (at);

-- Tokens that a client may have in an hour; null: any number.
alter table clients add column token_quota bigint;

-- Secrets that end by themselves so many seconds after their last use, or after this was asked for.
create table secret_ends (
    secret_id text not null primary key references client_secrets (secret_id) on delete cascade,
    client_id text not null,
    unused_for bigint not null,
    since bigint not null
);

-- Which secrets end next.
create index client_secrets_expires_at on client_secrets (expires_at);

-- The replicas that say now and then that they run.
create table replicas (
    replica_id text not null primary key,
    name text not null,
    version text not null,
    started_at bigint not null,
    seen_at bigint not null,
    -- When it last read what others have changed, and whether the database tells it at once.
    changes_read_at bigint,
    listening boolean not null,
    -- When the certificate ends that it presents.
    certificate_expires_at bigint
);
