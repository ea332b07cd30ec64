-- Values that all replicas together accept once: the `jti` of a client assertion or of a DPoP proof. The server prunes a
-- row when it would not accept the value any more.

create table single_use_values (
    -- A hash of the kind of the value, its owner and the value.
    key text not null primary key,
    expires_at bigint not null
);

create index single_use_values_expires_at on single_use_values (expires_at);
