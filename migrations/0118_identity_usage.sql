-- When an identity of a client last proved it, by which subject, and from which address: as `last_used` for secrets.

create table last_identity_use (
    -- No foreign key: a replica may add a row after the client's deletion.
    client_id text not null,
    -- A digest of the identity: the issuer with the subject and the claims that it asks for.
    identity text not null,
    issuer text not null,
    -- The `sub` of the last token, redacted and cut.
    subject text not null,
    used_at bigint not null,
    source text not null,
    primary key (client_id, identity)
);
