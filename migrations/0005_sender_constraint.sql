-- In whose hands the tokens of a client are good: bound to its certificate (RFC 8705), to the key of its DPoP proofs
-- (RFC 9449), or to nothing. The proofs that were used are in `used_values`.

alter table clients add column tls_client_certificate_bound boolean not null default false;
alter table clients add column dpop_bound boolean not null default false;
