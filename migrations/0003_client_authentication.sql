-- How each client may prove who it is, with which keys or certificate; and the values that may be used once
-- on all replicas together (the `jti` of a client assertion), kept until nobody would accept them any more.

alter table clients add column auth_methods text not null default 'client_secret_basic client_secret_post';
-- A JWK set (RFC 7517), or the URL of one; at most one of the two.
alter table clients add column jwks text;
alter table clients add column jwks_uri text;
-- One of RFC 8705 §2.1.2: `san_dns=client.example.com`.
alter table clients add column tls_client_auth text;

create table used_values (
    -- A hash of what it is, whose it is and its value.
    key text not null primary key,
    expires_at bigint not null
);

create index used_values_expires_at on used_values (expires_at);
