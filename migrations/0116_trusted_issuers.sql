-- Issuers whose tokens prove who a client is, and how they name clients.

create table trusted_issuers (
    name text not null primary key,
    -- The exact `iss` of its tokens, or `spiffe://` and the trust domain.
    anchor text not null,
    -- A JSON object: all that is configured.
    definition text not null
);

create index trusted_issuers_anchor on trusted_issuers (anchor);

-- The identities of a client: a JSON list of objects.
alter table clients add column identities text not null default '[]';

-- An index of `clients.identities`: the clients that a subject of an issuer may be. An issuer that a client has an identity at
-- cannot be removed.
create table client_identities (
    client_id text not null references clients (client_id) on delete cascade,
    issuer text not null references trusted_issuers (name),
    -- Empty: the identity has claims only.
    subject text not null,
    primary key (issuer, subject, client_id)
);

create index client_identities_client_id on client_identities (client_id);
