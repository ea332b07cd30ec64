-- The certificates of this service that an authority issues by ACME (RFC 8555). Replicas share these tables: one replica
-- orders, any replica answers the challenge, and each presents the issued certificate.

-- The account at an authority. `directory` is the URL of the authority's directory.
create table acme_accounts (
    directory text not null primary key,
    -- The account's URL and private key, sealed under a key derived from SECRET.
    sealed_credentials text not null,
    created_at bigint not null
);

-- The order for a set of names, and the certificate that was issued.
create table acme_certificates (
    directory text not null,
    -- Sorted, separated by spaces.
    names text not null,
    -- PEM, the server's certificate first; null: none was issued yet. Its key is sealed under a key derived from SECRET.
    chain text,
    sealed_key text,
    issued_at bigint,
    expires_at bigint,
    -- When to order next.
    due_at bigint not null default 0,
    -- The replica that orders, and until when no other replica does.
    holder text,
    leased_until bigint not null default 0,
    -- Failed orders since the last successful one; when and why the last one failed.
    failures bigint not null default 0,
    failed_at bigint,
    problem text,
    primary key (directory, names)
);

-- The challenge for a name (RFC 8737): the SHA-256 of the key authorization, in base64url. It is not secret.
create table acme_challenges (
    name text not null primary key,
    digest text not null,
    expires_at bigint not null
);
