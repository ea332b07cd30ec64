-- Certificates of this service that an authority issues by ACME (RFC 8555). Replicas share all of it: one orders, any of
-- them answers the authority's connection, and each presents what was issued.

-- The account at an authority, by the URL of its directory.
create table acme_accounts (
    directory text not null primary key,
    -- Its URL and private key, sealed under a key derived from SECRET.
    sealed_credentials text not null,
    created_at bigint not null
);

-- What is ordered for a set of names, and what came of it.
create table acme_certificates (
    directory text not null,
    -- In their order, separated by spaces.
    names text not null,
    -- PEM, the end first; null: nothing was issued yet. Its key is sealed under a key derived from SECRET.
    chain text,
    sealed_key text,
    issued_at bigint,
    expires_at bigint,
    -- When to order next: at once, for a renewal, or after a failure.
    due_at bigint not null default 0,
    -- The replica that is ordering, and until when nobody else does.
    holder text,
    leased_until bigint not null default 0,
    -- Orders that failed since the last one that did not, and of the last of them when and why.
    failures bigint not null default 0,
    failed_at bigint,
    problem text,
    primary key (directory, names)
);

-- What the authority has to find when it connects for a name (RFC 8737): the SHA-256 of the key authorization, in
-- base64url. It is not secret.
create table acme_challenges (
    name text not null primary key,
    digest text not null,
    expires_at bigint not null
);
