pragma foreign_keys = off;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (100, 'clients', '2026-11-29 13:07:24', 1, X'808CA3ECDBE93F9D050FDE1135B5FD3DD3AA98350BA38466B710CECFFBA43FEC7D606D40BB6BEE3D8A5AA41344D8A582', 5719111);
insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (101, 'signing keys', '2026-11-29 13:07:24', 1, X'63D86F6090AEB3CA3E4182978EA0B23706F1710F2A042437D9DDCD78A1C5A6AF302A19EB223370370D1E0919182F4160', 4813747);
insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (102, 'revocations', '2026-11-29 13:07:24', 1, X'0BC80F7027412749B6CC3FC73EA5BFB1FAAB562631DCF954D0019FFB1440AF50A444DCB42FC608B0664BE41D4269C254', 1104320);
insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (103, 'replication', '2026-11-29 13:07:24', 1, X'E51FDF150E48F4B0426EF53D0A2F1A8B88382635CE14FFABC9FC6825EE5FBBE65FC0FCF466BAFD2BD35FA920EC87E89C', 377961);
insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (104, 'audit', '2026-11-29 13:07:24', 1, X'CC2B9BE9C321C9C5CC089DD2A49D0352D5251F7C7765D4512FA03A0E012E9A6FA00B2755369E6B5E018F106545F9E54D', 639970);
insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (105, 'usage', '2026-11-29 13:07:24', 1, X'7A95D1079F5B31B02D377AF45AE8BB26C1A709DDFF4724F563FC5FF6811A8CD93ABD95C376C0D91992105A049B2D5D29', 648713);
insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (106, 'admins', '2026-11-29 13:07:24', 1, X'B99FAE2F1314F2DBF8EBE7107B7E1885BEFD36A7D8EACE596215CF9C17FF72D2AD69B693B7F821D1B5906C1E3BDA2814', 531790);
insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (107, 'idempotency', '2026-11-29 13:07:24', 1, X'ABF12287B3198DF8DB5B8A943D8EF08DBC98340C00E313468E753B4E7DA0C173380B50DC53F2EDFCBC54FA73E316A241', 410259);
insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (108, 'single use', '2026-11-29 13:07:24', 1, X'83BB3957BDD1665DAB0C5CC8955462FB1335E0D40924EC04E3096E2B4336B9AD0B465618DE5745B40BCAD3E4F8AE868D', 300807);
insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (109, 'acme', '2026-11-29 13:07:24', 1, X'9EB01B1F24808913D48B5174CB31E4A4966C4CB6FF72AB13F382E88595DD7A9C3ECC483027F30C2319A15AA4655F16E1', 421927);
insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) values (110, 'installation', '2026-11-29 13:07:24', 1, X'3C60A34D4304FC1C6CE352A49441F0A6056A19FF94B13E520FF3B5B8F451DA827F123A37AEBB1B01898023D20FBD86BF', 387295);
CREATE TABLE clients (
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
insert into clients (client_id, name, description, status, scopes, audiences, identifiers, metadata, token_ttl, token_quota, auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound, allowed_networks, managed_by, created_at, updated_at, version, generation, search) values ('robot', '', '', 'enabled', 'admin:read admin:write', 'https://tokens.test/admin/api', '', '{}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, 0, 0, '', NULL, 1800000000, 1800000000, 1800000000000, 1800000000000, 'robot

admin:read admin:write');
insert into clients (client_id, name, description, status, scopes, audiences, identifiers, metadata, token_ttl, token_quota, auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound, allowed_networks, managed_by, created_at, updated_at, version, generation, search) values ('orders', 'Orders', 'two
lines', 'enabled', 'read token:introspect', 'https://a.test https://b.test', 'https://orders.test', '{"tenant":"acme","limits":[1,{"é":null}]}', 900, 1000, 'client_secret_basic client_secret_post', NULL, NULL, NULL, 0, 0, '192.0.2.0/24', NULL, 1800000000, 1800000000, 1800000000000, 1800000000000, 'orders
orders
read token:introspect');
insert into clients (client_id, name, description, status, scopes, audiences, identifiers, metadata, token_ttl, token_quota, auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound, allowed_networks, managed_by, created_at, updated_at, version, generation, search) values ('bcrypt', '', '', 'enabled', '', '', '', '{}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, 0, 0, '', NULL, 1800000000, 1800000000, 1800000000000, 1800000000000, 'bcrypt

');
insert into clients (client_id, name, description, status, scopes, audiences, identifiers, metadata, token_ttl, token_quota, auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound, allowed_networks, managed_by, created_at, updated_at, version, generation, search) values ('pbkdf2', '', '', 'enabled', '', '', '', '{}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, 0, 0, '', NULL, 1800000000, 1800000000, 1800000000000, 1800000000000, 'pbkdf2

');
insert into clients (client_id, name, description, status, scopes, audiences, identifiers, metadata, token_ttl, token_quota, auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound, allowed_networks, managed_by, created_at, updated_at, version, generation, search) values ('scrypt', '', '', 'enabled', '', '', '', '{}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, 0, 0, '', NULL, 1800000000, 1800000000, 1800000000000, 1800000000000, 'scrypt

');
insert into clients (client_id, name, description, status, scopes, audiences, identifiers, metadata, token_ttl, token_quota, auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound, allowed_networks, managed_by, created_at, updated_at, version, generation, search) values ('billing', '', '', 'enabled', 'read write', '', '', '{"tenant":"acme"}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, 0, 0, '', NULL, 1800000000, 1800000000, 1800000000002, 1800000000000, 'billing

read write');
insert into clients (client_id, name, description, status, scopes, audiences, identifiers, metadata, token_ttl, token_quota, auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound, allowed_networks, managed_by, created_at, updated_at, version, generation, search) values ('raised', '', '', 'enabled', 'read write', '', '', '{"tenant":"acme"}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, 0, 0, '', NULL, 1800000000, 1800000000, 1800000000000, 1800000000001, 'raised

read write');
insert into clients (client_id, name, description, status, scopes, audiences, identifiers, metadata, token_ttl, token_quota, auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound, allowed_networks, managed_by, created_at, updated_at, version, generation, search) values ('off', '', '', 'disabled', 'read write', '', '', '{"tenant":"acme"}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, 0, 0, '', NULL, 1800000000, 1800000000, 1800000000001, 1800000000002, 'off

read write');
insert into clients (client_id, name, description, status, scopes, audiences, identifiers, metadata, token_ttl, token_quota, auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound, allowed_networks, managed_by, created_at, updated_at, version, generation, search) values ('signer', '', '', 'enabled', '', '', '', '{}', NULL, NULL, 'private_key_jwt', '{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"dp-RT7M8bzM9ttZth9mvcRA86nIA-ae-Tegpdb1EVYU","y":"ya3Y9k10meuxdRPh5s7HTTQRekY0g8HV2xEdNKXDdD8"}]}', NULL, NULL, 0, 0, '', NULL, 1800000000, 1800000000, 1800000000000, 1800000000000, 'signer

');
insert into clients (client_id, name, description, status, scopes, audiences, identifiers, metadata, token_ttl, token_quota, auth_methods, jwks, jwks_uri, tls_client_auth, tls_client_certificate_bound, dpop_bound, allowed_networks, managed_by, created_at, updated_at, version, generation, search) values ('once', '', '', 'enabled', 'read', '', '', '{}', NULL, NULL, 'client_secret_basic client_secret_post', NULL, NULL, NULL, 0, 0, '', NULL, 1800000000, 1800000000, 1800000000000, 1800000000000, 'once

read');
CREATE TABLE client_secrets (
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
insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at, expires_at) values ('wimrGGrJ', 'robot', 'generated', '$argon2id$v=19$m=8,t=1,p=1$U4bPEYHhzUIZSiwFJOUPHA$IumvOVH7nA/sBsosWDwflh0xKQRuHsOO9hecOdhwNRc', '8Bx0', 1800000000, NULL);
insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at, expires_at) values ('YKOLX8Np', 'orders', 'chosen', '$2a$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG', '', 1800000000, NULL);
insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at, expires_at) values ('x86E5shJ', 'bcrypt', 'chosen', '$2b$04$w/Kt6ZnmudqpTJPaJvLk8eQ6M9Ab3aE0EeMUzFO0WFKzn7MnLXMmG', '', 1800000000, NULL);
insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at, expires_at) values ('VUldqBKS', 'pbkdf2', 'chosen', '$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$b86LwPmSGbcehKTNLkxCRwgblgNLJilfyt1TFtuN11E', '', 1800000000, NULL);
insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at, expires_at) values ('Er878V8l', 'scrypt', 'chosen', '$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$LYxSASjpWvsgBcGW/17jsE7CUZ7K2uGwvSBEHJqY7Kg', '', 1800000000, NULL);
insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at, expires_at) values ('2tffHvIZ', 'billing', 'generated', '$argon2id$v=19$m=8,t=1,p=1$jjr0mSI9Y6qbf3kHZnoBGw$Tvx3EyME0ipaFGhLKNO9Wy7KOsQTYqA+d9xrvBayJCg', 'EZ7Z', 1800000000, NULL);
insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at, expires_at) values ('DxdFpGC8', 'raised', 'generated', '$argon2id$v=19$m=8,t=1,p=1$v81TdQ6p0dyKKqy/mw7Y6A$HR31uhJf3ZR3CZPhsbGDDAXRCvxHnRCEfJbuX/h9UyA', 'i8Sp', 1800000000, NULL);
insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at, expires_at) values ('dwEmXc0q', 'off', 'generated', '$argon2id$v=19$m=8,t=1,p=1$ZIKlPzuaz/j26omv16SHjA$MO5o0QdSZGdrkjWGO0VCgxoHKNPNNFbUdgzPgY6s578', '8oyB', 1800000000, NULL);
insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at, expires_at) values ('g5fDYCpH', 'billing', 'generated', '$argon2id$v=19$m=8,t=1,p=1$1gAbQww/DMZNeMLVwGtcvw$R9k2LnmwXZzG3h60sfVVPxqJ8eYWPozfPhR8H4QPBwg', 'f7Ok', 1800000000, 1802592000);
insert into client_secrets (secret_id, client_id, origin, secret_hash, hint, created_at, expires_at) values ('8LNV2sot', 'once', 'generated', '$argon2id$v=19$m=8,t=1,p=1$ZhUcUV4JNis8P7/IZDju1w$hgSdO5g5Lv5sWaYozsHIPUN5KRpfjyRUW1vnIAWARAM', 'gJL5', 1800000000, NULL);
CREATE TABLE idle_expiries (
    secret_id text not null primary key references client_secrets (secret_id) on delete cascade,
    client_id text not null,
    idle_seconds bigint not null,
    starts_at bigint not null
);
insert into idle_expiries (secret_id, client_id, idle_seconds, starts_at) values ('g5fDYCpH', 'billing', 86400, 1800000000);
CREATE TABLE client_scopes (
    client_id text not null references clients (client_id) on delete cascade,
    scope text not null,
    primary key (client_id, scope)
);
insert into client_scopes (client_id, scope) values ('robot', 'admin:read');
insert into client_scopes (client_id, scope) values ('robot', 'admin:write');
insert into client_scopes (client_id, scope) values ('orders', 'read');
insert into client_scopes (client_id, scope) values ('orders', 'token:introspect');
insert into client_scopes (client_id, scope) values ('billing', 'read');
insert into client_scopes (client_id, scope) values ('billing', 'write');
insert into client_scopes (client_id, scope) values ('raised', 'read');
insert into client_scopes (client_id, scope) values ('raised', 'write');
insert into client_scopes (client_id, scope) values ('off', 'read');
insert into client_scopes (client_id, scope) values ('off', 'write');
insert into client_scopes (client_id, scope) values ('once', 'read');
CREATE TABLE signing_keys (
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
insert into signing_keys (kid, alg, state, state_since, created_at, used_at, sealed_key) values ('wj9TotkFj7bWQifSaookFqINIdg5rLF9ZaMTJU0g964', 'ES256', 'retired', 1800000000, 1800000000, 1800000000, 'v1.qv6QpwemPadfqjPafwwycMTAgnUxx5Ul902SdXBQvD_Tg9Ph_daSD8iock-UBIVhUpxSSvEYFp5LURuX3hS3BWaI9qP5DLo54xYPWZ4mmynGfTwPCkLhyI0gc2Wbb2Ph5WxAmGwMdw-_5S_VIc_p04jH5MJFvpTNz2Q9FGT3uORB0rIbttLLRA3Ph4m5l9cF9EGaa-zRbtcIFI_5C6Stv5_j4kCq_w');
insert into signing_keys (kid, alg, state, state_since, created_at, used_at, sealed_key) values ('tHIYn_N5We8JT0jcO3l1AAoc1TJUA-pbi5yEDdQIz1Y', 'ES256', 'active', 1800000000, 1800000000, 1800000000, 'v1.ZRpdsewYsFEfA5u5ntgYy-7mKdHCD9_WJcnaUamcmQs2bXEl4Nn5vgDI8F4nHFzz3lsfduBOlinkmYRm0D4LB1DGlAOnmdbDJT5Jzia-1tO4Z9U1wwpYB-r3rpaiKl9dAykvjmc57RrIvK2GZNvK1IXcTpIH83sNb5l_BfdiQtw2K-5W-M8szBUmdZpTlqrP-jGEE0p9bsj4CcdmjELUpX3UTgy0wg');
insert into signing_keys (kid, alg, state, state_since, created_at, used_at, sealed_key) values ('J33jWoQjvdZxlrEq8GQe5Z-U85_y92w2_5op9yIZ8Og', 'ES256', 'next', 1800000000, 1800000000, 1800000000, 'v1.rvUUuZ7QHrewN1lN4zL6JEz8jq2D6APZjEZ-HfEZYouTejTgChwIXh8x_EQsj1tNsmNOPLwWyLw7jc2G3mP8OcbbNiwswkD433pL8xV0bvXvVVvC1qQCXqaxRwx3SvcyQADy4ZJIHODU8LIx0VyeytKTi10HwvZxFahATBwAX_wFU-h-8QxxWFwLKwIrEdO640pv1teOKmZ72RVgWzYu-9q1hOV1bA');
CREATE TABLE revocations (
    -- The id of the change that tells of it: a reader that has read up to an id has missed no earlier row.
    revocation_id bigint not null primary key,
    -- No foreign key: the row outlives a deleted client.
    client_id text not null,
    -- Null: the row revokes all tokens of the client whose `gen` is below `generation`.
    jti text unique,
    -- With a `jti`: the `gen` of that token.
    generation bigint not null,
    revoked_at bigint not null,
    -- When the last token that the row revokes expires.
    expires_at bigint not null
);
insert into revocations (revocation_id, client_id, jti, generation, revoked_at, expires_at) values (1800000000018032, 'raised', NULL, 1800000000001, 1800000000, 1800172800);
insert into revocations (revocation_id, client_id, jti, generation, revoked_at, expires_at) values (1800000000025813, 'off', NULL, 1800000000002, 1800000000, 1800172800);
insert into revocations (revocation_id, client_id, jti, generation, revoked_at, expires_at) values (1800000000034503, 'gone', NULL, 1800000000003, 1800000000, 1800172800);
insert into revocations (revocation_id, client_id, jti, generation, revoked_at, expires_at) values (1800000000036654, 'billing', '01a2276add72750ba6127d8a1a4e2f77', 1800000000000, 1800000000, 1800003600);
CREATE TABLE changes (
    -- Also a time in microseconds; greater than all earlier ids.
    change_id bigint not null primary key,
    -- `client`, `revocation` or `signing_key`. A later release may have more kinds.
    kind text not null,
    -- For `client`: the client that changed, or whose secrets changed.
    client_id text
);
insert into changes (change_id, kind, client_id) values (0, 'start', NULL);
insert into changes (change_id, kind, client_id) values (1800000000001782, 'signing_key', NULL);
insert into changes (change_id, kind, client_id) values (1800000000011647, 'signing_key', NULL);
insert into changes (change_id, kind, client_id) values (1800000000011997, 'signing_key', NULL);
insert into changes (change_id, kind, client_id) values (1800000000018032, 'revocation', NULL);
insert into changes (change_id, kind, client_id) values (1800000000025813, 'revocation', NULL);
insert into changes (change_id, kind, client_id) values (1800000000034503, 'revocation', NULL);
insert into changes (change_id, kind, client_id) values (1800000000036654, 'revocation', NULL);
insert into changes (change_id, kind, client_id) values (1800000000044087, 'client', 'billing');
insert into changes (change_id, kind, client_id) values (1800000000048244, 'client', 'billing');
insert into changes (change_id, kind, client_id) values (1800000000056236, 'signing_key', NULL);
CREATE TABLE replicas (
    replica_id text not null primary key,
    name text not null,
    version text not null,
    started_at bigint not null,
    seen_at bigint not null,
    -- When the replica last read the changes, and whether the database notifies it of each.
    changes_read_at bigint,
    listening boolean not null,
    -- When the certificate that it presents expires.
    certificate_expires_at bigint
);
CREATE TABLE audit_events (
    -- 1, 2, 3, … without a gap, in the order of the commits (audit_head).
    event_id bigint not null primary key,
    at bigint not null,
    -- `cli`, `admin`, `client` or `server`, and the name of the actor; empty for `server`.
    actor_type text not null,
    actor text not null,
    source text,
    request_id text,
    -- `client.create` and the like.
    action text not null,
    target_type text not null,
    target text not null,
    -- The client that the event concerns. No foreign key: the event outlives a deleted client.
    client_id text,
    -- JSON objects without secrets.
    state_before text,
    state_after text,
    -- SHA-256 over the hash of the event before, all columns above and key_id.
    hash text not null,
    -- HMAC-SHA256 of the hash under a key derived from SECRET, and the id of that key.
    mac text not null,
    key_id text not null
);
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (1, 1800000000, 'server', '', NULL, NULL, 'key.create', 'key', 'wj9TotkFj7bWQifSaookFqINIdg5rLF9ZaMTJU0g964', NULL, NULL, '{"alg":"ES256","state":"active"}', '95c9350753b1168b80c7c3771498dee903a9ec1e5f8f521b253d70c6fa2975dd', '109a087f8df2235a2926b37ecc94711168bfc54cff3834780e1d88fd8904cd93', 'ecb2e25bd458b23b');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (2, 1800000000, 'server', '', NULL, NULL, 'key.create', 'key', 'tHIYn_N5We8JT0jcO3l1AAoc1TJUA-pbi5yEDdQIz1Y', NULL, NULL, '{"alg":"ES256","state":"next"}', 'bc855c3361ff16af7244c8bf9fef56fd7b1a14eab2e1c9cad2131778fac121c7', '65fd86290e74678778934ee36db3a78a0b4584aeeb849091e794a8b3c5241060', 'ecb2e25bd458b23b');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (3, 1800000000, 'server', '', NULL, NULL, 'admin.create', 'admin', 'olga', NULL, NULL, '{"name":"olga","role":"owner","status":"enabled","must_change_password":false,"has_totp":false,"passkeys":0,"created_at":1800000000,"updated_at":1800000000,"last_log_in_at":null}', 'e0ddd18b6dbc2f2f5ae1bdf7298974d787e1272c313861fb4fbf4c69d846cdd4', '7e026d55f5bb57ab9a0bcb18ee9a441bf9a2a6c7909ec4fe228597cf96c16917', 'ecb2e25bd458b23b');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (4, 1800000000, 'server', '', NULL, NULL, 'admin.create', 'admin', 'vera', NULL, NULL, '{"name":"vera","role":"viewer","status":"enabled","must_change_password":false,"has_totp":false,"passkeys":0,"created_at":1800000000,"updated_at":1800000000,"last_log_in_at":null}', 'a97b3919a5e435b23c52bca7f6b056e4fac7f4a137c831d147a7fbfbc757dbac', '4806f84494c07b0a011e000da21db3548c6bb06fe4abbbd1e0c8d182c0b03f7e', 'ecb2e25bd458b23b');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (5, 1800000000, 'server', '', NULL, NULL, 'audit.key_change', 'audit', '', NULL, NULL, '{"key_id":"ecb2e25bd458b23b","through":4,"hash":"a97b3919a5e435b23c52bca7f6b056e4fac7f4a137c831d147a7fbfbc757dbac"}', '12685f2f37fd7cee1e4c93c7b8c99a951f387fe58a1bbbf3bf93a7ee8d652b2b', '8c22b1ef4e09d83c857fcc7eba4b580b738da4032947fc71dcdd502bea4c0219', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (6, 1800000000, 'server', '', NULL, NULL, 'key.reseal', 'key', 'tHIYn_N5We8JT0jcO3l1AAoc1TJUA-pbi5yEDdQIz1Y', NULL, NULL, NULL, 'fe9550d8493cd355925d23ada765394e7aa5add40c20b9c12c56b82f5bca57c3', '5daefa74dcd3ee3193ae5b42d7e524d319ecf7be6242ba12246107eb0018695f', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (7, 1800000000, 'server', '', NULL, NULL, 'key.reseal', 'key', 'wj9TotkFj7bWQifSaookFqINIdg5rLF9ZaMTJU0g964', NULL, NULL, NULL, '1583335ccc46636ecdc79d725553f6534b9cc6d1c91b7d266964b2d32086dccf', '263a9d34794a49872b1123be38ef7d1c4766b9888403f06a25ea5c4fd7d28850', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (8, 1800000000, 'server', '', NULL, NULL, 'client.create', 'client', 'robot', 'robot', NULL, '{"client_id":"robot","status":"enabled","name":"","description":"","scopes":"admin:read admin:write","audiences":["https://tokens.test/admin/api"],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"wimrGGrJ","origin":"generated","hint":"8Bx0","created_at":1800000000,"expires_at":null}]}', '4c579bffe10ea0c6a35769e0f9e8dec7a2580332c23f2ef36c7d64547d1add7d', '45f6e87de8a65270f6f1e8d3f82a358ddd066d27458175d5f9296e1f2864535e', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (9, 1800000000, 'server', '', NULL, NULL, 'client.import', 'client', 'orders', 'orders', NULL, '{"client_id":"orders","status":"enabled","name":"Orders","description":"two\nlines","scopes":"read token:introspect","audiences":["https://a.test","https://b.test"],"identifiers":["https://orders.test"],"metadata":{"tenant":"acme","limits":[1,{"é":null}]},"token_ttl":900,"token_quota":1000,"allowed_networks":["192.0.2.0/24"],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"YKOLX8Np","origin":"chosen","hint":"","created_at":1800000000,"expires_at":null}]}', 'eaa43fea72ee61495996e0e5797f862be1163f5bcb33f35188addec3f390a321', 'a4bbd74c3d8106cc83dc9c7f533b2508bb19f96cc75486ffee6577581e3dbcfc', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (10, 1800000000, 'server', '', NULL, NULL, 'client.import', 'client', 'bcrypt', 'bcrypt', NULL, '{"client_id":"bcrypt","status":"enabled","name":"","description":"","scopes":"","audiences":[],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"x86E5shJ","origin":"chosen","hint":"","created_at":1800000000,"expires_at":null}]}', '16df839931dfae17c4acba1f2684e5b8f1917f12c1bd47dc91ac3bd0b5dda625', 'c4add7eee5bc899d65187acd4e12794ae389a4b2710e19eaf619ab4bd29d316e', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (11, 1800000000, 'server', '', NULL, NULL, 'client.import', 'client', 'pbkdf2', 'pbkdf2', NULL, '{"client_id":"pbkdf2","status":"enabled","name":"","description":"","scopes":"","audiences":[],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"VUldqBKS","origin":"chosen","hint":"","created_at":1800000000,"expires_at":null}]}', 'e16b0248fea6c43682c2c576cc952f8e29f74f5451c9f606fa46080c1a68c0a2', 'b93dc471a4a08c10acf18ed793ef94c9a8d8bc748ebfba4d6957bb2767a3757d', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (12, 1800000000, 'server', '', NULL, NULL, 'client.import', 'client', 'scrypt', 'scrypt', NULL, '{"client_id":"scrypt","status":"enabled","name":"","description":"","scopes":"","audiences":[],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"Er878V8l","origin":"chosen","hint":"","created_at":1800000000,"expires_at":null}]}', 'c4b5a5eac962a108716e2908b47d1b2f5680b4a9c0172e668a28557e39b7fe5a', '3d793a76fb43a3c673ad1609e86814417d044f6a9677122daabaf6dd99aa3269', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (13, 1800000000, 'client', 'robot', '192.0.2.1', '7cb27b0f-e7e9-4f77-b67a-6ab6fe247396', 'client.create', 'client', 'billing', 'billing', NULL, '{"client_id":"billing","status":"enabled","name":"","description":"","scopes":"read write","audiences":[],"identifiers":[],"metadata":{"tenant":"acme"},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"2tffHvIZ","origin":"generated","hint":"EZ7Z","created_at":1800000000,"expires_at":null}]}', '982632d226117875f6f9982af25ae2d4dbeaefaaf6081d9ab7dda7e93a5849f4', 'f6d6aa66bbc04382848abb18b5a29016796b41a4284fbdbf4f7aec068f5387fb', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (14, 1800000000, 'client', 'robot', '192.0.2.1', '7441d577-b6c1-413a-b6d6-88a6b93dab15', 'client.create', 'client', 'raised', 'raised', NULL, '{"client_id":"raised","status":"enabled","name":"","description":"","scopes":"read write","audiences":[],"identifiers":[],"metadata":{"tenant":"acme"},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"DxdFpGC8","origin":"generated","hint":"i8Sp","created_at":1800000000,"expires_at":null}]}', '98ea0b041c84d11181a6328a014ca6ca911272ed9f71cee953981b8d75cb5f6f', '001c585ac43dfc6f051461b4c2a98d6884218a614a19a1d1eed68a87b50e5ed5', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (15, 1800000000, 'client', 'robot', '192.0.2.1', '6f9b4c69-e9d3-4426-a7b8-64099243efd7', 'client.create', 'client', 'off', 'off', NULL, '{"client_id":"off","status":"enabled","name":"","description":"","scopes":"read write","audiences":[],"identifiers":[],"metadata":{"tenant":"acme"},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"dwEmXc0q","origin":"generated","hint":"8oyB","created_at":1800000000,"expires_at":null}]}', '1380d83d13f6d68f8116ffd8422c47e43adf7b294d52a47058480ad419dcd77c', '6dbca8d94ba71950fb6d5b1b84e8036ec54d32aa78d6f2b341bbd652197316d4', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (16, 1800000000, 'client', 'robot', '192.0.2.1', '291f0dd4-3960-4341-b637-b665f56ac4c9', 'client.create', 'client', 'gone', 'gone', NULL, '{"client_id":"gone","status":"enabled","name":"","description":"","scopes":"read write","audiences":[],"identifiers":[],"metadata":{"tenant":"acme"},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"RA4uh0FK","origin":"generated","hint":"LSlY","created_at":1800000000,"expires_at":null}]}', '30553dcef48f8d639a7d1796a6bdae93c8671250d37a5714cc4653da4a2e9b84', '49bd2ecfd143bccbf0f71a5a66d07eeb3af92f784d49a4ee1aee3bc1eeb3db84', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (17, 1800000000, 'server', '', NULL, NULL, 'client.revoke_tokens', 'client', 'raised', 'raised', NULL, '{"generation":1800000000001}', '58f519bfc70dc4e9f982988724de976f50f42fb5b2c2773feab1ea856661394f', '9f220411ef040439b6e43f843cd927b2ad72331b3a87d00236eaaef9c9f8819c', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (18, 1800000000, 'server', '', NULL, NULL, 'client.disable', 'client', 'off', 'off', '{"status":"enabled"}', '{"status":"disabled"}', '259bbe0826058fa6b170fe96cf05c27235949de05e596471e4e3706b8254d600', 'e82d57eab5c3b2421bb420fc89598bc43dd68e0312e7257655e26ce3bf33a740', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (19, 1800000000, 'server', '', NULL, NULL, 'client.delete', 'client', 'gone', 'gone', '{"client_id":"gone","status":"enabled","name":"","description":"","scopes":"read write","audiences":[],"identifiers":[],"metadata":{"tenant":"acme"},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"RA4uh0FK","origin":"generated","hint":"LSlY","created_at":1800000000,"expires_at":null}]}', NULL, '4dd2ee458de478fbf1e93885c2fc0ab0768dc257b96e8c78e7a0735d17e7715b', 'c83028cb7b5af5df5faf7afe5a830db6dfd27248c58f65f11ec7d47455a71a06', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (20, 1800000000, 'server', '', NULL, NULL, 'token.revoke', 'token', '01a2276add72750ba6127d8a1a4e2f77', 'billing', NULL, '{"expires_at":1800003600}', '03404132818253805db8dc3a86c9f9f159687db8b0531e3d04947c8edc1abc5c', '7cc9271cd5e57b239fd67ad1b5f0a21c12feb039081ef094e5c0506f119fbc6d', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (21, 1800000000, 'server', '', NULL, NULL, 'secret.add', 'secret', 'g5fDYCpH', 'billing', NULL, '{"secret_id":"g5fDYCpH","origin":"generated","hint":"f7Ok","created_at":1800000000,"expires_at":1802592000}', 'f2a725012b26ba286f2a37f58944bcf6a4997bbf65641683bb2b4ac0ee1e7cd9', '097139783a999d65e4f4e1d0122185099cda6e83372d6fb9516ed7daf9fa6ab6', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (22, 1800000000, 'server', '', NULL, NULL, 'secret.expire', 'secret', 'g5fDYCpH', 'billing', '{"ends_unused_for":null}', '{"ends_unused_for":86400}', 'de2371910037009547593be77058d8acf6d6a9fd28f5a60468ac28c459e1c19b', 'a6043a6d8d450cdd3ab17e0d0c79cb13f18edbb1c1905ae73ae9d9602bfd211b', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (23, 1800000000, 'client', 'robot', '192.0.2.1', 'ce49b6f7-6f6f-4d1b-8140-4b27953a9bec', 'client.create', 'client', 'signer', 'signer', NULL, '{"client_id":"signer","status":"enabled","name":"","description":"","scopes":"","audiences":[],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["private_key_jwt"],"jwks":{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"dp-RT7M8bzM9ttZth9mvcRA86nIA-ae-Tegpdb1EVYU","y":"ya3Y9k10meuxdRPh5s7HTTQRekY0g8HV2xEdNKXDdD8"}]},"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[]}', 'dcbb2a208836ca68a949569a59c3fefcb0f82d7b4f3759bc62de9cfc8abf03cc', '4ef04734d3b55f1e0925b579535a97d09ae2b3413ae1c9e55b34f6e9c07091b1', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (24, 1800000000, 'client', 'robot', '192.0.2.1', '3dbf526e-c412-4f50-9520-c11177b832dd', 'client.create', 'client', 'once', 'once', NULL, '{"client_id":"once","status":"enabled","name":"","description":"","scopes":"read","audiences":[],"identifiers":[],"metadata":{},"token_ttl":null,"token_quota":null,"allowed_networks":[],"auth_methods":["client_secret_basic","client_secret_post"],"tls_client_certificate_bound_access_tokens":false,"dpop_bound_access_tokens":false,"managed_by":null,"created_at":1800000000,"updated_at":1800000000,"secrets":[{"secret_id":"8LNV2sot","origin":"generated","hint":"gJL5","created_at":1800000000,"expires_at":null}]}', 'f579b1e4a59f73ecf28faca3370bad9a8ec57bdc0f53dd1991dfb68df1d64365', '21c2d8b767dfb05f84d764c388860fc09ad1ed1c1f1b7ea924d18d08ea422e49', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (25, 1800000000, 'admin', 'olga', '192.0.2.1', '4037e91c-d57c-40da-b026-48fa1d49ea54', 'admin.log_in', 'admin', 'olga', NULL, NULL, '{"session_id":"y4UYG3Ul69TtX6bg"}', '0ee497a1f6a68ae1c96fa15140a4d395b5a8ef759158142fdcf8974aab547dfc', '3442cd1efa1b9bbc98585579ae3c2f7ccfec8bf24eec7a9dd2c7067125040da1', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (26, 1800000000, 'admin', 'olga', '192.0.2.1', '5d36ac46-aa8c-44cb-8000-82d45dd4cc3f', 'admin.add_second_factor', 'admin', 'olga', NULL, '{"has_totp":false}', '{"has_totp":true}', '59e629a6ac0e7587a34c74e6a193041ffbc00cba4603c1dd760e5a87242d5602', '31c87715cd63d197e1e38d23320457fb4286baaa618efd8a94e85ba9aa884f28', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (27, 1800000000, 'server', '', NULL, NULL, 'key.retire', 'key', 'wj9TotkFj7bWQifSaookFqINIdg5rLF9ZaMTJU0g964', NULL, '{"alg":"ES256","state":"active"}', '{"alg":"ES256","state":"retired"}', '895b55ab9ed62bc8268bbc522a7578a4a1a8e3c5dd48a3dd34ea8a6251a0b73c', '9b65b39b954ca1b67895db3404ee03fdf5ceeccb40ce95c7faeecfbbd078ba7c', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (28, 1800000000, 'server', '', NULL, NULL, 'key.activate', 'key', 'tHIYn_N5We8JT0jcO3l1AAoc1TJUA-pbi5yEDdQIz1Y', NULL, '{"alg":"ES256","state":"next"}', '{"alg":"ES256","state":"active"}', '5d3d0018fb0dd7c02642538ce285be245d84e143f1c1cd98b0dcf4a9d1ba3081', 'b257c7002169303969320b2bb81c8a25e82b575e362e03c79d900e8cafe18ec8', 'c33a25addf602e3c');
insert into audit_events (event_id, at, actor_type, actor, source, request_id, action, target_type, target, client_id, state_before, state_after, hash, mac, key_id) values (29, 1800000000, 'server', '', NULL, NULL, 'key.create', 'key', 'J33jWoQjvdZxlrEq8GQe5Z-U85_y92w2_5op9yIZ8Og', NULL, NULL, '{"alg":"ES256","state":"next"}', '110d34d8b54e0ccf5695f1c232bfd9e87f8018a5c1c864734f987b681fa98bad', '8204150eb51dd03404cd53e0d5e83f9e1bd371c61c21d59536d69cebcf0f89b3', 'c33a25addf602e3c');
CREATE TABLE audit_head (
    last_id bigint not null,
    hash text not null,
    anchor_id bigint not null,
    anchor_hash text not null,
    -- The `mac` and `key_id` of the last event. The server verifies them before it appends, so that nobody who can only
    -- write to the database can make the server build on a forged event.
    mac text not null,
    key_id text not null,
    -- The id of the last change.
    last_change_id bigint not null
);
insert into audit_head (last_id, hash, anchor_id, anchor_hash, mac, key_id, last_change_id) values (29, '110d34d8b54e0ccf5695f1c232bfd9e87f8018a5c1c864734f987b681fa98bad', 0, '', '8204150eb51dd03404cd53e0d5e83f9e1bd371c61c21d59536d69cebcf0f89b3', 'c33a25addf602e3c', 1800000000056236);
CREATE TABLE rejected_requests (
    -- A caller may choose it, so it is not unique.
    request_id text not null,
    at bigint not null,
    route text not null,
    -- Null: no known client. Then the hint has a part only of the claimed id, since people type secrets into it.
    client_id text,
    hint text not null,
    source text not null,
    error text not null,
    reason text not null
);
insert into rejected_requests (request_id, at, route, client_id, hint, source, error, reason) values ('fd6fab09-235e-4641-be7b-7c00c87bf047', 1800000000, '/authorize', 'billing', '', '192.0.2.1', 'invalid_client', 'wrong secret');
CREATE TABLE usage_hours (
    -- Empty: no known client. No foreign key: counts outlive a client, and a replica may add them after its deletion.
    client_id text not null,
    hour bigint not null,
    -- Tokens issued to the client, requests rejected in its name, and successful verifications of its tokens.
    issued bigint not null,
    refused bigint not null,
    verified bigint not null,
    primary key (client_id, hour)
);
insert into usage_hours (client_id, hour, issued, refused, verified) values ('billing', 1800000000, 4, 1, 0);
insert into usage_hours (client_id, hour, issued, refused, verified) values ('gone', 1800000000, 1, 0, 0);
insert into usage_hours (client_id, hour, issued, refused, verified) values ('off', 1800000000, 1, 0, 0);
insert into usage_hours (client_id, hour, issued, refused, verified) values ('raised', 1800000000, 1, 0, 0);
insert into usage_hours (client_id, hour, issued, refused, verified) values ('robot', 1800000000, 1, 0, 6);
insert into usage_hours (client_id, hour, issued, refused, verified) values ('signer', 1800000000, 1, 0, 0);
CREATE TABLE usage_totals (
    span bigint not null,
    start bigint not null,
    issued bigint not null,
    refused bigint not null,
    verified bigint not null,
    primary key (span, start)
);
insert into usage_totals (span, start, issued, refused, verified) values (60, 1800000000, 9, 1, 6);
insert into usage_totals (span, start, issued, refused, verified) values (3600, 1800000000, 9, 1, 6);
CREATE TABLE last_used (
    client_id text not null,
    secret_id text not null,
    used_at bigint not null,
    source text not null,
    primary key (client_id, secret_id)
);
insert into last_used (client_id, secret_id, used_at, source) values ('billing', '', 1800000000, '192.0.2.1');
insert into last_used (client_id, secret_id, used_at, source) values ('billing', '2tffHvIZ', 1800000000, '192.0.2.1');
insert into last_used (client_id, secret_id, used_at, source) values ('gone', '', 1800000000, '192.0.2.1');
insert into last_used (client_id, secret_id, used_at, source) values ('gone', 'RA4uh0FK', 1800000000, '192.0.2.1');
insert into last_used (client_id, secret_id, used_at, source) values ('off', '', 1800000000, '192.0.2.1');
insert into last_used (client_id, secret_id, used_at, source) values ('off', 'dwEmXc0q', 1800000000, '192.0.2.1');
insert into last_used (client_id, secret_id, used_at, source) values ('raised', '', 1800000000, '192.0.2.1');
insert into last_used (client_id, secret_id, used_at, source) values ('raised', 'DxdFpGC8', 1800000000, '192.0.2.1');
insert into last_used (client_id, secret_id, used_at, source) values ('robot', '', 1800000000, '192.0.2.1');
insert into last_used (client_id, secret_id, used_at, source) values ('robot', 'wimrGGrJ', 1800000000, '192.0.2.1');
insert into last_used (client_id, secret_id, used_at, source) values ('signer', '', 1800000000, '192.0.2.1');
CREATE TABLE secret_hours (
    client_id text not null,
    secret_id text not null,
    hour bigint not null,
    uses bigint not null,
    primary key (client_id, secret_id, hour)
);
insert into secret_hours (client_id, secret_id, hour, uses) values ('billing', '2tffHvIZ', 1800000000, 4);
insert into secret_hours (client_id, secret_id, hour, uses) values ('gone', 'RA4uh0FK', 1800000000, 1);
insert into secret_hours (client_id, secret_id, hour, uses) values ('off', 'dwEmXc0q', 1800000000, 1);
insert into secret_hours (client_id, secret_id, hour, uses) values ('raised', 'DxdFpGC8', 1800000000, 1);
insert into secret_hours (client_id, secret_id, hour, uses) values ('robot', 'wimrGGrJ', 1800000000, 1);
CREATE TABLE admins (
    -- In lower case.
    name text not null primary key,
    role text not null check (role in ('viewer', 'operator', 'owner')),
    status text not null check (status in ('enabled', 'disabled')),
    -- A PHC string.
    password_hash text not null,
    must_change_password boolean not null,
    -- The secret of an authenticator app (RFC 6238); null: none. The step of its last code, so that no code works twice.
    totp_sealed text,
    totp_step bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    last_log_in_at bigint
);
insert into admins (name, role, status, password_hash, must_change_password, totp_sealed, totp_step, created_at, updated_at, last_log_in_at) values ('olga', 'owner', 'enabled', '$argon2id$v=19$m=16,t=1,p=1$2XhJfoJWdtKYrf58QCs0nA$MulZOy1zDcXmUo8RXZ5fVOc9dsIOIbBJ3POOht4jw/Y', 0, 'v1.fznWm1PhzV6MCv-1WNhY8tQ45vSYUsq5S4SeN8Gp07OQDIPoNMWtiY20Hopc1qs1', 60000000, 1800000000, 1800000000, 1800000000);
insert into admins (name, role, status, password_hash, must_change_password, totp_sealed, totp_step, created_at, updated_at, last_log_in_at) values ('vera', 'viewer', 'enabled', '$argon2id$v=19$m=16,t=1,p=1$87AxwRxo1XLTaeUaxTwKlQ$zP8s91iFAq0jK0iwyznEgvvxY3T8xeBR9/+Q4+WZz6o', 0, NULL, 0, 1800000000, 1800000000, NULL);
CREATE TABLE admin_sessions (
    session_id text not null primary key,
    token_digest text not null unique,
    name text not null references admins (name) on delete cascade,
    second_factor boolean not null,
    -- The secret of an authenticator app that is being added, until a code confirms it.
    totp_pending text,
    created_at bigint not null,
    seen_at bigint not null,
    expires_at bigint not null,
    source text not null,
    user_agent text not null,
    -- The sealed challenge for a passkey, until the session answers it.
    passkey_challenge text
);
insert into admin_sessions (session_id, token_digest, name, second_factor, totp_pending, created_at, seen_at, expires_at, source, user_agent, passkey_challenge) values ('y4UYG3Ul69TtX6bg', 'xUzlJqgItcW4VC7wLLJzaVodJ5jwqRxjN5wvF__87bc', 'olga', 1, NULL, 1800000000, 1800000000, 1800043200, '192.0.2.1', 'a browser', NULL);
CREATE TABLE admin_changes (
    count bigint not null
);
insert into admin_changes (count) values (1);
CREATE TABLE admin_passkeys (
    passkey_id text not null primary key,
    name text not null references admins (name) on delete cascade,
    -- The name that the admin chose for it.
    label text not null,
    -- The credential id, in base64url. It belongs to one admin only.
    credential_id text not null unique,
    -- JSON: the public key, the signature counter and the other properties of the credential.
    credential text not null,
    created_at bigint not null,
    last_used_at bigint
);
CREATE TABLE admin_networks (
    name text not null references admins (name) on delete cascade,
    -- An IPv4 address, or the first address of an IPv6 /64.
    network text not null,
    logged_in_at bigint not null,
    primary key (name, network)
);
insert into admin_networks (name, network, logged_in_at) values ('olga', '192.0.2.1', 1800000000);
CREATE TABLE stored_responses (
    -- A digest of the actor, the route and the key.
    key text not null primary key,
    -- The response and a digest of the request, sealed under a key derived from SECRET: either may contain a secret.
    sealed_response text not null,
    expires_at bigint not null
);
insert into stored_responses (key, sealed_response, expires_at) values ('0Dm28aJGcKUL31wPVM2xp1_i6nWvkjLYY1EKOvSkPY0', 'v1.XN9ta2pKoXWX2BvvOS80kEj8CSwZvjNJ0Gey5hheefDLYj4OlcPTk52PUUvNDLmwwkedcYAPVwDlU2YtXfmz0lxxjkZh02XYTcRxFxpqF-NgqMgMthHOTIt6OLScBHSaAbTzlkEZjqrjBhqbGa5qXsd7Bb9P4dKRXEYsSFIvG8_PCTMZAWCJB6zOOF1yTu1VdM49GPykKZ3KY9xq9VbYoK4WI5x6S5Ywl_Wo0XIz_HxnKcZ5mzhoVDsA6tI5uYqMfCZ5ifzd1OmReMD_DNRR5vWeL4lHUVTPFH38q9NuUa6W4vB5XmPs3xRJunjVJQtR4eRv_bt0nZOXDyrcTw76rhL8nB6guftz1ogqjv8CwEQDyvxJBXMB2jVuakRgTjlQ6ZIQKVp5LqaZoI8e26Wnj29Rk9RBS-0Y9dAmXBEac6SsSL2HsDg_hj8pqMqeot37StxUXBZueY2ThMFFwdpnYvJAO7LIgfz8Tdn2XUmGvRd1a93GyUNa0-cUu9JdanfpVQ0wQXCMgvzG8HYtxNixeIYrIZRqctl9ska7FCRkzDZFRzo6IfFHKO4SNqf1DLsM4OfI60UI1GFWGPl5hN_J9p1Bj5ibZ23luhrqoVShHOjBV55nS4PIblD522ubWyuAgTbl1l-pDgZPwxugCwDGltZZgmKVnwxzdD3LW-fxJDH0-8F3ZLZpoNc8MrKexhCM-uGb76DjUrXNlplVVSDEhMiHZzzumISpoXZvIxba7iU2AngEuXJEGd886HVKegFg-1JeZ0ljQZokRo_ZW17n2b2ZvseUmNkMd7A1j0eEiEG4mx8b5IzMuOPAU5aZRT19k15QsC2xmFnPrgb93qkzs73pVSPWzRDS-2X8GdHeVdOtnA', 1800086400);
CREATE TABLE single_use_values (
    -- A hash of the kind of the value, its owner and the value.
    key text not null primary key,
    expires_at bigint not null
);
insert into single_use_values (key, expires_at) values ('hfj00faALw7ZjXdB1cy6zdYjZoizmWDZdQQhzeqsD3o', 1800000330);
CREATE TABLE acme_accounts (
    directory text not null primary key,
    -- The account's URL and private key, sealed under a key derived from SECRET.
    sealed_credentials text not null,
    created_at bigint not null
);
CREATE TABLE acme_certificates (
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
CREATE TABLE acme_challenges (
    name text not null primary key,
    digest text not null,
    expires_at bigint not null
);
CREATE TABLE installation (
    -- At most one row.
    only_row bigint not null primary key check (only_row = 1),
    -- Random.
    identity text not null,
    -- 1, and one more with each `token-server restore`.
    epoch bigint not null,
    -- Tokens with a lower `gen` are revoked, whosever they are. `token-server restore` raises it; 0 before.
    generation bigint not null,
    -- What the server writes to learn whether the disk has room again; null otherwise.
    probe text,
    -- On SQLite, when a server last noted that its clock was right: it does at its start and each hour. Without a second clock
    -- it finds here, when it starts, that its clock may be wrong. Null: never, or Postgres, which has a clock of its own.
    clock_noted_at bigint,
    -- How often an operator confirmed the clock. Servers that run read it to learn of a confirmation.
    clock_confirmations bigint not null
);
insert into installation (only_row, identity, epoch, generation, probe, clock_noted_at, clock_confirmations) values (1, 'RpIcOqHIXyy7cpSIyojCvO', 1, 0, NULL, NULL, 0);
CREATE INDEX clients_status on clients (status, client_id);
CREATE INDEX clients_created_at on clients (created_at, client_id);
CREATE INDEX clients_status_created_at on clients (status, created_at, client_id);
CREATE INDEX clients_managed_by on clients (managed_by, client_id) where managed_by is not null;
CREATE INDEX clients_search on clients (client_id, search, status);
CREATE INDEX client_secrets_client_id on client_secrets (client_id);
CREATE INDEX client_secrets_expires_at on client_secrets (expires_at);
CREATE INDEX client_scopes_scope on client_scopes (scope, client_id);
CREATE UNIQUE INDEX signing_keys_one_active on signing_keys (alg) where state = 'active';
CREATE UNIQUE INDEX signing_keys_one_next on signing_keys (alg) where state = 'next';
CREATE UNIQUE INDEX revocations_client_id on revocations (client_id) where jti is null;
CREATE INDEX revocations_of_client on revocations (client_id, generation) where jti is not null;
CREATE INDEX revocations_expires_at on revocations (expires_at);
CREATE INDEX audit_events_at on audit_events (at);
CREATE INDEX audit_events_client_id on audit_events (client_id, event_id);
CREATE INDEX audit_events_actor on audit_events (actor_type, actor, event_id);
CREATE INDEX audit_events_action on audit_events (action, event_id);
CREATE INDEX audit_events_name on audit_events (actor, event_id);
CREATE INDEX audit_events_kind on audit_events (actor_type, event_id);
CREATE INDEX audit_events_group on audit_events (rtrim(action, 'abcdefghijklmnopqrstuvwxyz_'), event_id);
CREATE INDEX rejected_requests_request_id on rejected_requests (request_id, at);
CREATE INDEX rejected_requests_client_id on rejected_requests (client_id, at);
CREATE INDEX rejected_requests_at on rejected_requests (at);
CREATE INDEX usage_hours_hour on usage_hours (hour);
CREATE INDEX secret_hours_hour on secret_hours (hour);
CREATE INDEX admin_sessions_name on admin_sessions (name);
CREATE INDEX admin_passkeys_name on admin_passkeys (name);
CREATE INDEX stored_responses_expires_at on stored_responses (expires_at);
CREATE INDEX single_use_values_expires_at on single_use_values (expires_at);
