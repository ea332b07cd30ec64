-- The key pairs that sign tokens when SIGNING_ALG is not HS256. At any time an algorithm has at most one key that
-- signs and one that is published ahead of signing; the two indexes make it so whatever replicas do at once.

create table signing_keys (
    -- The thumbprint of the public key (RFC 7638).
    kid text not null primary key,
    alg text not null check (alg in ('ES256', 'EdDSA', 'RS256', 'PS256')),
    state text not null check (state in ('next', 'active', 'retired')),
    -- When it came into this state.
    state_since bigint not null,
    created_at bigint not null,
    -- When a replica last said that it signs with this algorithm.
    used_at bigint not null,
    -- The private key, sealed under a key derived from SECRET; the public key follows from it.
    sealed_key text not null
);

create unique index signing_keys_one_active on signing_keys (alg) where state = 'active';
create unique index signing_keys_one_next on signing_keys (alg) where state = 'next';
