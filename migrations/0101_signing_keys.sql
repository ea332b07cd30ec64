-- The key pairs that sign tokens when SIGNING_ALG is not HS256. At any time an algorithm has at most one active key and
-- one next key, which is published before it signs. The two unique indexes enforce it, whatever replicas do at once.

create table signing_keys (
    -- The thumbprint of the public key (RFC 7638).
    kid text not null primary key,
    alg text not null check (alg in ('ES256', 'EdDSA', 'RS256', 'PS256')),
    state text not null check (state in ('next', 'active', 'retired')),
    -- When the key entered this state.
    state_since bigint not null,
    created_at bigint not null,
    -- When a replica last reported that it signs with this algorithm.
    used_at bigint not null,
    -- The private key, sealed under a key derived from SECRET. The public key is computed from it.
    sealed_key text not null
);

create unique index signing_keys_one_active on signing_keys (alg) where state = 'active';
create unique index signing_keys_one_next on signing_keys (alg) where state = 'next';
